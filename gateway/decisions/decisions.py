"""The rules of decisions: proposals between two, votes of a room, verdicts, questions to the people. Pure.

A decision is opened (`opened`), answered (`answered`, and `heard` for words in messages), and ended: by its rule, by
its author, or by time (`due`). Each answer is an event that is never changed. The end is said in the room, with who
said what, and goes to its author as the answer to the message that asked.

Whoever builds on it opens one with a `Motion`, keeps its id, and reads `house.decisions[id]` when it is looked at next:
`pending` while it is open, then `state` and `outcome` (the key of the option that won, or nothing).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.conversation import loop_checks, sessions
from gateway.decisions.decision_text import YES_OR_NO, asking, result_of, told
from gateway.decisions.vote_count import Moment, Rule, RuleKind, ending, rule_of, votes_of
from gateway.model.log_events import Aside, Change, Clerk, Fact
from gateway.model.state import House
from gateway.model.system_messages import TO_EVERYONE, Draft, message
from gateway.protocol.decision_nouns import AnswerKind, Decision, DecisionAction, DecisionState, Given
from gateway.protocol.errors import BadRequest, Conflict, Forbidden
from gateway.protocol.events import DecisionEvent
from gateway.protocol.timestamps import iso, moment
from gateway.protocol.types import SYSTEM, MemberKind, MessageKind, Option, Signed, check_depth, check_text

ASIDE = "decision"
KEPT = 200  # decisions that are over and still listed; `decision.show` finds the others
KEPT_FOR = 24 * 3600.0
MOST_DETAILS = 16 * 1024
MOST_ANSWERS = 20  # of one voter: each stays for ever

S, A = DecisionState, AnswerKind


@dataclass(frozen=True)
class Motion:
    """What shall be decided. Without voters: the members of the room that have an inbox, or with `people` the people
    there. `silent`: no message asks for it, somebody else does."""

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


# opening


def opened(house: House, by: str, motion: Motion, clerk: Clerk) -> tuple[Decision, tuple[Fact, ...]]:
    """By a member of the room, or by the gateway itself (`system`)."""
    rule = rule_of(motion.rule)
    _check(motion)
    voters = _voters(house, by, motion, rule, clerk.now)
    number = clerk.seq()
    decision = Decision(
        id=motion.id or f"d-{number}",
        number=number,
        seq=number,
        room=motion.room,
        by=by,
        question=motion.question.strip(),
        at=clerk.stamp,
        rule=str(rule),
        voters=voters,
        options=motion.options or (() if rule.kind in (RuleKind.RECIPIENT, RuleKind.FIRST) else YES_OR_NO),
        weights=_weights(motion, voters),
        people=motion.people and rule.kind is RuleKind.FIRST,
        private=motion.private,
        expires=iso(clerk.now + motion.expires_in) if motion.expires_in is not None else "",
        asked=None if motion.silent else clerk.seq(),
        session=motion.session or sessions.current(house, motion.room, by),
        details=motion.details,
        signed=motion.signed,
    )
    besides = (*_outlived(house, clerk.now), *sessions.with_decision(house, decision))
    first = _fact(decision, DecisionAction.OPENED, by, clerk, besides=besides)
    return decision, (first,) if motion.silent else (first, *_asked(house, decision, clerk))


def _check(motion: Motion) -> None:
    if not motion.question.strip():
        raise BadRequest("There is nothing to decide: `question` is empty.")
    check_text(motion.question, what="question")
    for one in motion.options:
        check_text(one.key, what="option")
        check_text(one.text, what="option")
    keys = [one.key.casefold() for one in motion.options]
    if len(set(keys)) < len(keys) or len(keys) == 1:
        raise BadRequest(f"Options are at least two, each with a key of its own; these are: {', '.join(keys)}.")
    check_details(motion.details)


def check_details(details: dict[str, Any] | None) -> None:
    if details is not None:
        check_depth(details)
        check_text(msgspec.json.encode(details).decode(), MOST_DETAILS, "details")


def _voters(house: House, by: str, motion: Motion, rule: Rule, now: float) -> tuple[str, ...]:
    voters = motion.voters or _of_room(house, by, motion, now)
    if rule.kind is RuleKind.RECIPIENT and len(voters) != 1:
        raise BadRequest(f"The rule `recipient` is for a proposal to one member, not to {len(voters)}.")
    outside = [name for name in voters if name not in house.in_room[motion.room]]
    if outside and not motion.private:
        raise Forbidden(f"{', '.join(outside)} is not in the room {motion.room!r}, and cannot vote there.")
    if not voters and not (motion.people and rule.kind is RuleKind.FIRST):
        who = "no person is" if motion.people else "no other member has an inbox"
        raise BadRequest(f"Nobody can vote in {motion.room!r}: {who} there. Name the voters.")
    return tuple(dict.fromkeys(voters))


def _of_room(house: House, by: str, motion: Motion, now: float) -> tuple[str, ...]:
    """Nobody waits for the vote of a member that is gone; whoever is away and shall vote is named."""
    if motion.people:
        return people_of(house, motion.room)
    voting = (name for name in house.inboxes(motion.room) if name != by and not house.members[name].member.hidden)
    return tuple(name for name in voting if house.is_here(name, now))


def people_of(house: House, room: str) -> tuple[str, ...]:
    found = (house.members[name].member for name in sorted(house.in_room[room]) if name in house.members)
    return tuple(one.name for one in found if one.kind is MemberKind.HUMAN and not one.hidden)


def _weights(motion: Motion, voters: tuple[str, ...]) -> dict[str, int]:
    given = motion.weights or {}
    strange = sorted(set(given) - set(voters))
    if strange:
        raise BadRequest(f"{', '.join(strange)} has a weight, and no vote. Voters are {', '.join(voters)}.")
    return {name: weight for name, weight in given.items() if weight != 1}


def _outlived(house: House, now: float) -> tuple[Change, ...]:
    """What is over for long is forgotten here, when the next one is opened; the store has it."""
    over = [one for one in house.decisions.values() if one.over]
    spare = max(0, len(over) - KEPT)
    old = (one for at, one in enumerate(over) if at < spare or now - moment(one.closed) > KEPT_FOR)
    return tuple(Change("decision", one.id, None) for one in old)


# answering


def may_answer(house: House, decision: Decision, name: str) -> bool:
    if name in decision.voters:
        return True
    record = house.members.get(name)
    is_person = record is not None and record.member.kind is MemberKind.HUMAN
    return decision.people and is_person and name in house.in_room[decision.room]


def refusal(house: House, decision: Decision, by: str, kind: AnswerKind, now: float) -> Forbidden | Conflict | None:
    """Why this member cannot give this kind of answer now."""
    if kind in (A.COMPLETE, A.DISPUTE):
        return _refused_later(decision, by, kind)
    if not may_answer(house, decision, by):
        return Forbidden(f"{by} has no vote in {decision.id}: {_parties(decision)}.")
    if not decision.pending:
        return Conflict(f"{decision.id} is {decision.state} already. {decision.result}")
    if is_due(decision, now):
        return Conflict(f"The time of {decision.id} is over since {decision.expires}.")
    if sum(one.by == by for one in decision.answers) >= MOST_ANSWERS:
        return Conflict(f"{by} has answered {decision.id} {MOST_ANSWERS} times. The last answer counts.")
    return None


def _refused_later(decision: Decision, by: str, kind: AnswerKind) -> Forbidden | Conflict | None:
    """What is accepted is completed or disputed by either of the two."""
    if rule_of(decision.rule).kind is not RuleKind.RECIPIENT or by not in (decision.by, *decision.voters):
        return Forbidden(f"{by} is no party of {decision.id}: {_parties(decision)}.")
    if decision.state is not S.ACCEPTED:
        return Conflict(f"{decision.id} is {decision.state}: only what is accepted can be {kind}d.")
    return None


def _parties(decision: Decision) -> str:
    if decision.private:
        return f"it is between {decision.by} and {', '.join(decision.voters)}"
    return "the people of its room answer it" if decision.people else f"{', '.join(decision.voters)} vote"


def is_due(decision: Decision, now: float) -> bool:
    return bool(decision.expires) and moment(decision.expires) <= now


def answered(house: House, decision: Decision, given: Given, clerk: Clerk) -> tuple[Decision, tuple[Fact, ...]]:
    """One more answer, which `refusal` lets pass; and the end, if this brings it."""
    later = msgspec.structs.replace(decision, answers=(*decision.answers, given), seq=clerk.seq())
    if given.kind in (A.COMPLETE, A.DISPUTE):
        state = S.COMPLETED if given.kind is A.COMPLETE else S.DISPUTED
        return _closed(house, later, state, decision.outcome, clerk, given)
    end = ending(later, Moment.ANSWER)
    if end is not None:
        return _closed(house, later, end.state, end.outcome, clerk, given)
    return later, (_fact(later, DecisionAction.ANSWERED, given.by, clerk, given=given),)


def finished(house: House, decision: Decision, clerk: Clerk, how: Moment) -> tuple[Decision, tuple[Fact, ...]]:
    """Its time is over, or its author counts what is there."""
    end = ending(decision, how)
    if end is None:
        return decision, ()
    later = msgspec.structs.replace(decision, seq=clerk.seq())
    return _closed(house, later, end.state, end.outcome, clerk)


def cancelled(house: House, decision: Decision, clerk: Clerk) -> tuple[Decision, tuple[Fact, ...]]:
    later = msgspec.structs.replace(decision, seq=clerk.seq())
    return _closed(house, later, S.CANCELLED, "", clerk)


def without_voter(house: House, name: str, clerk: Clerk, room: str | None = None) -> Iterator[Fact]:
    """Whoever is out of a room has no vote in what it decides, and nobody waits for it. Without `room`: it is gone for
    good, and so what was asked of it alone ends."""
    for decision in list(house.decisions.values()):
        if room is None or (decision.room == room and not decision.private):
            yield from _without(house, decision, {name}, clerk)


def without_the_gone(house: House, clerk: Clerk) -> Iterator[Fact]:
    """Those who were removed or put out by an earlier version, which left them their votes."""
    for decision in list(house.decisions.values()):
        gone = {one for one in decision.voters if _is_gone(house, decision, one)}
        yield from _without(house, decision, gone, clerk)


def _is_gone(house: House, decision: Decision, name: str) -> bool:
    record, room = house.members.get(name), house.rooms.get(decision.room)
    if record is None or record.removed:
        return True
    return not decision.private and room is not None and name in room.out


def _without(house: House, decision: Decision, gone: Collection[str], clerk: Clerk) -> tuple[Fact, ...]:
    """What they have voted already stays. What is left may be the end."""
    waits_for = [one for one in decision.voters if one in gone and one not in votes_of(decision)]
    if not decision.pending or not waits_for:
        return ()
    if decision.private:
        return _closed(house, msgspec.structs.replace(decision, seq=clerk.seq()), S.UNDECIDED, "", clerk)[1]
    later = msgspec.structs.replace(
        decision,
        voters=tuple(one for one in decision.voters if one not in waits_for),
        weights={one: weight for one, weight in decision.weights.items() if one not in waits_for},
    )
    said = line(later, f"Out of the room, and so without a vote in {later.id}: {', '.join(waits_for)}.", clerk)
    first = msgspec.structs.replace(said, changes=(Change("decision", later.id, later),))
    end = ending(later, Moment.ANSWER)
    if end is None:
        return (first,)
    later = msgspec.structs.replace(later, seq=clerk.seq())
    return (first, *_closed(house, later, end.state, end.outcome, clerk)[1])


def due(house: House, key: str, clerk: Clerk, started: float = 0.0) -> tuple[tuple[Fact, ...], float | None]:
    """What time alone does to one of them, and when to look at it again."""
    decision = house.decisions.get(key)
    if decision is None or not decision.pending or not decision.expires:
        return (), None
    at = moment(decision.expires)
    return ((), at) if at > clerk.now else (finished(house, decision, clerk, Moment.EXPIRY)[1], None)


# facts


def _closed(  # noqa: PLR0913, PLR0917 - how something ended
    house: House, decision: Decision, state: DecisionState, outcome: str, clerk: Clerk, given: Given | None = None
) -> tuple[Decision, tuple[Fact, ...]]:
    later = msgspec.structs.replace(decision, state=state, outcome=outcome, closed=clerk.stamp)
    later = msgspec.structs.replace(later, result=result_of(later))
    by = given.by if given is not None else SYSTEM
    fact = _fact(later, DecisionAction.CLOSED, by, clerk, given=given)
    return later, (fact, *_said(house, later, by, clerk))


def _fact(  # noqa: PLR0913 - what one event tells
    decision: Decision,
    action: DecisionAction,
    by: str,
    clerk: Clerk,
    *,
    given: Given | None = None,
    besides: tuple[Change, ...] = (),
) -> Fact:
    event = DecisionEvent(decision.seq, action, by, decision, clerk.stamp, given)
    return Fact(
        event,
        ends=ends_of(decision),
        changes=(Change("decision", decision.id, decision), *besides),
        asides=(Aside(ASIDE, decision.id, decision),) if not decision.pending else (),
        about=decision.number,
    )


def ends_of(decision: Decision) -> tuple[str, ...] | None:
    """Who alone sees it."""
    return tuple(dict.fromkeys((decision.by, *decision.voters))) if decision.private else None


def _asked(house: House, decision: Decision, clerk: Clerk) -> tuple[Fact, ...]:
    """The room hears the question; who shall answer, and has an inbox, is woken by it."""
    assert decision.asked is not None
    draft = Draft(
        decision.room,
        asking(decision),
        sender=decision.by,
        kind=MessageKind.TASK,
        hops=loop_checks.carried(house, decision.by, clerk.now),
        seq=decision.asked,
    )
    return _message(house, decision, draft, () if decision.people else decision.voters, clerk)


def _said(house: House, decision: Decision, by: str, clerk: Clerk) -> tuple[Fact, ...]:
    """The end is told to the room; its author, or the other one of two, is woken by it."""
    sender = by if decision.private and by != SYSTEM else SYSTEM
    to = tuple(one for one in (decision.by, *(decision.voters if decision.private else ())) if one != sender)
    hops = max((loop_checks.carried(house, one.by, clerk.now) for one in decision.answers), default=-1) + 1
    hops = hops if all(loop_checks.is_machine(house, one.by) for one in decision.answers) else 0
    draft = Draft(decision.room, told(decision), sender=sender, reply_to=decision.asked, hops=hops)
    return _message(house, decision, draft, to, clerk)


def _message(house: House, decision: Decision, draft: Draft, to: tuple[str, ...], clerk: Clerk) -> tuple[Fact, ...]:
    """It wakes whom it is for; not where agents have answered each other for too long without a person."""
    inboxes = [one for one in to if one != draft.sender and one in house.members and house.members[one].member.inbox]
    awake = [
        one for one in inboxes if draft.hops < house.trails.limits.max_hops or not loop_checks.is_machine(house, one)
    ]
    draft = msgspec.structs.replace(
        draft,
        to=tuple(f"@{one}" for one in to if one != SYSTEM) or TO_EVERYONE,
        recipients=to if decision.private else (),
        wakes=tuple(awake),
        session=decision.session,
    )
    return (message(draft, clerk, ends=ends_of(decision)),)


def line(decision: Decision, text: str, clerk: Clerk) -> Fact:
    """What the gateway says about a decision; it wakes nobody."""
    ends = ends_of(decision)
    return message(Draft(decision.room, text, recipients=ends or ()), clerk, ends=ends)
