"""Handles the requests about decisions: propose, answer, close, list; and votes in messages. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.decisions import decision_rules
from gateway.decisions.decision_announcements import shorten_to_line
from gateway.decisions.decision_rules import (
    NewDecision,
    add_answer,
    answer_refusal,
    cancel_decision,
    finish_decision,
    open_decision,
)
from gateway.decisions.vote_count import VoteCheck, VotingRuleKind, parse_rule
from gateway.decisions.votes_in_messages import MEANS_NO, MEANS_YES, SpokenVote, find_votes, option_meant, parse_vote
from gateway.model.paging import cut_page, identity
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, NotFound
from gateway.protocol.events import Message
from gateway.protocol.requests.decision_requests import AnswerDecision, CloseDecision, Decisions, Propose
from gateway.protocol.results import DecisionList, DecisionView
from gateway.protocol.text.addressing import outside_room_text
from gateway.protocol.types.core_types import DEFAULT_ROOM, Option, bare_name, canonical_room_name, check_message_text
from gateway.protocol.types.decision_types import AnswerKind, Decision, Given
from gateway.sealed_rooms.keyless_members import refuse_in_sealed_room
from gateway.sessions import sessions

OPTION_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MAX_OPTION_KEY_CHARS = 16
MAX_OPEN_DECISIONS = 100  # decisions of one member

_ID = re.compile(r"(?!d-)[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}")

A = AnswerKind


# open


def open_proposal(state: GatewayState, actor: Actor, request: Propose, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.SEND)
    room = _room_of_proposal(state, actor, request.room)
    if (again := _find_repeated(state, actor, request)) is not None:
        return RuleOutcome(DecisionView(again))
    if sum(one.pending and one.by == actor.name for one in state.decisions.values()) >= MAX_OPEN_DECISIONS:
        raise Conflict(f"{actor.name} has {MAX_OPEN_DECISIONS} open decisions. `groupchat decide` ends one.")
    decision, facts = open_decision(state, actor.name, _new_decision(state, actor, request, room), rule_context)
    return RuleOutcome(DecisionView(decision), facts)


def _room_of_proposal(state: GatewayState, actor: Actor, name: str | None) -> str:
    room = state.own_room(canonical_room_name(name or DEFAULT_ROOM), actor).name
    refuse_in_sealed_room(state, room, "the question and the votes of a decision would be readable")
    return room


def _find_repeated(state: GatewayState, actor: Actor, request: Propose) -> Decision | None:
    if request.id is None:
        return None
    if not _ID.fullmatch(request.id):
        raise BadRequest(f"{request.id[:40]!r} cannot be the id of a decision: letters, digits, '_', '.', ':', '-'.")
    before = state.decisions.get(request.id)
    if before is not None and before.by != actor.name:
        raise Conflict(f"There is a decision {request.id!r} already. Choose another id.")
    return before


def _new_decision(state: GatewayState, actor: Actor, request: Propose, room: str) -> NewDecision:
    if request.to is not None and (request.people or request.voters):
        raise BadRequest("Use only one of `to` (one member), `voters` and `people` (members of a room).")
    to = None if request.to is None else state.member(_without_at(request.to)).name
    if to == actor.name:
        raise BadRequest(f"{actor.name} cannot send a proposal to itself. Name another member in `to`.")
    if to is not None and to not in state.in_room[room]:
        raise Forbidden(outside_room_text([to], room))
    usual = (
        VotingRuleKind.FIRST if request.people else VotingRuleKind.MAJORITY if to is None else VotingRuleKind.RECIPIENT
    )
    rule = request.rule or str(usual)
    voters = (to,) if to is not None else tuple(state.member(_without_at(one)).name for one in request.voters)
    return NewDecision(
        room=room,
        question=request.question,
        rule=rule,
        voters=voters,
        people=request.people,
        private=to is not None,
        options=normalize_options(request.options),
        weights={_without_at(name): weight for name, weight in (request.weights or {}).items()},
        expires_in=request.expires_in,
        id=request.id or "",
        session=sessions.session_tag_of(state, room, actor.name, request.session),
        details=request.details,
        signed=request.signed,
    )


def _without_at(name: str) -> str:
    return bare_name(name.strip())


def normalize_options(given: Iterable[Option | str]) -> tuple[Option, ...]:
    """Give each option a key: short single words are their own keys; if any option is longer, all get letters."""
    whole = list(given)
    words = [one.strip() for one in whole if isinstance(one, str)]
    if not all(words):
        raise BadRequest("An option is empty. Give each option a text.")
    plain = all(len(one) <= MAX_OPTION_KEY_CHARS and len(one.split()) == 1 for one in words)
    found = []
    for at, one in enumerate(whole):
        key = (
            one.strip()
            if plain and isinstance(one, str)
            else OPTION_LETTERS[at % len(OPTION_LETTERS)] + "2" * (at >= len(OPTION_LETTERS))
        )
        found.append(one if isinstance(one, Option) else Option(key, one.strip()))
    return tuple(found)


# answer


def answer_decision(
    state: GatewayState, actor: Actor, request: AnswerDecision, rule_context: RuleContext
) -> RuleOutcome:
    actor.require(Permission.SEND)
    decision = require_decision(state, actor, request.decision)
    given = _given_answer(decision, actor.name, request, rule_context)
    if _is_repeated_answer(decision, given):
        return RuleOutcome(DecisionView(decision))
    error = answer_refusal(state, decision, actor.name, given.kind, rule_context.now)
    if error is not None:
        raise error
    later, facts = add_answer(state, decision, given, rule_context)
    return RuleOutcome(DecisionView(later), facts)


def _given_answer(decision: Decision, by: str, request: AnswerDecision, rule_context: RuleContext) -> Given:
    check_message_text(request.reason, what="reason")
    check_message_text(request.choice, what="choice")
    decision_rules.check_details(request.details)
    kind, choice = normalize_choice(decision, request.kind, request.choice.strip())
    return Given(
        by=by,
        kind=kind,
        at=rule_context.stamp,
        choice=choice,
        reason=request.reason.strip(),
        id=request.id or "",
        details=request.details,
        signed=request.signed,
    )


def _is_repeated_answer(decision: Decision, given: Given) -> bool:
    """Whether the same request comes again, or repeats the member's current answer."""
    if given.id and any((one.by, one.id) == (given.by, given.id) for one in decision.answers):
        return True
    last = next((one for one in reversed(decision.answers) if one.by == given.by), None)
    same = msgspec.structs.replace(given, at=last.at, id=last.id) if last is not None else None
    return same == last and last is not None


