"""What keeps machines from talking for ever, and what a person does about it. Pure: (house, request) -> ruling.

A guard refuses nothing: the message is said, and wakes nobody that a machine must not wake any more. That is said once,
with the messages that led there, until a person says `continue` (then those are woken) or speaks to them (then what
they slept through is past). People always pass; so does the gateway itself, whose modes have bounds of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.agent_control import agent_orders, delivery_updates
from gateway.loop_guard import wake_limits
from gateway.loop_guard.causal_chains import HOUR, Trail, hops_after
from gateway.loop_guard.closing_phrases import says_nothing
from gateway.loop_guard.holds import Asleep, Brake
from gateway.loop_guard.wake_limits import Case, Key
from gateway.model.log_events import Change, Clerk, Fact, Ruling
from gateway.model.recent_messages import Head
from gateway.model.state import MACHINES, House
from gateway.model.system_messages import notice
from gateway.protocol.events import ControlAction, Durable, Message
from gateway.protocol.loop_limits import BrakeView, Trip
from gateway.protocol.requests import Continue, Send
from gateway.protocol.results import Continued
from gateway.protocol.text.addressing import Audience
from gateway.protocol.types import Delivery, MemberKind, MessageKind, Rung, bare_name, room_name_of

OVER = (Rung.ANSWERED, Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED)
ASLEEP = "a loop guard: it wakes nobody until a person says /continue"
SHOWN = 12
BESIDES = {"answers", "tokens"}  # in the context of an answer: what it answers, and what it has cost


@dataclass(frozen=True)
class Said:
    """A message about to be said: by whom, in which room, to whom by name, and how many machines it comes after."""

    seq: int
    actor: Actor
    request: Send
    room: str
    recipients: tuple[str, ...]
    hops: int = 0


@dataclass(frozen=True)
class Judgement:
    """Whom it wakes, what the room keeps of that, and what is said about it."""

    awake: tuple[str, ...]
    asleep: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    notices: tuple[tuple[str, Trip], ...] = ()


def is_machine(house: House, name: str) -> bool:
    record = house.members.get(name)
    return record is not None and record.member.kind in MACHINES


def note(house: House, event: Durable) -> None:
    """Every message that was said, and after a restart the last ones once more."""
    if isinstance(event, Message):
        house.recent.note(event)
        house.trails.note(event, partial(is_machine, house))


# causes


def hops_of(house: House, actor: Actor, request: Send, clerk: Clerk) -> int:
    """How often machines have answered each other since a person spoke. What an agent says by a tool belongs to what it
    has in hand."""
    if actor.kind not in MACHINES:
        return 0
    if request.reply_to is not None:
        return hops_after(house.trails.trails.get(request.reply_to), actor.name, house.brakes) + 1
    cause = _in_hand(house, actor.name, clerk.now)
    return 0 if cause is None else hops_after(cause, actor.name, house.brakes) + (not actor.hands)


def carried(house: House, name: str, now: float) -> int:
    """The hops of what a machine has in hand; a person carries none."""
    trail = _in_hand(house, name, now) if is_machine(house, name) else None
    return 0 if trail is None else hops_after(trail, name, house.brakes)


def _in_hand(house: House, name: str, now: float) -> Trail | None:
    """What it was told last, unless that is over, or long ago."""
    trail = house.trails.trails.get(house.trails.told.get(name, 0))
    if trail is None or now - trail.at > HOUR:
        return None
    standing = house.ladders.get((trail.seq, name))
    return None if standing is not None and standing.rung in OVER else trail


def _cause(house: House, said: Said, now: float) -> int | None:
    if said.request.reply_to is not None:
        return said.request.reply_to
    trail = _in_hand(house, said.actor.name, now)
    return trail.seq if trail else None


# who wakes


def is_quiet(house: House, actor: Actor, request: Send, audience: Audience) -> bool:
    """Whether it wakes nobody by its nature. An answer to the whole room is read there: if it woke all other agents,
    each would answer it in turn. And nobody needs to answer thanks; who waits for just that answer gets it."""
    if request.kind is MessageKind.REPLY and audience.everyone:
        return True
    if request.kind is MessageKind.ACK:
        return not _is_awaited(house, actor, audience)
    by_machine = actor.kind in MACHINES and not request.parts and set(request.context or ()) <= BESIDES
    return by_machine and says_nothing(request.content) and not _is_awaited(house, actor, audience)


def _is_awaited(house: House, actor: Actor, audience: Audience) -> bool:
    waits = (one for name in audience.names if name in house.live for one in house.live[name].waits)
    return any(not one or actor.name in one for one in waits)


def judge(house: House, said: Said, names: Sequence[str], clerk: Clerk) -> Judgement:
    """Which of those for whom there would be a ladder are woken."""
    if said.actor.kind not in MACHINES:
        return Judgement(tuple(names), changes=_lifts(house, said, names))
    machines = [name for name in names if is_machine(house, name)]
    if not machines:
        return Judgement(tuple(names))
    case = _case(house, said, clerk)
    held = {name: key for name in machines if (key := wake_limits.held(case, name))}
    if not held or house.trails.knows(said.actor.name, said.request.id):
        return Judgement(tuple(names))
    new = dict.fromkeys(key for key in held.values() if not case.brake.stands(*key))
    trips = tuple(wake_limits.trip(case, key, _those(held, key), partial(is_machine, house)) for key in new)
    asleep = Asleep(
        said.seq, case.author, tuple(held), None if said.request.ttl is None else clerk.now + said.request.ttl
    )
    return Judgement(
        tuple(name for name in names if name not in held),
        tuple(held),
        (Change("brake", said.room, case.brake.tripped(trips, asleep)),),
        tuple((wake_limits.words(case, trip), trip) for trip in trips),
    )


def told(room: str, judged: Judgement, clerk: Clerk) -> tuple[Fact, ...]:
    """One line for each limit that was reached, with the same for programs."""
    return tuple(notice(room, text, clerk, {"tripped": msgspec.to_builtins(trip)}) for text, trip in judged.notices)


def _case(house: House, said: Said, clerk: Clerk) -> Case:
    trails, author, text = house.trails, said.actor.name, said.request.content
    brake = house.brakes.get(said.room) or Brake(said.room)
    after = max(map(brake.lifted_until, (author, *said.recipients)))
    return Case(
        seq=said.seq,
        author=author,
        recipients=said.recipients,
        hops=said.hops,
        chain=tuple(trails.chain(_cause(house, said, clerk.now))),
        alike=tuple(trails.repeats(author, said.recipients, text, clerk.now, after)),
        now=clerk.now,
        stamp=clerk.stamp,
        brake=brake,
        trails=trails,
    )


def _those(held: Mapping[str, Key], key: Key) -> list[str]:
    return [name for name, one in held.items() if one == key]


def _lifts(house: House, said: Said, names: Sequence[str]) -> tuple[Change, ...]:
    """A person speaks to them."""
    brake = house.brakes.get(said.room)
    if brake is None or said.actor.kind is not MemberKind.HUMAN:
        return ()
    after = brake.spoken_to(names)
    return () if after == brake else (Change("brake", said.room, after.kept()),)


# what a person does


def go_on(house: House, actor: Actor, request: Continue, clerk: Clerk) -> Ruling:
    """Lift what stands, in one room or all, for one agent or all, and wake whom it kept asleep: in order, and once."""
    actor.need(Action.CONTINUE)
    name = house.member(bare_name(request.member)).name if request.member else None
    rooms = [house.readable_room(room_name_of(request.room), actor).name] if request.room else _seen(house, actor)
    stand = [brake for room in rooms if (brake := house.brakes.get(room)) and _concerns(brake, name)]
    facts = tuple(fact for brake in stand for fact in _lifted(house, brake, name, actor, clerk))
    woken = tuple(one for fact in facts for one in fact.deliveries)
    return Ruling(Continued(tuple(brake.room for brake in stand), woken), facts)


def _seen(house: House, actor: Actor) -> list[str]:
    return [name for name in sorted(house.brakes) if name in house.rooms and house.may_read(house.rooms[name], actor)]


def _concerns(brake: Brake, name: str | None) -> bool:
    asleep = any(name is None or name in one.names for one in brake.asleep)
    return asleep or any(name is None or name in one.names for one in brake.trips)


def _lifted(house: House, brake: Brake, name: str | None, actor: Actor, clerk: Clerk) -> Iterator[Fact]:
    """Said first, so that its number is the one up to which all is lifted."""
    after, found = brake.lifted_by(clerk.last_seq + 1, name)
    woken = [one for one in found if one.deadline is None or one.deadline > clerk.now]
    members = {each for one in brake.trips if name is None or name in one.names for each in one.names}
    context = {"continued": {"by": actor.name, "members": sorted(members)}}
    text = _words(actor, name, woken, brake.beyond if name is None else 0)
    yield notice(brake.room, text, clerk, context, (Change("brake", brake.room, after),))
    for one in woken:
        for member in _still_here(house, one.names):
            yield from _wake(brake.room, one, member, actor, clerk)


def _still_here(house: House, names: Sequence[str]) -> list[str]:
    """Whoever was removed meanwhile is woken by nothing."""
    return [name for name in names if name in house.members and house.members[name].member.inbox]


def _words(actor: Actor, name: str | None, woken: Sequence[Asleep], beyond: int) -> str:
    numbers = ", ".join(f"#{one.message} for {', '.join(one.names)}" for one in woken[:SHOWN])
    more = f" and {len(woken) - SHOWN} more" if len(woken) > SHOWN else ""
    rest = f" {beyond} more were not kept for waking; they are in the history." if beyond else ""
    wakes = f" Woken: {numbers}{more}." if woken else ""
    return f"{actor.name} lets {name or 'the agents'} go on.{wakes}{rest}"


def _wake(room: str, asleep: Asleep, member: str, actor: Actor, clerk: Clerk) -> Iterator[Fact]:
    """A ladder begins, and its sidecar is told, which has seen the message go by."""
    yield delivery_updates.begun(Head(room, asleep.sender), asleep.message, member, f"woken by {actor.name}", clerk)
    yield agent_orders.told(ControlAction.RETRY, member, asleep.message, clerk)


# what is shown


def standing(house: House, actor: Actor) -> tuple[BrakeView, ...]:
    seen = (house.brakes[name] for name in _seen(house, actor))
    return tuple(one.view() for one in seen if one.trips or one.asleep)


def sleepers(house: House, message: Message) -> tuple[Delivery, ...]:
    """Who sleeps for this message, as if it were held for them."""
    brake = house.brakes.get(message.room)
    names = (name for one in (brake.asleep if brake else ()) if one.message == message.seq for name in one.names)
    return tuple(Delivery(message.seq, name, Rung.HELD, ASLEEP, message.timestamp) for name in names)
