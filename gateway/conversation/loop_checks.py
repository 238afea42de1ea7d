"""Applies the loop guard to messages, and lets people lift its holds. Pure: (state, request) -> outcome.

The loop guard refuses no message: the message is logged, but does not wake members that a machine must no longer wake.
The room gets one notice with the messages that led there. A person lifts the hold with `continue`, which delivers the
held messages, or by writing to the held members, which drops them. Messages of people always wake, and so do those of
the gateway, because its modes have their own bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.agent_control import agent_orders, delivery_updates
from gateway.loop_guard import wake_limits
from gateway.loop_guard.causal_chains import HOUR_S, CausalLink, hops_after
from gateway.loop_guard.closing_phrases import is_closing_phrase
from gateway.loop_guard.holds import HeldMessage, LoopHold
from gateway.loop_guard.wake_limits import GuardKey, WakeCheck
from gateway.model.log_events import LogEvent, Outcome, Sequencer, StateChange
from gateway.model.recent_messages import MessageHeader
from gateway.model.state import MACHINES, GatewayState
from gateway.model.system_messages import room_notice
from gateway.protocol.events import ControlAction, Durable, Message
from gateway.protocol.loop_limits import BrakeView, Trip
from gateway.protocol.requests import Continue, Send
from gateway.protocol.results import Continued
from gateway.protocol.text.addressing import Audience
from gateway.protocol.types import Delivery, MemberKind, MessageKind, Rung, bare_name, canonical_room_name

FINAL_RUNGS = (Rung.ANSWERED, Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED)
HELD_REASON = "a loop guard: it wakes nobody until a person says /continue"
MAX_SHOWN_MESSAGES = 12
CONTEXT_FIELDS_APART = {"answers", "tokens"}  # in the context of an answer: the messages it answers, and its cost


@dataclass(frozen=True)
class NewMessage:
    """A message about to be sent: its author, room, named recipients and hops (answers of machines before it)."""

    seq: int
    actor: Actor
    request: Send
    room: str
    recipients: tuple[str, ...]
    hops: int = 0


@dataclass(frozen=True)
class WakeDecision:
    """The members that a message wakes, the change to the room's hold, and the trips to announce."""

    awake: tuple[str, ...]
    asleep: tuple[str, ...] = ()
    changes: tuple[StateChange, ...] = ()
    notices: tuple[tuple[str, Trip], ...] = ()


def is_machine(state: GatewayState, name: str) -> bool:
    record = state.members.get(name)
    return record is not None and record.member.kind in MACHINES


def record_event(state: GatewayState, event: Durable) -> None:
    """Called for every message, and after a restart for the last messages of the log."""
    if isinstance(event, Message):
        state.recent.note(event)
        state.chains.note(event, partial(is_machine, state))


# causes


def hops_of(state: GatewayState, actor: Actor, request: Send, sequencer: Sequencer) -> int:
    """How many answers of machines precede this message since a person wrote. A message through a tool counts as part
    of the agent's current message."""
    if actor.kind not in MACHINES:
        return 0
    if request.reply_to is not None:
        return hops_after(state.chains.links.get(request.reply_to), actor.name, state.loop_holds) + 1
    cause = _message_in_hand(state, actor.name, sequencer.now)
    return 0 if cause is None else hops_after(cause, actor.name, state.loop_holds) + (not actor.hands)


def hops_in_hand(state: GatewayState, name: str, now: float) -> int:
    """The hops of the message that a machine works on; 0 for a person."""
    link = _message_in_hand(state, name, now) if is_machine(state, name) else None
    return 0 if link is None else hops_after(link, name, state.loop_holds)


def _message_in_hand(state: GatewayState, name: str, now: float) -> CausalLink | None:
    """The last message to the member, unless it is finished or older than an hour."""
    link = state.chains.links.get(state.chains.told.get(name, 0))
    if link is None or now - link.at > HOUR_S:
        return None
    standing = state.latest_deliveries.get((link.seq, name))
    return None if standing is not None and standing.rung in FINAL_RUNGS else link


