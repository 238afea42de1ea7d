"""Orders for the terminal: keys by name, a restart, and refused orders."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.protocol.events import Control, ControlAction
from gateway.protocol.requests import Request, Show
from gateway.protocol.results import DeliveryList, MessageDetail, WaitingList
from gateway.protocol.types import Activity
from sidecar.activity.observer import AgentSnapshot
from sidecar.delivery.backlog import EarlierRun
from sidecar.delivery.stop_rules import StopOrder
from sidecar.errors import SidecarError
from sidecar.orders.room_orders import DIALOG_TEXT, MISSED_TEXT, RoomOrders
from sidecar.terminal.named_keys import key_bytes
from tests.fakes.retry import retry_until
from tests.sidecar.delivery.test_delivery_loop import Scene
from tests.sidecar.memory_room import MemoryRoom
from tests.sidecar.pictures import moment
from tests.sidecar.seat import seated

T = TypeVar("T")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("^C", [b"\x03"]),
        ("c-u", [b"\x15"]),
        ("esc esc", [b"\x1b", b"\x1b"]),
        ("1 Enter", [b"1", b"\r"]),
        ("Down", [b"\x1b[B"]),
    ],
)
def test_keys_by_name(text: str, keys: list[bytes]) -> None:
    assert key_bytes(text) == keys


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(SidecarError, match="is not a key"):
        key_bytes("hyper-x")


class FakeTarget:
    def __init__(self, activity: Activity = Activity.IDLE) -> None:
        self.done: list[object] = []
        self.told: list[tuple[str, str]] = []
        self._moment = moment(activity)

    async def fetch(self, number: int) -> MessageDetail | None:
        raise AssertionError(number)

    async def begun_after(self, number: int) -> DeliveryList:
        raise AssertionError(number)

    async def waiting_after(self, number: int, limit: int) -> WaitingList:
        raise AssertionError(number)

    def press(self, keys: Sequence[bytes], by: str) -> None:
        self.done += keys

    def restart(self) -> None:
        self.done.append("restart")

    def stop_turn(self, order: StopOrder) -> None:
        self.done.append(order)

    def tell(self, name: str, text: str, number: int) -> None:
        self.told.append((name, text))

    def look(self) -> AgentSnapshot:
        return self._moment


def order(action: ControlAction, text: str = "", number: int = 8, *, may: bool = False) -> Control:
    """With a time that another machine's clock gave."""
    return Control(number, action, "alice", ("claude",), "2001-01-01T00:00:00.000Z", text=text, may_approve=may)


async def ordered(folder: Path, target: FakeTarget, control: Control) -> None:
    scene = Scene(folder)
    orders = RoomOrders("claude", scene.delivery_loop, target, EarlierRun())
    orders.mark_connected(7)
    await orders.control(control)
    scene.journal.close()


@pytest.mark.parametrize(
    ("control", "activity", "done"),
    [
        (order(ControlAction.KEYS, "^C 1"), Activity.IDLE, [b"\x03", b"1"]),
        (order(ControlAction.KEYS, "1", may=True), Activity.ASKING, [b"1"]),
        (order(ControlAction.RESTART), Activity.ASKING, ["restart"]),
        (order(ControlAction.KEYS, "stop"), Activity.ASKING, [StopOrder("alice", 8)]),
        (order(ControlAction.KEYS, "stop", may=True), Activity.IDLE, [StopOrder("alice", 8, may_refuse=True)]),
    ],
)
async def test_a_new_order_is_carried_out_whatever_the_clocks_say(
    tmp_path: Path, control: Control, activity: Activity, done: list[object]
) -> None:
    target = FakeTarget(activity)
    await ordered(tmp_path, target, control)
    assert (target.done, target.told) == (done, [])


@pytest.mark.parametrize(
    ("control", "activity", "told"),
    [
        (order(ControlAction.KEYS, "1", number=7), Activity.IDLE, f"claude was given no keys: {MISSED_TEXT}"),
        (order(ControlAction.RESTART, number=7), Activity.IDLE, f"claude was not started again: {MISSED_TEXT}"),
        (order(ControlAction.KEYS, "stop", number=7), Activity.BUSY, f"claude was not stopped: {MISSED_TEXT}"),
        (order(ControlAction.KEYS, "1"), Activity.ASKING, f"claude was given no keys: {DIALOG_TEXT}"),
        (order(ControlAction.KEYS, "hyper-x"), Activity.IDLE, "claude was given no keys: 'hyper-x' is not a key"),
    ],
)
async def test_the_sender_of_a_refused_order_is_told_why(
    tmp_path: Path, control: Control, activity: Activity, told: str
) -> None:
    target = FakeTarget(activity)
    await ordered(tmp_path, target, control)
    ((name, text),) = target.told
    assert target.done == []
    assert name == "alice" and text.startswith(told)


async def test_text_typed_by_an_order_counts_as_a_persons_draft(tmp_path: Path) -> None:
    room = MemoryRoom("claude")
    async with seated(tmp_path, room=room) as seat:
        await seat.reaches(room.say("first"), "answered")
        await seat.is_("idle")
        room.order(ControlAction.KEYS, text="h i")
        await seat.shows("› hi")
        number = room.say("hello")
        await retry_until(lambda: room.rungs(number), describe=seat.describe)
        assert (room.rungs(number)[0], room.reasons(number)[0]) == ("held", "draft")
        await seat.reaches(number, "answered")
        await seat.shows("› hi")


class Failing(MemoryRoom):
    async def request(self, request: Request, result_type: type[T]) -> T:
        if isinstance(request, Show):
            raise RuntimeError("a bad event")
        return await super().request(request, result_type)


async def test_an_event_that_fails_takes_back_no_pause(tmp_path: Path) -> None:
    room = Failing("claude")
    async with seated(tmp_path, room=room) as seat:
        await seat.is_("idle")
        room.order(ControlAction.PAUSE)
        room.order(ControlAction.RETRY, message=99)
        room.order(ControlAction.KEYS, text="h i")
        await seat.shows("› hi")
        number = room.say("hello")
        await retry_until(lambda: room.rungs(number), describe=seat.describe)
        assert (room.rungs(number), room.reasons(number)) == (["held"], ["paused"])
        room.order(ControlAction.KEYS, text="!")
        await seat.shows("› hi!")
        assert room.rungs(number) == ["held"]
