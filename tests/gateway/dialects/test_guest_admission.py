"""Guests without a token: a crowd of names shuts nobody out for ever, and leaves no debts."""

from __future__ import annotations

import msgspec
import pytest

from gateway.access.permissions import Actor
from gateway.access.rate_limit import Rate
from gateway.client import Client
from gateway.dialects.guest_admission import GUEST_REMOVED_REASON, GuestAdmission
from gateway.model.log_events import StateChange
from gateway.model.records import MemberRecord
from gateway.model.state import GatewayState
from gateway.operations.dispatch import run_operation
from gateway.protocol.errors import RateLimited
from gateway.protocol.requests import CreateRoom, Invite, Join, Kick, Leave, Show
from gateway.protocol.results import Done, MessageDetail
from gateway.protocol.types import Delivery, Member, MemberKind, Rung
from gateway.rooms import guests
from tests.fakes.retry import retry_until
from tests.support.gateways import UNLIMITED, Gateway

DIALECT = "ai-connect"


def guest(name: str) -> MemberRecord:
    return MemberRecord(Member(name, MemberKind.AGENT, name, inbox=True), dialect=DIALECT)


async def test_new_names_come_at_a_rate_and_known_ones_always(gateway: Gateway) -> None:
    now = [0.0]
    door = GuestAdmission(gateway.hub, DIALECT, Rate(3, 2), clock=lambda: now[0])
    for number in range(3):
        await door.arrive(guest(f"g{number}"))
    with pytest.raises(RateLimited, match="without a token") as refused:
        door.arrive(guest("one-more"))
    assert refused.value.retry_after == 0.5
    await door.arrive(guest("g1"))
    now[0] = 0.5
    await door.arrive(guest("one-more"))


async def test_a_guest_that_was_put_out_of_a_room_does_not_come_back_into_it_by_itself(gateway: Gateway) -> None:
    door = GuestAdmission(gateway.hub, DIALECT)
    await door.arrive(guest("g1"))
    async with Client(gateway.operator) as alice:
        await alice.request(Kick(room="general", member="g1"), Done)
        await gateway.hub.carry_out(guests.hide_guest(gateway.hub.state, DIALECT, "g1", gateway.hub.sequencer()))
        await door.arrive(guest("g1"))
        assert "g1" not in gateway.hub.state.in_room["general"]
        await alice.request(Invite(room="general", member="g1"), Done)
    await door.arrive(guest("g1"))
    assert "g1" in gateway.hub.state.in_room["general"]


async def test_the_empty_rooms_of_a_forgotten_guest_go_with_it(gateway: Gateway) -> None:
    door, state = GuestAdmission(gateway.hub, DIALECT, UNLIMITED), gateway.hub.state
    callers = [msgspec.structs.replace(guest(f"g{n}"), member=Member(f"g{n}", MemberKind.AGENT)) for n in range(3)]
    for caller in callers:
        await door.arrive(caller)
        for room in ("empty", "visited"):
            wish = CreateRoom(room=f"{room}-{caller.member.name}", invite_only=room == "empty")
            await run_operation(gateway.hub, Actor(caller.member.name, MemberKind.AGENT), wish)
    async with Client(gateway.operator) as alice:
        await alice.request(Join(room="visited-g0"), Done)
        for caller in callers:
            await gateway.hub.carry_out(
                guests.remove_departed_guest(state, DIALECT, caller.member.name, gateway.hub.sequencer())
            )
        for number in range(guests.MAX_KEPT_CALLERS - len(callers)):
            gone = MemberRecord(Member(f"gone{number}", MemberKind.AGENT, hidden=True), dialect=DIALECT)
            state.put(StateChange("member", gone.member.name, gone))
        await door.arrive(guest("newcomer"))
        assert "g0" not in state.members and there(state) == {"visited-g0", *of("g1"), *of("g2")}
        await alice.request(Leave(room="visited-g0"), Done)
    await door.arrive(guest("another"))
    assert there(state) == {*of("g1"), *of("g2")}


def of(maker: str) -> tuple[str, str]:
    return (f"empty-{maker}", f"visited-{maker}")


def there(state: GatewayState) -> set[str]:
    return {one.name for one in state.rooms.values() if not one.removed} - {"general"}


@pytest.fixture
async def full(gateway: Gateway) -> GuestAdmission:
    """As many guests as there may be: the first is away, the others are connected."""
    door = GuestAdmission(gateway.hub, DIALECT)
    await door.arrive(guest("away"))
    for number in range(guests.MAX_GUESTS_PER_DIALECT - 1):
        record = guest(f"g{number}")
        gateway.hub.state.put(StateChange("member", record.member.name, record))
        gateway.hub.state.live[record.member.name].connections = 1
    return door


async def test_who_is_away_makes_way_and_what_it_was_owed_is_settled(gateway: Gateway, full: GuestAdmission) -> None:
    async with Client(gateway.operator) as alice:
        sent = [(await alice.send(f"number {number}", to="@away")).seq for number in range(3)]
        assert gateway.hub.state.queued["away"] == 3
        await full.arrive(guest("newcomer"))
        assert "away" not in gateway.hub.state.members
        await retry_until(lambda: gateway.hub.state.queued["away"] == 0)
        await alice.send("what was decided before this is on the disk")
        for number in sent:
            (delivery,) = (await alice.request(Show(message=number), MessageDetail)).deliveries
            assert (delivery.rung, delivery.reason) == (Rung.CANCELLED, GUEST_REMOVED_REASON)


async def test_one_that_nothing_waits_for_makes_way_before_one_that_is_owed(
    gateway: Gateway, full: GuestAdmission
) -> None:
    state = gateway.hub.state
    state.live["g5"].connections, state.live["g5"].lost = 0, gateway.hub.now
    state.deliveries.begin([Delivery(1, "away", Rung.QUEUED)])
    await full.arrive(guest("newcomer"))
    assert "g5" not in state.members and "away" in state.members