def _cause_of(state: GatewayState, said: NewMessage, now: float) -> int | None:
    if said.request.reply_to is not None:
        return said.request.reply_to
    link = _message_in_hand(state, said.actor.name, now)
    return link.seq if link else None


# wakes


def wakes_nobody(state: GatewayState, actor: Actor, request: Send, audience: Audience) -> bool:
    """Whether the kind of message wakes nobody. An answer to the whole room wakes no agents, because each would answer
    it in turn. Nobody needs to answer thanks, but a member that waits for that answer gets it."""
    if request.kind is MessageKind.REPLY and audience.everyone:
        return True
    if request.kind is MessageKind.ACK:
        return not _is_awaited_answer(state, actor, audience)
    by_machine = actor.kind in MACHINES and not request.parts and set(request.context or ()) <= CONTEXT_FIELDS_APART
    return by_machine and is_closing_phrase(request.content) and not _is_awaited_answer(state, actor, audience)


def _is_awaited_answer(state: GatewayState, actor: Actor, audience: Audience) -> bool:
    waits = (one for name in audience.names if name in state.live for one in state.live[name].waits)
    return any(not one or actor.name in one for one in waits)


def decide_wakes(state: GatewayState, said: NewMessage, names: Sequence[str], sequencer: Sequencer) -> WakeDecision:
    """Decide which of the recipients with an inbox are woken."""
    if said.actor.kind not in MACHINES:
        return WakeDecision(tuple(names), changes=_changes_when_person_speaks(state, said, names))
    machines = [name for name in names if is_machine(state, name)]
    if not machines:
        return WakeDecision(tuple(names))
    case = _wake_check(state, said, sequencer)
    held = {name: key for name in machines if (key := wake_limits.tripped_guard(case, name))}
    if not held or state.chains.knows_message(said.actor.name, said.request.id):
        return WakeDecision(tuple(names))
    new = dict.fromkeys(key for key in held.values() if not case.hold.is_active(*key))
    trips = tuple(wake_limits.trip_of(case, key, _names_held_by(held, key), partial(is_machine, state)) for key in new)
    asleep = HeldMessage(
        said.seq, case.author, tuple(held), None if said.request.ttl is None else sequencer.now + said.request.ttl
    )
    return WakeDecision(
        tuple(name for name in names if name not in held),
        tuple(held),
        (StateChange("brake", said.room, case.hold.with_trip(trips, asleep)),),
        tuple((wake_limits.trip_text(case, trip), trip) for trip in trips),
    )


def guard_notices(room: str, judged: WakeDecision, sequencer: Sequencer) -> tuple[LogEvent, ...]:
    """One notice for each limit that was reached, with the same data for programs."""
    return tuple(
        room_notice(room, text, sequencer, {"tripped": msgspec.to_builtins(trip)}) for text, trip in judged.notices
    )


def _wake_check(state: GatewayState, said: NewMessage, sequencer: Sequencer) -> WakeCheck:
    chains, author, text = state.chains, said.actor.name, said.request.content
    hold = state.loop_holds.get(said.room) or LoopHold(said.room)
    after = max(map(hold.lifted_until, (author, *said.recipients)))
    return WakeCheck(
        seq=said.seq,
        author=author,
        recipients=said.recipients,
        hops=said.hops,
        chain=tuple(chains.chain(_cause_of(state, said, sequencer.now))),
        alike=tuple(chains.repeats(author, said.recipients, text, sequencer.now, after)),
        now=sequencer.now,
        stamp=sequencer.stamp,
        hold=hold,
        chains=chains,
    )


def _names_held_by(held: Mapping[str, GuardKey], key: GuardKey) -> list[str]:
    return [name for name, one in held.items() if one == key]


def _changes_when_person_speaks(state: GatewayState, said: NewMessage, names: Sequence[str]) -> tuple[StateChange, ...]:
    """Update the hold when a person writes to members."""
    hold = state.loop_holds.get(said.room)
    if hold is None or said.actor.kind is not MemberKind.HUMAN:
        return ()
    after = hold.after_person_spoke(names)
    return () if after == hold else (StateChange("brake", said.room, after.or_none()),)


# requests of people


