"""Many refused orders do not cause many messages."""

from __future__ import annotations

from pathlib import Path

from gateway.protocol.events import ControlAction
from gateway.protocol.types.core_types import Activity
from sidecar.delivery.backlog import EarlierRun
from sidecar.orders.refusal_notice_limit import MAX_SENDERS, MAX_SINGLE_REPORTS, MIN_INTERVAL_S, OrderRefusals
from sidecar.orders.room_orders import RoomOrders
from tests.sidecar.delivery.test_delivery_loop import Scene
from tests.sidecar.orders.test_room_orders import FakeTarget, order


def test_the_first_refusals_are_reported_and_the_others_counted() -> None:
    refusals = OrderRefusals()
    told = [refusals.note("ann", "no", number / 1000) for number in range(1150)]
    assert [one for one in told if one] == ["no"] * MAX_SINGLE_REPORTS
    later = refusals.note("ann", "no", MIN_INTERVAL_S + 5)
    assert later == f"no ({1150 - MAX_SINGLE_REPORTS} more orders of yours before this one were not carried out either)"


def test_each_sender_is_told_for_itself() -> None:
    refusals = OrderRefusals()
    for _ in range(10):
        refusals.note("ann", "no", 0)
    assert refusals.note("ben", "no", 0) == "no"


def test_no_more_is_remembered_than_must_be() -> None:
    refusals = OrderRefusals()
    for number in range(10 * MAX_SENDERS):
        refusals.note(f"sender-{number}", "no", number)
    assert len(refusals._told) == MAX_SENDERS


async def test_refused_keys_are_answered_a_few_times(tmp_path: Path) -> None:
    scene, target, now = Scene(tmp_path), FakeTarget(Activity.ASKING), [0.0]
    orders = RoomOrders("claude", scene.delivery_loop, target, EarlierRun(), clock=lambda: now[0])
    orders.mark_connected(7)
    for number in range(1000):
        await orders.control(order(ControlAction.KEYS, "1", number + 8))
    assert len(target.told) == MAX_SINGLE_REPORTS
    assert target.done == []
    now[0] = 2 * MIN_INTERVAL_S
    await orders.control(order(ControlAction.KEYS, "1", 2000))
    assert "997 more orders" in target.told[-1][1]
    scene.journal.close()
