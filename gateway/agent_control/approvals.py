"""The rules of asks: a dialog on an agent's terminal as an object in the room. Pure: (request, clerk) -> ruling.

One dialog per member at a time. It is told to everyone in the rooms of its member, and to observers. An answer is an
order to the member's sidecar, which alone knows whether the dialog is still that one: until it says so, or `UNDER_WAY`
seconds are over, there is no other answer.
"""

from __future__ import annotations

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.access.tokens import in_force
from gateway.model.log_events import Change, Clerk, Fact, Ruling
from gateway.model.paging import page, same
from gateway.model.records import AskRecord
from gateway.model.state import AWAY_AFTER, House
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, NotFound
from gateway.protocol.events import AskEvent, Control, ControlAction
from gateway.protocol.requests import AnswerAsk, Asks, CloseAsk, OpenAsk
from gateway.protocol.results import AskList, Done
from gateway.protocol.timestamps import moment
from gateway.protocol.types import Ask, AskState, Scope, bare_name, check_text

REMIND_AT_MOST = 3600.0
UNDER_WAY = 30.0
MOST_APPROVERS = 20
SPOKEN = ("allow", "deny")
SHOWN = tuple(name for name in OpenAsk.__struct_fields__ if name not in ("n", "digest"))


def open_ask(house: House, actor: Actor, request: OpenAsk, clerk: Clerk) -> Ruling:
    """By the member whose terminal shows it. The same dialog once more waits for another answer."""
    actor.need(Action.ASK)
    _check(request)
    before = house.asks.get(actor.name)
    if before is not None and before.ask.digest == request.digest:
        return _again(house, before, request, clerk)
    facts = () if before is None else (ended(house, before.ask, AskState.STALE, "another question came", clerk),)
    seq = clerk.seq()
    ask = _shown(request, Ask(actor.name, seq, request.digest, request.question, clerk.stamp))
    ask = msgspec.structs.replace(ask, approvers=approvers(house, actor.name, clerk.now))
    pause = clerk.settings.remind_asks
    record = AskRecord(ask, clerk.now + pause, pause)
    return Ruling(Done(seq), (*facts, _told(house, record, clerk, seq=seq)))


def _shown(request: OpenAsk, ask: Ask) -> Ask:
    """What the sidecar tells of the dialog: each field of the request has one of that name in the ask."""
    return msgspec.structs.replace(ask, **{name: getattr(request, name) for name in SHOWN})


def approvers(house: House, name: str, now: float) -> tuple[str, ...]:
    """Who might answer a question of this member: those of its rooms who have the right by a token in force."""
    able = {
        one.member
        for one in house.tokens.values()
        if Scope.APPROVER in one.scopes and not (one.hands or one.read_only) and in_force(house.tokens, one, now)
    }
    return tuple(sorted(able.intersection(audience(house, name)) - {name}))[:MOST_APPROVERS]


def _check(request: OpenAsk) -> None:
    texts = (request.digest, request.question, request.allow, request.deny, request.tool, request.detail)
    for text in (*texts, request.reason, *(part for one in request.options for part in (one.key, one.text))):
        check_text(text, what="ask")
    keys = [one.key for one in request.options]
    if len(set(keys)) < len(keys):
        raise BadRequest(f"Two options have the same key: {', '.join(keys)}.")


def _again(house: House, before: AskRecord, request: OpenAsk, clerk: Clerk) -> Ruling:
    """More of a dialog may be read by now: then it is told again, as the same ask. An answer that is under way stays
    so, unless a reason says that it came to nothing."""
    ask, until = _shown(request, before.ask), before.until
    if request.reason or until <= clerk.now:
        ask, until = msgspec.structs.replace(ask, state=AskState.OPEN, by="", answer="", said=""), 0.0
    if ask == before.ask:
        return Ruling(Done(before.ask.number))
    record = msgspec.structs.replace(before, ask=ask, until=until)
    return Ruling(Done(ask.number), (_told(house, record, clerk),))


def close_ask(house: House, actor: Actor, request: CloseAsk, clerk: Clerk) -> Ruling:
    actor.need(Action.ASK)
    check_text(request.reason, what="reason")
    if not request.state.is_end:
        raise BadRequest(f"An ask cannot be closed as {request.state}; `ask.open` opens it again.")
    before = house.asks.get(actor.name)
    if before is None or before.ask.number != request.ask:
        return Ruling(Done())
    fact = ended(house, before.ask, request.state, request.reason, clerk)
    return Ruling(Done(fact.event.seq), (fact,))


def answer_ask(house: House, actor: Actor, request: AnswerAsk, clerk: Clerk) -> Ruling:
    """Single use: the first answer goes to the terminal, and only if it is for the dialog that is open."""
    actor.need(Action.APPROVE)
    name = house.member(bare_name(request.member)).name
    record = house.asks.get(name)
    if record is None or not may_see(house, actor, name):
        raise NotFound(f"{name} asks nothing now. `groupchat asks` shows what is open.")
    if name == actor.name:
        raise Forbidden(f"{name} cannot answer its own question.")
    _need_unchanged(record, request, clerk.now)
    given = _given(record.ask, request.answer)
    ask = msgspec.structs.replace(
        record.ask,
        state=AskState.ANSWERING,
        by=actor.name,
        answer=given,
        said=_words(record.ask, request),
        reason="",
    )
    told = _told(house, msgspec.structs.replace(record, ask=ask, until=clerk.now + UNDER_WAY), clerk)
    order = Control(
        clerk.seq(), ControlAction.ANSWER, actor.name, (name,), clerk.stamp, text=given, may_approve=True, ask=ask
    )
    return Ruling(Done(ask.number), (told, Fact(order, ends=(actor.name, name))))


