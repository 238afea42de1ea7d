"""Guests without a token: a crowd of names shuts nobody out for ever, and leaves no debts."""

from __future__ import annotations

import msgspec
import pytest

from gateway.access.permissions import Actor
from gateway.access.rate_limit import Rate
from gateway.client import Client
from gateway.dialects.guest_admission import GUEST_REMOVED_REASON, GuestAdmission
from gateway.model.records.stored_records import MemberRecord
from gateway.model.rule_outcome import StateChange
from gateway.model.state import GatewayState
from gateway.operations.dispatch import run_operation
from gateway.protocol.errors import RateLimited
from gateway.protocol.requests.agent_requests import Share
from gateway.protocol.requests.mark_requests import Mute
from gateway.protocol.requests.message_requests import Send, Show
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join, Kick, Leave
from gateway.protocol.results import Accepted, Done, MessageDetail
from gateway.protocol.types.core_types import Delivery, Member, MemberKind, MessageKind, Rung
from gateway.rooms import guests
from gateway.runtime.state_loader import adopt_state, load_state
from tests.fakes.retry import retry_until
from tests.support.gateways import UNLIMITED, Gateway

DIALECT = "ai-connect"
SPEAKER = Actor("alice", MemberKind.HUMAN)


def guest(name: str) -> MemberRecord:
    return MemberRecord(Member(name, MemberKind.AGENT, name, inbox=True), dialect=DIALECT)


async def test_new_names_come_at_a_rate_and_known_ones_always(gateway: Gateway) -> None:
    now = [0.0]
    admission = GuestAdmission(gateway.hub, DIALECT, Rate(3, 2), clock=lambda: now[0])
    for number in range(3):
        await admission.arrive(guest(f"g{number}"))
    with pytest.raises(RateLimited, match="without a token") as refused:
        admission.arrive(guest("one-more"))
    assert refused.value.retry_after == 0.5
    await admission.arrive(guest("g1"))
    now[0] = 0.5
    await admission.arrive(guest("one-more"))


async def test_a_guest_that_was_put_out_of_a_room_does_not_come_back_into_it_by_itself(gateway: Gateway) -> None:
    admission = GuestAdmission(gateway.hub, DIALECT)
    await admission.arrive(guest("g1"))
    async with Client(gateway.operator) as alice:
        await alice.request(Kick(room="general", member="g1"), Done)
        await gateway.hub.carry_out(guests.hide_guest(gateway.hub.state, DIALECT, "g1", gateway.hub.rule_context()))
        await admission.arrive(guest("g1"))
        assert "g1" not in gateway.hub.state.in_room["general"]
        await alice.request(Invite(room="general", member="g1"), Done)
    await admission.arrive(guest("g1"))
    assert "g1" in gateway.hub.state.in_room["general"]


async def test_the_empty_rooms_of_a_forgotten_guest_go_with_it(gateway: Gateway) -> None:
    admission, state = GuestAdmission(gateway.hub, DIALECT, UNLIMITED), gateway.hub.state
    callers = [msgspec.structs.replace(guest(f"g{n}"), member=Member(f"g{n}", MemberKind.AGENT)) for n in range(3)]
    for caller in callers:
        await admission.arrive(caller)
        for room in ("empty", "visited"):
            wish = CreateRoom(room=f"{room}-{caller.member.name}", invite_only=room == "empty")
            await run_operation(gateway.hub, Actor(caller.member.name, MemberKind.AGENT), wish)
    async with Client(gateway.operator) as alice:
        await alice.request(Join(room="visited-g0"), Done)
        for caller in callers:
            await gateway.hub.carry_out(
                guests.remove_departed_guest(state, DIALECT, caller.member.name, gateway.hub.rule_context())
            )
        for number in range(guests.MAX_KEPT_CALLERS - len(callers)):
            gone = MemberRecord(Member(f"gone{number}", MemberKind.AGENT, hidden=True), dialect=DIALECT)
            state.put(StateChange("member", gone.member.name, gone))
        await admission.arrive(guest("newcomer"))
        assert "g0" not in state.members and there(state) == {"visited-g0", *of("g1"), *of("g2")}
        await alice.request(Leave(room="visited-g0"), Done)
    await admission.arrive(guest("another"))
    assert there(state) == {*of("g1"), *of("g2")}


def of(maker: str) -> tuple[str, str]:
    return (f"empty-{maker}", f"visited-{maker}")


def there(state: GatewayState) -> set[str]:
    return {one.name for one in state.rooms.values() if not one.removed} - {"general"}


@pytest.fixture
async def full(gateway: Gateway) -> GuestAdmission:
    """As many guests as there may be: the first is away, the others are connected."""
    admission = GuestAdmission(gateway.hub, DIALECT)
    await admission.arrive(guest("away"))
    for number in range(guests.MAX_GUESTS_PER_DIALECT - 1):
        record = guest(f"g{number}")
        gateway.hub.state.put(StateChange("member", record.member.name, record))
        gateway.hub.state.live[record.member.name].connections = 1
    return admission


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


async def test_nothing_of_a_forgotten_guest_stays(gateway: Gateway, full: GuestAdmission) -> None:
    """Its name may come again, and is then another's."""
    state = gateway.hub.state
    itself = Actor("away", MemberKind.AGENT)
    await run_operation(gateway.hub, itself, Mute(room="general"))
    await run_operation(gateway.hub, itself, Share(member="away", policy="all"))
    answered = await run_operation(gateway.hub, SPEAKER, Send(content="hello", to="@away"))
    assert isinstance(answered, Accepted)
    reply = Send(content="an answer", kind=MessageKind.REPLY, reply_to=answered.seq, context={"tokens": 7})
    await run_operation(gateway.hub, itself, reply)
    assert state.costs["away"].tokens == 7
    await full.arrive(guest("newcomer"))
    await retry_until(lambda: "away" not in state.live)
    left = [(table.kind.name, key) for table in state.tables.values() for key in table.rows if "away" in str(key)]
    assert left == []
    assert "away" not in state.queued and "away" not in state.deliveries.begun
    await restored(gateway)
    assert "away" not in state.costs, "neither is it in the store"


async def restored(gateway: Gateway) -> None:
    """The state as it is read from the store."""
    adopt_state(gateway.hub.state, await load_state(gateway.hub.store), gateway.hub.now)


async def test_one_that_nothing_waits_for_makes_way_before_one_that_is_owed(
    gateway: Gateway, full: GuestAdmission
) -> None:
    state = gateway.hub.state
    state.live["g5"].connections, state.live["g5"].lost = 0, gateway.hub.now
    state.deliveries.begin([Delivery(1, "away", Rung.QUEUED)])
    await full.arrive(guest("newcomer"))
    assert "g5" not in state.members and "away" in state.members