def normalize_choice(decision: Decision, kind: AnswerKind, word: str) -> tuple[AnswerKind, str]:
    """The meaning of an answer in this decision, or an error that lists the possible answers."""
    if kind in (A.COMPLETE, A.DISPUTE):
        return kind, ""
    if parse_rule(decision.rule).kind is VotingRuleKind.RECIPIENT:
        return _choice_between_two(decision, kind, word)
    if kind is not A.VOTE:
        word = word or str(kind)
    if not decision.options and word:
        return A.VOTE, word
    choice = option_meant(decision.options, word)
    if choice is None:
        raise BadRequest(f"{word[:40]!r} is not an option of {decision.id}. {offered_text(decision)}")
    return A.VOTE, choice


def _choice_between_two(decision: Decision, kind: AnswerKind, word: str) -> tuple[AnswerKind, str]:
    choice = option_meant(decision.options, word)
    if kind is A.REJECT or (kind is A.VOTE and choice is None and word.casefold() in MEANS_NO):
        return A.REJECT, ""
    if choice is not None:
        return A.ACCEPT, choice
    agreed = kind is A.ACCEPT or word.casefold() in MEANS_YES
    if agreed and not decision.options:
        return A.ACCEPT, ""
    raise BadRequest(f"{word[:40]!r} is not a valid answer to {decision.id}. {offered_text(decision)}")


def offered_text(decision: Decision) -> str:
    keys = ", ".join(one.key for one in decision.options)
    if parse_rule(decision.rule).kind is VotingRuleKind.RECIPIENT:
        return f"Accept it{f' with one of {keys}' if keys else ''}, or reject it."
    return f"Its options are: {keys}." if keys else "Answer it with free text."


def count_spoken_votes(state: GatewayState, message: Message, rule_context: RuleContext) -> tuple[EventToCommit, ...]:
    """Count the votes in a message of a voter. The last vote for each decision counts."""
    if not state.decisions or ("VOTE" not in message.content and "[" not in message.content):
        return ()
    last: dict[str, SpokenVote] = {}
    for said in find_votes(message.content):
        if (decision := _decision_meant(state, message, said, rule_context.now)) is not None:
            last[decision.id] = said
    votes = ((state.decisions[key], said) for key, said in last.items())
    return tuple(
        fact for decision, said in votes for fact in _count_spoken_vote(state, message, decision, said, rule_context)
    )