def _need_unchanged(record: AskRecord, request: AnswerAsk, now: float) -> None:
    ask = record.ask
    if request.digest is not None and request.digest != ask.digest:
        raise Conflict(
            f"{ask.member} asks something else by now ({ask.digest}, not {request.digest}): {ask.question} "
            "Look at it again before you answer."
        )
    if ask.state is AskState.ANSWERING and now < record.until:
        raise Conflict(f"{ask.by} has just answered this question of {ask.member} with {ask.answer}.")


def _given(ask: Ask, answer: str) -> str:
    """The answer as the sidecar gets it, or an error that says what can be answered."""
    choices = "; ".join(f"{one.key}. {one.text}" for one in ask.options) or "none that could be read"
    if answer in SPOKEN:
        if not (ask.allow if answer == "allow" else ask.deny):
            raise Conflict(
                f"This question of {ask.member} has no option that plainly means {answer!r}. "
                f"Name one by its key: {choices}. Or answer it in its terminal."
            )
        return answer
    if answer not in (one.key for one in ask.options):
        raise BadRequest(f"{ask.member} offers no option {answer!r}. Its options are: {choices}.")
    return answer


def _words(ask: Ask, request: AnswerAsk) -> str:
    """Words that would not reach the model are refused: whoever wrote them would believe that they did."""
    words = request.words.strip()
    check_text(words, what="words")
    if words and request.answer != "deny":
        raise BadRequest("Words go with `deny` alone: an answer that picks an option or allows has none.")
    if words and not ask.words:
        raise Conflict(
            f"A refusal of this question of {ask.member} cannot carry words to the model. Deny it without words, "
            f"and send {ask.member} a message."
        )
    return words


def listed(house: House, actor: Actor) -> tuple[Ask, ...]:
    seen = (one.ask for name, one in sorted(house.asks.items()) if may_see(house, actor, name))
    return tuple(seen)


def asks(house: House, actor: Actor, request: Asks, clerk: Clerk) -> Ruling:
    found = listed(house, actor)
    return Ruling(AskList(*page(found, lambda one: one.member, request.after, request.limit, same)))


def may_see(house: House, actor: Actor, name: str) -> bool:
    """Whoever shares a room with the member, and who may read everything."""
    shared = not house.rooms_of[actor.name].isdisjoint(house.rooms_of[name])
    return shared or actor.name == name or actor.may(Action.READ_DIRECT)


def withdrawn(house: House, name: str, clerk: Clerk, reason: str) -> tuple[Fact, ...]:
    """What a member that has gone still asked."""
    record = house.asks.get(name)
    return () if record is None else (ended(house, record.ask, AskState.WITHDRAWN, reason, clerk),)


def ended(house: House, ask: Ask, state: AskState, reason: str, clerk: Clerk) -> Fact:
    """An answer that was under way keeps its author only if it was the one."""
    mine = state is AskState.ANSWERED
    given = {} if mine else {"by": "", "answer": "", "said": ""}
    over = msgspec.structs.replace(ask, state=state, reason=reason, **given)
    event = AskEvent(clerk.seq(), over, clerk.stamp)
    return Fact(event, ends=audience(house, ask.member), changes=(Change("ask", ask.member, None),))


def due(house: House, key: str, clerk: Clerk, started: float) -> tuple[tuple[Fact, ...], float | None]:
    """What time alone does to the ask of a member: announced again, more and more rarely; withdrawn when nobody is
    there to answer it. And when to look again."""
    record = house.asks.get(key)
    if record is None:
        return (), None
    gone = _gone_at(house, key, started)
    if gone is not None and gone <= clerk.now:
        return withdrawn(house, key, clerk, "its sidecar is gone"), None
    facts: tuple[Fact, ...] = ()
    if record.remind_at <= clerk.now:
        waited = max(1, round(clerk.now - moment(record.ask.opened)))
        record = _reminded(record, clerk.now)
        facts = (_told(house, record, clerk, waited=waited),)
    return facts, record.remind_at if gone is None else min(record.remind_at, gone)


def _gone_at(house: House, name: str, started: float) -> float | None:
    """When a member without a connection counts as gone."""
    live = house.live[name]
    return None if live.connections else max(live.lost, live.heard, started) + AWAY_AFTER


def _reminded(record: AskRecord, now: float) -> AskRecord:
    pause = min(record.pause * 2, max(record.pause, REMIND_AT_MOST))
    return msgspec.structs.replace(record, remind_at=now + pause, pause=pause)


def _told(house: House, record: AskRecord, clerk: Clerk, *, seq: int | None = None, waited: int = 0) -> Fact:
    event = AskEvent(seq or clerk.seq(), record.ask, clerk.stamp, waited)
    member = record.ask.member
    return Fact(event, ends=audience(house, member), changes=(Change("ask", member, record),))


def audience(house: House, name: str) -> tuple[str, ...]:
    """Everybody in the member's rooms now."""
    others = {other for room in house.rooms_of[name] for other in house.in_room[room]}
    return (name, *sorted(others - {name}))
