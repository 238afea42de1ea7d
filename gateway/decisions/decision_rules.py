"""The rules of decisions: proposals between two, votes of a room, verdicts, questions to the people. Pure.

A decision is opened, answered (by a request, or by a vote in a message), and ended: by its rule, by its author, or by
time. Each answer is an event that never changes. The room gets the result with each member's answer, and the author
gets it as the reply to the message that asked.

A module that needs a decision opens one with a `NewDecision`, keeps its id, and later reads `state.decisions[id]`:
`pending` while it is open, then `state` and `outcome` (the key of the winning option, or empty).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.decisions.decision_announcements import question_text, result_announcement, result_sentence
from gateway.decisions.vote_count import VoteCheck, VotingRule, VotingRuleKind, parse_rule, result_at, votes_of
from gateway.decisions.votes_in_messages import YES_OR_NO
from gateway.message_effects import wake_rules
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, StateChange, StoreOnlyDocument
from gateway.model.state import GatewayState
from gateway.model.system_messages import EVERYONE_ADDRESS, MessageDraft, message
from gateway.protocol.errors import BadRequest, Conflict, Forbidden
from gateway.protocol.events import DecisionEvent
from gateway.protocol.text.addressing import outside_room_text
from gateway.protocol.types.core_types import (
    SYSTEM_NAME,
    MemberKind,
    MessageKind,
    Option,
    Signed,
    check_json_depth,
    check_message_text,
)
from gateway.protocol.types.decision_types import AnswerKind, Decision, DecisionAction, DecisionState, Given
from gateway.protocol.types.timestamps import iso_from_seconds, seconds_from_iso
from gateway.sessions import sessions

STORE_KIND = "decision"
MAX_LISTED_CLOSED = 200  # closed decisions that are still listed; `decision.show` finds the others
LISTED_CLOSED_S = 24 * 3600.0
MAX_DETAILS_BYTES = 16 * 1024
MAX_ANSWERS_PER_VOTER = 20  # bounded, because each answer stays for ever

S, A = DecisionState, AnswerKind


@dataclass(frozen=True)
class NewDecision:
    """A decision to open. Without voters: the members of the room with an inbox, or with `people` the people there.
    `silent`: no message asks for it, because the caller does."""

    room: str
    question: str
    rule: str = "majority"
    voters: tuple[str, ...] = ()
    people: bool = False
    private: bool = False
    options: tuple[Option, ...] = ()
    weights: dict[str, int] | None = None
    expires_in: float | None = None
    silent: bool = False
    id: str = ""
    session: str | None = None
    details: dict[str, Any] | None = None
    signed: Signed | None = None


# open


def open_decision(
    state: GatewayState, by: str, motion: NewDecision, rule_context: RuleContext
) -> tuple[Decision, tuple[EventToCommit, ...]]:
    """Open a decision for a member of the room, or for the gateway itself (`system`)."""
    rule = parse_rule(motion.rule)
    _check_new_decision(motion)
    voters = _find_voters(state, by, motion, rule, rule_context.now)
    number = rule_context.seq()
    decision = Decision(
        id=motion.id or f"d-{number}",
        number=number,
        seq=number,
        room=motion.room,
        by=by,
        question=motion.question.strip(),
        at=rule_context.stamp,
        rule=str(rule),
        voters=voters,
        options=motion.options or (() if rule.kind in (VotingRuleKind.RECIPIENT, VotingRuleKind.FIRST) else YES_OR_NO),
        weights=_weights(motion, voters),
        people=motion.people and rule.kind is VotingRuleKind.FIRST,
        private=motion.private,
        expires=iso_from_seconds(rule_context.now + motion.expires_in) if motion.expires_in is not None else "",
        asked=None if motion.silent else rule_context.seq(),
        session=motion.session or sessions.current_session(state, motion.room, by),
        details=motion.details,
        signed=motion.signed,
    )
    besides = (*_forget_old_decisions(state, rule_context.now), *sessions.add_decision(state, decision))
    first = _decision_event(decision, DecisionAction.OPENED, by, rule_context, besides=besides)
    return decision, (first,) if motion.silent else (first, *_announce_question(state, decision, rule_context))


def _check_new_decision(motion: NewDecision) -> None:
    if not motion.question.strip():
        raise BadRequest("The question is empty. Put its text into `question`.")
    check_message_text(motion.question, what="question")
    for one in motion.options:
        check_message_text(one.key, what="option")
        check_message_text(one.text, what="option")
    keys = [one.key.casefold() for one in motion.options]
    if len(set(keys)) < len(keys) or len(keys) == 1:
        raise BadRequest(f"A decision needs at least two options with different keys; these are: {', '.join(keys)}.")
    check_details(motion.details)


def check_details(details: dict[str, Any] | None) -> None:
    if details is not None:
        check_json_depth(details)
        check_message_text(msgspec.json.encode(details).decode(), MAX_DETAILS_BYTES, "details")


def _find_voters(state: GatewayState, by: str, motion: NewDecision, rule: VotingRule, now: float) -> tuple[str, ...]:
    voters = motion.voters or _room_voters(state, by, motion, now)
    if rule.kind is VotingRuleKind.RECIPIENT and len(voters) != 1:
        raise BadRequest(
            f"The rule `recipient` needs exactly one voter, not {len(voters)}. "
            "Use another rule, or name one member in `to`."
        )
    outside = [name for name in voters if name not in state.in_room[motion.room]]
    if outside and not motion.private:
        raise Forbidden(outside_room_text(outside, motion.room))
    if not voters and not (motion.people and rule.kind is VotingRuleKind.FIRST):
        who = "it has no people" if motion.people else "no other member with an inbox is connected"
        raise BadRequest(f"Nobody can vote in the room {motion.room!r}: {who}. Name the voters.")
    return tuple(dict.fromkeys(voters))


def _room_voters(state: GatewayState, by: str, motion: NewDecision, now: float) -> tuple[str, ...]:
    """The default voters: the present members. An absent member votes only if it is named."""
    if motion.people:
        return people_of(state, motion.room)
    voting = (name for name in state.inboxes(motion.room) if name != by and not state.members[name].member.hidden)
    return tuple(name for name in voting if state.is_here(name, now))


def people_of(state: GatewayState, room: str) -> tuple[str, ...]:
    found = (state.members[name].member for name in sorted(state.in_room[room]) if name in state.members)
    return tuple(one.name for one in found if one.kind is MemberKind.HUMAN and not one.hidden)


def _weights(motion: NewDecision, voters: tuple[str, ...]) -> dict[str, int]:
    given = motion.weights or {}
    strange = sorted(set(given) - set(voters))
    if strange:
        raise BadRequest(f"{', '.join(strange)} has a weight but is not a voter. Voters are {', '.join(voters)}.")
    return {name: weight for name, weight in given.items() if weight != 1}


def _forget_old_decisions(state: GatewayState, now: float) -> tuple[StateChange, ...]:
    """Drop old closed decisions from memory when a new one is opened; the store keeps them."""
    over = [one for one in state.decisions.values() if one.over]
    spare = max(0, len(over) - MAX_LISTED_CLOSED)
    old = (one for at, one in enumerate(over) if at < spare or now - seconds_from_iso(one.closed) > LISTED_CLOSED_S)
    return tuple(StateChange("decision", one.id, None) for one in old)


# answer


def may_answer(state: GatewayState, decision: Decision, name: str) -> bool:
    if name in decision.voters:
        return True
    record = state.members.get(name)
    is_person = record is not None and record.member.kind is MemberKind.HUMAN
    return decision.people and is_person and name in state.in_room[decision.room]


def answer_refusal(
    state: GatewayState, decision: Decision, by: str, kind: AnswerKind, now: float
) -> Forbidden | Conflict | None:
    """Why this member cannot give this kind of answer now."""
    if kind in (A.COMPLETE, A.DISPUTE):
        return _refusal_after_acceptance(decision, by, kind)
    if not may_answer(state, decision, by):
        return Forbidden(f"{by} cannot vote on {decision.id}: {_parties_text(decision)}.")
    if not decision.pending:
        return Conflict(f"{decision.id} is already {decision.state}. {decision.result}")
    if is_due(decision, now):
        return Conflict(f"{decision.id} expired at {decision.expires}.")
    if sum(one.by == by for one in decision.answers) >= MAX_ANSWERS_PER_VOTER:
        return Conflict(f"{by} has answered {decision.id} {MAX_ANSWERS_PER_VOTER} times. The last answer counts.")
    return None


def _refusal_after_acceptance(decision: Decision, by: str, kind: AnswerKind) -> Forbidden | Conflict | None:
    """An accepted proposal can only be completed or disputed, by either of the two parties."""
    if parse_rule(decision.rule).kind is not VotingRuleKind.RECIPIENT or by not in (decision.by, *decision.voters):
        return Forbidden(f"{by} is not a party to {decision.id}: {_parties_text(decision)}.")
    if decision.state is not S.ACCEPTED:
        return Conflict(f"{decision.id} is {decision.state}. Only an accepted proposal can be {kind}d.")
    return None


def _parties_text(decision: Decision) -> str:
    if decision.private:
        return f"it is between {decision.by} and {', '.join(decision.voters)}"
    return (
        "only the people in its room answer it" if decision.people else f"its voters are {', '.join(decision.voters)}"
    )


def is_due(decision: Decision, now: float) -> bool:
    return bool(decision.expires) and seconds_from_iso(decision.expires) <= now


def add_answer(
    gateway_state: GatewayState, decision: Decision, given: Given, rule_context: RuleContext
) -> tuple[Decision, tuple[EventToCommit, ...]]:
    """Add an answer that `refusal` has let pass, and end the decision if this answer decides it."""
    later = msgspec.structs.replace(decision, answers=(*decision.answers, given), seq=rule_context.seq())
    if given.kind in (A.COMPLETE, A.DISPUTE):
        state = S.COMPLETED if given.kind is A.COMPLETE else S.DISPUTED
        return _close_decision(gateway_state, later, state, decision.outcome, rule_context, given)
    end = result_at(later, VoteCheck.ANSWER)
    if end is not None:
        return _close_decision(gateway_state, later, end.state, end.outcome, rule_context, given)
    return later, (_decision_event(later, DecisionAction.ANSWERED, given.by, rule_context, given=given),)


def finish_decision(
    state: GatewayState, decision: Decision, rule_context: RuleContext, how: VoteCheck
) -> tuple[Decision, tuple[EventToCommit, ...]]:
    """End a decision because its time is over or its author counts the votes."""
    end = result_at(decision, how)
    if end is None:
        return decision, ()
    later = msgspec.structs.replace(decision, seq=rule_context.seq())
    return _close_decision(state, later, end.state, end.outcome, rule_context)


def cancel_decision(
    state: GatewayState, decision: Decision, rule_context: RuleContext
) -> tuple[Decision, tuple[EventToCommit, ...]]:
    later = msgspec.structs.replace(decision, seq=rule_context.seq())
    return _close_decision(state, later, S.CANCELLED, "", rule_context)


def remove_voter(
    state: GatewayState, name: str, rule_context: RuleContext, room: str | None = None
) -> Iterator[EventToCommit]:
    """Remove a member that left the room from the voters of its open decisions. Without `room` the member is gone for
    good, and proposals to it alone end too."""
    for decision in list(state.decisions.values()):
        if room is None or (decision.room == room and not decision.private):
            yield from _remove_voters(state, decision, {name}, rule_context)


def remove_departed_voters(state: GatewayState, rule_context: RuleContext) -> Iterator[EventToCommit]:
    """Remove voters that an earlier version removed or kicked without removing their votes."""
    for decision in list(state.decisions.values()):
        gone = {one for one in decision.voters if _has_departed(state, decision, one)}
        yield from _remove_voters(state, decision, gone, rule_context)


def _has_departed(state: GatewayState, decision: Decision, name: str) -> bool:
    record, room = state.members.get(name), state.rooms.get(decision.room)
    if record is None or record.removed:
        return True
    return not decision.private and room is not None and name in room.out


def _remove_voters(
    state: GatewayState, decision: Decision, gone: Collection[str], rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    """Votes that were given stay. The decision may end, because fewer votes are missing."""
    waits_for = [one for one in decision.voters if one in gone and one not in votes_of(decision)]
    if not decision.pending or not waits_for:
        return ()
    if decision.private:
        return _close_decision(
            state, msgspec.structs.replace(decision, seq=rule_context.seq()), S.UNDECIDED, "", rule_context
        )[1]
    later = msgspec.structs.replace(
        decision,
        voters=tuple(one for one in decision.voters if one not in waits_for),
        weights={one: weight for one, weight in decision.weights.items() if one not in waits_for},
    )
    said = decision_notice(
        later, f"No longer in the room and no longer a voter in {later.id}: {', '.join(waits_for)}.", rule_context
    )
    first = msgspec.structs.replace(said, changes=(StateChange("decision", later.id, later),))
    end = result_at(later, VoteCheck.ANSWER)
    if end is None:
        return (first,)
    later = msgspec.structs.replace(later, seq=rule_context.seq())
    return (first, *_close_decision(state, later, end.state, end.outcome, rule_context)[1])


def process_due_decision(
    state: GatewayState, key: str, rule_context: RuleContext, started: float = 0.0
) -> tuple[tuple[EventToCommit, ...], float | None]:
    """The effect of time on a decision. Returns the events and when to check again."""
    decision = state.decisions.get(key)
    if decision is None or not decision.pending or not decision.expires:
        return (), None
    at = seconds_from_iso(decision.expires)
    return (
        ((), at)
        if at > rule_context.now
        else (finish_decision(state, decision, rule_context, VoteCheck.EXPIRY)[1], None)
    )


# events


def _close_decision(  # noqa: PLR0913, PLR0917 - how something ended
    gateway_state: GatewayState,
    decision: Decision,
    state: DecisionState,
    outcome: str,
    rule_context: RuleContext,
    given: Given | None = None,
) -> tuple[Decision, tuple[EventToCommit, ...]]:
    later = msgspec.structs.replace(decision, state=state, outcome=outcome, closed=rule_context.stamp)
    later = msgspec.structs.replace(later, result=result_sentence(later))
    by = given.by if given is not None else SYSTEM_NAME
    fact = _decision_event(later, DecisionAction.CLOSED, by, rule_context, given=given)
    return later, (fact, *_announce_result(gateway_state, later, by, rule_context))


def _decision_event(  # noqa: PLR0913 - what one event tells
    decision: Decision,
    action: DecisionAction,
    by: str,
    rule_context: RuleContext,
    *,
    given: Given | None = None,
    besides: tuple[StateChange, ...] = (),
) -> EventToCommit:
    event = DecisionEvent(decision.seq, action, by, decision, rule_context.stamp, given)
    return EventToCommit(
        event,
        ends=readers_of_decision(decision),
        changes=(StateChange("decision", decision.id, decision), *besides),
        store_only_documents=(StoreOnlyDocument(STORE_KIND, decision.id, decision),) if not decision.pending else (),
        about=decision.number,
    )


def readers_of_decision(decision: Decision) -> tuple[str, ...] | None:
    """The only members who see the decision; None for the whole room."""
    return tuple(dict.fromkeys((decision.by, *decision.voters))) if decision.private else None


def _announce_question(state: GatewayState, decision: Decision, rule_context: RuleContext) -> tuple[EventToCommit, ...]:
    """Ask the question in the room. It wakes the voters who have an inbox."""
    assert decision.asked is not None
    draft = MessageDraft(
        decision.room,
        question_text(decision),
        sender=decision.by,
        kind=MessageKind.TASK,
        hops=wake_rules.hops_in_hand(state, decision.by, rule_context.now),
        seq=decision.asked,
    )
    return _system_message_events(state, decision, draft, () if decision.people else decision.voters, rule_context)


def _announce_result(
    state: GatewayState, decision: Decision, by: str, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    """Announce the result in the room. It wakes the author, or the other party of a proposal."""
    sender = by if decision.private and by != SYSTEM_NAME else SYSTEM_NAME
    to = tuple(one for one in (decision.by, *(decision.voters if decision.private else ())) if one != sender)
    hops = max((wake_rules.hops_in_hand(state, one.by, rule_context.now) for one in decision.answers), default=-1) + 1
    hops = hops if all(wake_rules.is_machine(state, one.by) for one in decision.answers) else 0
    draft = MessageDraft(
        decision.room, result_announcement(decision), sender=sender, reply_to=decision.asked, hops=hops
    )
    return _system_message_events(state, decision, draft, to, rule_context)


def _system_message_events(
    state: GatewayState, decision: Decision, draft: MessageDraft, to: tuple[str, ...], rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    """A message about a decision. It wakes its recipients, unless agents have answered each other for too long."""
    inboxes = [one for one in to if one != draft.sender and one in state.members and state.members[one].member.inbox]
    awake = [
        one for one in inboxes if draft.hops < state.chains.limits.max_hops or not wake_rules.is_machine(state, one)
    ]
    draft = msgspec.structs.replace(
        draft,
        to=tuple(f"@{one}" for one in to if one != SYSTEM_NAME) or EVERYONE_ADDRESS,
        recipients=to if decision.private else (),
        wakes=tuple(awake),
        session=decision.session,
    )
    return (message(draft, rule_context, ends=readers_of_decision(decision)),)


def decision_notice(decision: Decision, text: str, rule_context: RuleContext) -> EventToCommit:
    """A notice about a decision, without deliveries."""
    ends = readers_of_decision(decision)
    return message(MessageDraft(decision.room, text, recipients=ends or ()), rule_context, ends=ends)
