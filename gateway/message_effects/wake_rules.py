"""Decides whom a message wakes, by the loop guard. Pure: (state, request) -> outcome.

The loop guard refuses no message: the message is logged, but does not wake members that a machine must no longer wake.
The room gets one notice with the messages that led there. A person lifts the hold with `continue` (`loop_holds`), which
delivers the held messages, or by writing to the held members, which drops them. Messages of people always wake, and so
do those of the gateway, because its modes have their own bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from gateway.access.permissions import Actor
from gateway.loop_guard import guards
from gateway.loop_guard.closing_phrases import is_closing_phrase
from gateway.loop_guard.guards import GuardKey, WakeCheck
from gateway.loop_guard.holds import STORED_AS, HeldMessage, LoopHold
from gateway.loop_guard.recent_traffic import HOUR_S, CausalLink, hops_after
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, StateChange
from gateway.model.state import MACHINES, GatewayState
from gateway.model.system_messages import room_notice
from gateway.protocol.events import Durable, Message
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.text.addressing import Audience
from gateway.protocol.types.core_types import MemberKind, MessageKind, Rung
from gateway.protocol.types.loop_limits import Trip

FINAL_RUNGS = (Rung.ANSWERED, Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED)
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
    """The members that a message wakes, and those it is held back from; the change to the room's hold, and the trips to
    announce."""

    woken: tuple[str, ...]
    held: tuple[str, ...] = ()
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


def hops_of(state: GatewayState, actor: Actor, request: Send, rule_context: RuleContext) -> int:
    """How many answers of machines precede this message since a person wrote. A message through a tool counts as part
    of the agent's current message."""
    if actor.kind not in MACHINES:
        return 0
    if request.reply_to is not None:
        return hops_after(state.chains.links.get(request.reply_to), actor.name, state.loop_holds) + 1
    cause = _message_in_hand(state, actor.name, rule_context.now)
    return 0 if cause is None else hops_after(cause, actor.name, state.loop_holds) + (not actor.is_tools_token)


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
    if request.kind is MessageKind.REPLY and audience.everyone and not request.wakes:
        return True
    if request.kind is MessageKind.ACK:
        return not _is_awaited_answer(state, actor, audience)
    if request.sealed is not None:
        return False  # nobody here can tell whether it is only thanks
    by_machine = actor.kind in MACHINES and not request.parts and set(request.context or ()) <= CONTEXT_FIELDS_APART
    return by_machine and is_closing_phrase(request.content) and not _is_awaited_answer(state, actor, audience)


def _is_awaited_answer(state: GatewayState, actor: Actor, audience: Audience) -> bool:
    waits = (one for name in audience.names if name in state.live for one in state.live[name].waits)
    return any(not one or actor.name in one for one in waits)


def decide_wakes(
    state: GatewayState, said: NewMessage, names: Sequence[str], rule_context: RuleContext
) -> WakeDecision:
    """Decide which of the recipients with an inbox are woken."""
    if said.actor.kind not in MACHINES:
        return WakeDecision(tuple(names), changes=_changes_when_person_speaks(state, said, names))
    machines = [name for name in names if is_machine(state, name)]
    if not machines:
        return WakeDecision(tuple(names))
    case = _wake_check(state, said, rule_context)
    held = {name: key for name in machines if (key := guards.tripped_guard(case, name))}
    if not held or state.chains.knows_message(said.actor.name, said.request.id):
        return WakeDecision(tuple(names))
    new = dict.fromkeys(key for key in held.values() if not case.hold.is_active(*key))
    trips = tuple(guards.trip_of(case, key, _names_held_by(held, key), partial(is_machine, state)) for key in new)
    held_message = HeldMessage(
        said.seq, case.author, tuple(held), None if said.request.ttl is None else rule_context.now + said.request.ttl
    )
    return WakeDecision(
        tuple(name for name in names if name not in held),
        tuple(held),
        (StateChange(STORED_AS, said.room, case.hold.with_trip(trips, held_message)),),
        tuple((guards.trip_text(case, trip), trip) for trip in trips),
    )


def guard_notices(room: str, judged: WakeDecision, rule_context: RuleContext) -> tuple[EventToCommit, ...]:
    """One notice for each limit that was reached, with the same data for programs."""
    return tuple(
        room_notice(room, text, rule_context, {"tripped": msgspec.to_builtins(trip)}) for text, trip in judged.notices
    )


def _wake_check(state: GatewayState, said: NewMessage, rule_context: RuleContext) -> WakeCheck:
    chains, author, text = state.chains, said.actor.name, said.request.content
    hold = state.loop_holds.get(said.room) or LoopHold(said.room)
    after = max(map(hold.lifted_until, (author, *said.recipients)))
    return WakeCheck(
        seq=said.seq,
        author=author,
        recipients=said.recipients,
        hops=said.hops,
        chain=tuple(chains.chain(_cause_of(state, said, rule_context.now))),
        alike=tuple(chains.repeats(author, said.recipients, text, rule_context.now, after)),
        now=rule_context.now,
        stamp=rule_context.stamp,
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
    return () if after == hold else (StateChange(STORED_AS, said.room, after.or_none()),)


# requests of people