def _count_spoken_vote(
    state: GatewayState, message: Message, decision: Decision, said: SpokenVote, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    found = parse_vote(decision, said)
    if found is None:
        vote = shorten_to_line(said.words, 80)
        text = f"{message.from_}'s vote in {decision.id} was not understood: {vote}. {offered_text(decision)}"
        return (decision_rules.decision_notice(decision, text, rule_context),)
    kind, choice = normalize_choice(decision, A.VOTE, found[0])
    given = Given(message.from_, kind, rule_context.stamp, choice, found[1], message.id)
    return () if _is_repeated_answer(decision, given) else add_answer(state, decision, given, rule_context)[1]


def _decision_meant(state: GatewayState, message: Message, said: SpokenVote, now: float) -> Decision | None:
    """The decision of a vote: the one it names, else the one that the message answers, else the newest that it fits."""
    open_ = [one for one in state.decisions.values() if _accepts_spoken_vote(state, one, message, now)]
    if said.decision:
        return next((one for one in open_ if one.id.casefold() == said.decision.casefold()), None)
    asked = [one for one in open_ if one.asked is not None and one.asked == message.reply_to]
    if asked and not said.tag:
        return asked[0]
    fitting = [one for one in asked or open_ if (asked or not one.private) and parse_vote(one, said) is not None]
    return max(fitting, key=lambda one: one.number, default=None)


def _accepts_spoken_vote(state: GatewayState, decision: Decision, message: Message, now: float) -> bool:
    """Whether the vote may count here. A vote in a private message to another member is not published."""
    if decision.room != message.room or answer_refusal(state, decision, message.from_, A.VOTE, now) is not None:
        return False
    return not message.recipients or decision.by in message.recipients or message.reply_to == decision.asked


# end


def close_decision(state: GatewayState, actor: Actor, request: CloseDecision, rule_context: RuleContext) -> RuleOutcome:
    decision = require_decision(state, actor, request.decision)
    if actor.name != decision.by:
        actor.require(Permission.ADMINISTER)
    if not decision.pending:
        raise Conflict(f"{decision.id} is already {decision.state}. {decision.result} To change it, propose a new one.")
    later, facts = (
        cancel_decision(state, decision, rule_context)
        if request.cancel
        else finish_decision(state, decision, rule_context, VoteCheck.COUNT)
    )
    return RuleOutcome(DecisionView(later), facts)


# queries


def may_see_decision(state: GatewayState, actor: Actor, decision: Decision) -> bool:
    if actor.may(Permission.READ_DIRECT):
        return True
    if decision.private:
        return actor.name in (decision.by, *decision.voters)
    return state.reads_in(decision.room, actor.name)


def require_decision(state: GatewayState, actor: Actor, name: str) -> Decision:
    wanted = name.strip()
    decision = state.decisions.get(wanted) or state.decisions.get(wanted.lower())
    if decision is None or not may_see_decision(state, actor, decision):
        raise unknown_decision_error(state, actor, wanted)
    return decision


def unknown_decision_error(state: GatewayState, actor: Actor, name: str) -> NotFound:
    seen = [one.id for one in state.decisions.values() if one.pending and may_see_decision(state, actor, one)]
    hint = f"Open decisions: {', '.join(seen[-3:])}." if seen else "There is no open decision."
    return NotFound(f"There is no decision {name[:40]!r} that {actor.name} can see. {hint}", nearest=seen[-3:])


def visible_decisions(state: GatewayState, actor: Actor, request: Decisions) -> tuple[Decision, ...]:
    room = None if request.room is None else state.readable_room(canonical_room_name(request.room), actor).name
    found = (
        one for one in state.decisions.values() if may_see_decision(state, actor, one) and (request.all or not one.over)
    )
    return tuple(one for one in found if room in (None, one.room) and request.session in (None, one.session))


def list_decisions(state: GatewayState, actor: Actor, request: Decisions, rule_context: RuleContext) -> RuleOutcome:
    found = visible_decisions(state, actor, request)
    return RuleOutcome(DecisionList(*cut_page(found, lambda one: one.number, request.after, request.limit, identity)))
