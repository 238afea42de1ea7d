"""What members may do about decisions: propose, answer, close, list; and votes that stand in what they say. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.conversation import sessions
from gateway.decisions import decisions
from gateway.decisions.decision_text import MEANS_NO, MEANS_YES, Spoken, option_of, short, spoken, understood
from gateway.decisions.decisions import Motion, answered, cancelled, finished, opened, refusal
from gateway.decisions.vote_count import Moment, RuleKind, rule_of
from gateway.model.log_events import Clerk, Fact, Ruling
from gateway.model.paging import page, same
from gateway.model.state import House
from gateway.protocol.decision_nouns import AnswerKind, Decision, Given
from gateway.protocol.decision_requests import AnswerDecision, CloseDecision, Decisions, Propose
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, NotFound
from gateway.protocol.events import Message
from gateway.protocol.results import DecisionList, DecisionView
from gateway.protocol.types import DEFAULT_ROOM, Option, bare_name, check_text, room_name_of

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LONGEST_KEY = 16
MOST_OPEN = 100  # decisions of one member

_ID = re.compile(r"(?!d-)[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}")

A = AnswerKind


# opening


def propose(house: House, actor: Actor, request: Propose, clerk: Clerk) -> Ruling:
    actor.need(Action.SEND)
    room = _room(house, actor, request.room)
    if (again := _repeated(house, actor, request)) is not None:
        return Ruling(DecisionView(again))
    if sum(one.pending and one.by == actor.name for one in house.decisions.values()) >= MOST_OPEN:
        raise Conflict(f"{actor.name} has {MOST_OPEN} open decisions. `groupchat decide` ends one.")
    decision, facts = opened(house, actor.name, _motion(house, actor, request, room), clerk)
    return Ruling(DecisionView(decision), facts)


def _room(house: House, actor: Actor, name: str | None) -> str:
    return house.own_room(room_name_of(name or DEFAULT_ROOM), actor).name


def _repeated(house: House, actor: Actor, request: Propose) -> Decision | None:
    if request.id is None:
        return None
    if not _ID.fullmatch(request.id):
        raise BadRequest(f"{request.id[:40]!r} cannot be the id of a decision: letters, digits, '_', '.', ':', '-'.")
    before = house.decisions.get(request.id)
    if before is not None and before.by != actor.name:
        raise Conflict(f"There is a decision {request.id!r} already. Choose another id.")
    return before


def _motion(house: House, actor: Actor, request: Propose, room: str) -> Motion:
    if request.to is not None and (request.people or request.voters):
        raise BadRequest("`to` is one member; `voters` and `people` are of a room. Name one of them.")
    to = None if request.to is None else house.member(_bare(request.to)).name
    if to == actor.name:
        raise BadRequest(f"{actor.name} cannot decide its own proposal.")
    if to is not None and to not in house.in_room[room]:
        raise Forbidden(f"{to} is not in the room {room!r}. Invite them, or choose another room.")
    usual = RuleKind.FIRST if request.people else RuleKind.MAJORITY if to is None else RuleKind.RECIPIENT
    rule = request.rule or str(usual)
    voters = (to,) if to is not None else tuple(house.member(_bare(one)).name for one in request.voters)
    return Motion(
        room=room,
        question=request.question,
        rule=rule,
        voters=voters,
        people=request.people,
        private=to is not None,
        options=options_of(request.options),
        weights={_bare(name): weight for name, weight in (request.weights or {}).items()},
        expires_in=request.expires_in,
        id=request.id or "",
        session=sessions.tag_of(house, room, actor.name, request.session),
        details=request.details,
        signed=request.signed,
    )


def _bare(name: str) -> str:
    return bare_name(name.strip())


def options_of(given: Iterable[Option | str]) -> tuple[Option, ...]:
    """Short single words are keys themselves; where one of them is longer, all get letters."""
    whole = list(given)
    words = [one.strip() for one in whole if isinstance(one, str)]
    if not all(words):
        raise BadRequest("An option is empty.")
    plain = all(len(one) <= LONGEST_KEY and len(one.split()) == 1 for one in words)
    found = []
    for at, one in enumerate(whole):
        key = one.strip() if plain and isinstance(one, str) else LETTERS[at % len(LETTERS)] + "2" * (at >= len(LETTERS))
        found.append(one if isinstance(one, Option) else Option(key, one.strip()))
    return tuple(found)


# answering


def answer(house: House, actor: Actor, request: AnswerDecision, clerk: Clerk) -> Ruling:
    actor.need(Action.SEND)
    decision = known(house, actor, request.decision)
    given = _given(decision, actor.name, request, clerk)
    if _said_before(decision, given):
        return Ruling(DecisionView(decision))
    error = refusal(house, decision, actor.name, given.kind, clerk.now)
    if error is not None:
        raise error
    later, facts = answered(house, decision, given, clerk)
    return Ruling(DecisionView(later), facts)


def _given(decision: Decision, by: str, request: AnswerDecision, clerk: Clerk) -> Given:
    check_text(request.reason, what="reason")
    check_text(request.choice, what="choice")
    decisions.check_details(request.details)
    kind, choice = chosen(decision, request.kind, request.choice.strip())
    return Given(
        by=by,
        kind=kind,
        at=clerk.stamp,
        choice=choice,
        reason=request.reason.strip(),
        id=request.id or "",
        details=request.details,
        signed=request.signed,
    )


def _said_before(decision: Decision, given: Given) -> bool:
    """The same request again, or what counts already said once more."""
    if given.id and any((one.by, one.id) == (given.by, given.id) for one in decision.answers):
        return True
    last = next((one for one in reversed(decision.answers) if one.by == given.by), None)
    same = msgspec.structs.replace(given, at=last.at, id=last.id) if last is not None else None
    return same == last and last is not None


def chosen(decision: Decision, kind: AnswerKind, word: str) -> tuple[AnswerKind, str]:
    """What an answer means in this decision, or an error that says what can be answered."""
    if kind in (A.COMPLETE, A.DISPUTE):
        return kind, ""
    if rule_of(decision.rule).kind is RuleKind.RECIPIENT:
        return _of_two(decision, kind, word)
    if kind is not A.VOTE:
        word = word or str(kind)
    if not decision.options and word:
        return A.VOTE, word
    choice = option_of(decision.options, word)
    if choice is None:
        raise BadRequest(f"{word[:40]!r} is no option of {decision.id}. {offered(decision)}")
    return A.VOTE, choice


def _of_two(decision: Decision, kind: AnswerKind, word: str) -> tuple[AnswerKind, str]:
    choice = option_of(decision.options, word)
    if kind is A.REJECT or (kind is A.VOTE and choice is None and word.casefold() in MEANS_NO):
        return A.REJECT, ""
    if choice is not None:
        return A.ACCEPT, choice
    agreed = kind is A.ACCEPT or word.casefold() in MEANS_YES
    if agreed and not decision.options:
        return A.ACCEPT, ""
    raise BadRequest(f"{word[:40]!r} is no answer to {decision.id}. {offered(decision)}")


def offered(decision: Decision) -> str:
    keys = ", ".join(one.key for one in decision.options)
    if rule_of(decision.rule).kind is RuleKind.RECIPIENT:
        return f"Accept it{f' with one of {keys}' if keys else ''}, or reject it."
    return f"Its options are: {keys}." if keys else "It takes an answer in words."


def heard(house: House, message: Message, clerk: Clerk) -> tuple[Fact, ...]:
    """Votes that stand in a message of somebody who has one. The last for each decision counts."""
    if not house.decisions or ("VOTE" not in message.content and "[" not in message.content):
        return ()
    last: dict[str, Spoken] = {}
    for said in spoken(message.content):
        if (decision := _meant(house, message, said, clerk.now)) is not None:
            last[decision.id] = said
    votes = ((house.decisions[key], said) for key, said in last.items())
    return tuple(fact for decision, said in votes for fact in _counted(house, message, decision, said, clerk))


def _counted(house: House, message: Message, decision: Decision, said: Spoken, clerk: Clerk) -> tuple[Fact, ...]:
    found = understood(decision, said)
    if found is None:
        text = (
            f"{message.from_}'s vote in {decision.id} was not understood: {short(said.words, 80)}. {offered(decision)}"
        )
        return (decisions.line(decision, text, clerk),)
    kind, choice = chosen(decision, A.VOTE, found[0])
    given = Given(message.from_, kind, clerk.stamp, choice, found[1], message.id)
    return () if _said_before(decision, given) else answered(house, decision, given, clerk)[1]


def _meant(house: House, message: Message, said: Spoken, now: float) -> Decision | None:
    """Which decision a vote is for: the one it names, or that the message answers; else the newest that it fits."""
    open_ = [one for one in house.decisions.values() if _takes(house, one, message, now)]
    if said.decision:
        return next((one for one in open_ if one.id.casefold() == said.decision.casefold()), None)
    asked = [one for one in open_ if one.asked is not None and one.asked == message.reply_to]
    if asked and not said.tag:
        return asked[0]
    fitting = [one for one in asked or open_ if (asked or not one.private) and understood(one, said) is not None]
    return max(fitting, key=lambda one: one.number, default=None)


def _takes(house: House, decision: Decision, message: Message, now: float) -> bool:
    """A vote said to somebody else in private is not published."""
    if decision.room != message.room or refusal(house, decision, message.from_, A.VOTE, now) is not None:
        return False
    return not message.recipients or decision.by in message.recipients or message.reply_to == decision.asked


# ending


def close(house: House, actor: Actor, request: CloseDecision, clerk: Clerk) -> Ruling:
    decision = known(house, actor, request.decision)
    if actor.name != decision.by:
        actor.need(Action.ADMINISTER)
    if not decision.pending:
        raise Conflict(f"{decision.id} is {decision.state} already. {decision.result}")
    later, facts = (
        cancelled(house, decision, clerk) if request.cancel else finished(house, decision, clerk, Moment.COUNT)
    )
    return Ruling(DecisionView(later), facts)


# reading


def may_see(house: House, actor: Actor, decision: Decision) -> bool:
    if actor.may(Action.READ_DIRECT):
        return True
    if decision.private:
        return actor.name in (decision.by, *decision.voters)
    return house.reads_in(decision.room, actor.name)


def known(house: House, actor: Actor, name: str) -> Decision:
    wanted = name.strip()
    decision = house.decisions.get(wanted) or house.decisions.get(wanted.lower())
    if decision is None or not may_see(house, actor, decision):
        raise unknown(house, actor, wanted)
    return decision


def unknown(house: House, actor: Actor, name: str) -> NotFound:
    seen = [one.id for one in house.decisions.values() if one.pending and may_see(house, actor, one)]
    hint = f"Open are: {', '.join(seen[-3:])}." if seen else "None is open."
    return NotFound(f"There is no decision {name[:40]!r} that {actor.name} may see. {hint}", nearest=seen[-3:])


def listed(house: House, actor: Actor, request: Decisions) -> tuple[Decision, ...]:
    room = None if request.room is None else house.readable_room(room_name_of(request.room), actor).name
    found = (one for one in house.decisions.values() if may_see(house, actor, one) and (request.all or not one.over))
    return tuple(one for one in found if room in (None, one.room) and request.session in (None, one.session))


def all_of(house: House, actor: Actor, request: Decisions, clerk: Clerk) -> Ruling:
    found = listed(house, actor, request)
    return Ruling(DecisionList(*page(found, lambda one: one.number, request.after, request.limit, same)))