def lift_holds(state: GatewayState, actor: Actor, request: Continue, sequencer: Sequencer) -> Outcome:
    """Lift holds in one room or all, for one agent or all, and deliver the held messages in order, each once."""
    actor.require(Action.CONTINUE)
    name = state.member(bare_name(request.member)).name if request.member else None
    rooms = (
        [state.readable_room(canonical_room_name(request.room), actor).name]
        if request.room
        else _visible_rooms(state, actor)
    )
    stand = [hold for room in rooms if (hold := state.loop_holds.get(room)) and _is_about(hold, name)]
    facts = tuple(fact for hold in stand for fact in _lift_hold_events(state, hold, name, actor, sequencer))
    woken = tuple(one for fact in facts for one in fact.deliveries)
    return Outcome(Continued(tuple(hold.room for hold in stand), woken), facts)


def _visible_rooms(state: GatewayState, actor: Actor) -> list[str]:
    return [
        name for name in sorted(state.loop_holds) if name in state.rooms and state.may_read(state.rooms[name], actor)
    ]


def _is_about(hold: LoopHold, name: str | None) -> bool:
    asleep = any(name is None or name in one.names for one in hold.asleep)
    return asleep or any(name is None or name in one.names for one in hold.trips)


def _lift_hold_events(
    state: GatewayState, hold: LoopHold, name: str | None, actor: Actor, sequencer: Sequencer
) -> Iterator[LogEvent]:
    """The notice comes first, because its number marks up to where the limits are reset."""
    after, found = hold.lift(sequencer.last_seq + 1, name)
    woken = [one for one in found if one.deadline is None or one.deadline > sequencer.now]
    members = {each for one in hold.trips if name is None or name in one.names for each in one.names}
    context = {"continued": {"by": actor.name, "members": sorted(members)}}
    text = _lift_text(actor, name, woken, hold.beyond if name is None else 0)
    yield room_notice(hold.room, text, sequencer, context, (StateChange("brake", hold.room, after),))
    for one in woken:
        for member in _remaining_members(state, one.names):
            yield from _wake_events(hold.room, one, member, actor, sequencer)


def _remaining_members(state: GatewayState, names: Sequence[str]) -> list[str]:
    """The names without members that were removed meanwhile."""
    return [name for name in names if name in state.members and state.members[name].member.inbox]


def _lift_text(actor: Actor, name: str | None, woken: Sequence[HeldMessage], beyond: int) -> str:
    numbers = ", ".join(f"#{one.message} for {', '.join(one.names)}" for one in woken[:MAX_SHOWN_MESSAGES])
    more = f" and {len(woken) - MAX_SHOWN_MESSAGES} more" if len(woken) > MAX_SHOWN_MESSAGES else ""
    rest = f" {beyond} more were not kept for waking; they are in the history." if beyond else ""
    wakes = f" Woken: {numbers}{more}." if woken else ""
    return f"{actor.name} lets {name or 'the agents'} go on.{wakes}{rest}"


def _wake_events(room: str, asleep: HeldMessage, member: str, actor: Actor, sequencer: Sequencer) -> Iterator[LogEvent]:
    """Begin the delivery, and notify the sidecar, which has already seen the message without a delivery."""
    yield delivery_updates.begun(
        MessageHeader(room, asleep.sender), asleep.message, member, f"woken by {actor.name}", sequencer
    )
    yield agent_orders.order_about_message(ControlAction.RETRY, member, asleep.message, sequencer)


# views


def visible_holds(state: GatewayState, actor: Actor) -> tuple[BrakeView, ...]:
    seen = (state.loop_holds[name] for name in _visible_rooms(state, actor))
    return tuple(one.view() for one in seen if one.trips or one.asleep)


def held_recipients(state: GatewayState, message: Message) -> tuple[Delivery, ...]:
    """The members for whom the loop guard holds this message, shown as held deliveries."""
    hold = state.loop_holds.get(message.room)
    names = (name for one in (hold.asleep if hold else ()) if one.message == message.seq for name in one.names)
    return tuple(Delivery(message.seq, name, Rung.HELD, HELD_REASON, message.timestamp) for name in names)
