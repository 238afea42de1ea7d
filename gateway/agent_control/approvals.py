"""The rules of approvals: a dialog on an agent's terminal as an object in the room. Pure.

A member has one open dialog at a time. Everyone in its rooms sees it, and so do observers. An answer is an order to the
member's sidecar, because only the sidecar knows whether the terminal still shows that dialog. Until the sidecar reports
the result, or for `ANSWER_TIMEOUT_S` seconds, no other answer is accepted.
"""

from __future__ import annotations

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.access.tokens import is_in_force
from gateway.model.log_events import LogEvent, Outcome, Sequencer, StateChange
from gateway.model.paging import cut_page, identity
from gateway.model.records import AskRecord
from gateway.model.state import AWAY_AFTER_S, GatewayState
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, NotFound
from gateway.protocol.events import AskEvent, Control, ControlAction
from gateway.protocol.requests import AnswerAsk, Asks, CloseAsk, OpenAsk
from gateway.protocol.results import AskList, Done
from gateway.protocol.timestamps import seconds_from_iso
from gateway.protocol.types import Ask, AskState, Scope, bare_name, check_message_text

MAX_REMIND_PAUSE_S = 3600.0
ANSWER_TIMEOUT_S = 30.0
MAX_APPROVERS = 20
ANSWER_WORDS = ("allow", "deny")
SHOWN_FIELDS = tuple(name for name in OpenAsk.__struct_fields__ if name not in ("n", "digest"))


def open_ask(state: GatewayState, actor: Actor, request: OpenAsk, sequencer: Sequencer) -> Outcome:
    """The member whose terminal shows the dialog opens it. The same dialog, reported again, waits for another
    answer."""
    actor.require(Action.ASK)
    _check_ask(request)
    before = state.asks.get(actor.name)
    if before is not None and before.ask.digest == request.digest:
        return _announce_again(state, before, request, sequencer)
    facts = () if before is None else (end_ask(state, before.ask, AskState.STALE, "another question came", sequencer),)
    seq = sequencer.seq()
    ask = _ask_from_request(request, Ask(actor.name, seq, request.digest, request.question, sequencer.stamp))
    ask = msgspec.structs.replace(ask, approvers=approvers_of(state, actor.name, sequencer.now))
    pause = sequencer.settings.remind_asks
    record = AskRecord(ask, sequencer.now + pause, pause)
    return Outcome(Done(seq), (*facts, _ask_event(state, record, sequencer, seq=seq)))


def _ask_from_request(request: OpenAsk, ask: Ask) -> Ask:
    """Copy what the sidecar reports: each field of the request has the same name in the ask."""
    return msgspec.structs.replace(ask, **{name: getattr(request, name) for name in SHOWN_FIELDS})


def approvers_of(state: GatewayState, name: str, now: float) -> tuple[str, ...]:
    """The members who may answer this member's questions: those in its rooms with a valid approver token."""
    able = {
        one.member
        for one in state.tokens.values()
        if Scope.APPROVER in one.scopes and not (one.hands or one.read_only) and is_in_force(state.tokens, one, now)
    }
    return tuple(sorted(able.intersection(room_mates(state, name)) - {name}))[:MAX_APPROVERS]


def _check_ask(request: OpenAsk) -> None:
    texts = (request.digest, request.question, request.allow, request.deny, request.tool, request.detail)
    for text in (*texts, request.reason, *(part for one in request.options for part in (one.key, one.text))):
        check_message_text(text, what="ask")
    keys = [one.key for one in request.options]
    if len(set(keys)) < len(keys):
        raise BadRequest(f"Two options have the same key: {', '.join(keys)}.")


def _announce_again(state: GatewayState, before: AskRecord, request: OpenAsk, sequencer: Sequencer) -> Outcome:
    """The sidecar has read more of the dialog: publish the same ask again. A pending answer stays pending, unless a
    reason says that it failed."""
    ask, until = _ask_from_request(request, before.ask), before.until
    if request.reason or until <= sequencer.now:
        ask, until = msgspec.structs.replace(ask, state=AskState.OPEN, by="", answer="", said=""), 0.0
    if ask == before.ask:
        return Outcome(Done(before.ask.number))
    record = msgspec.structs.replace(before, ask=ask, until=until)
    return Outcome(Done(ask.number), (_ask_event(state, record, sequencer),))


def close_ask(state: GatewayState, actor: Actor, request: CloseAsk, sequencer: Sequencer) -> Outcome:
    actor.require(Action.ASK)
    check_message_text(request.reason, what="reason")
    if not request.state.is_end:
        raise BadRequest(f"An ask cannot be closed as {request.state}; `ask.open` opens it again.")
    before = state.asks.get(actor.name)
    if before is None or before.ask.number != request.ask:
        return Outcome(Done())
    fact = end_ask(state, before.ask, request.state, request.reason, sequencer)
    return Outcome(Done(fact.event.seq), (fact,))


def answer_ask(state: GatewayState, actor: Actor, request: AnswerAsk, sequencer: Sequencer) -> Outcome:
    """Single use: only the first answer goes to the terminal, and only if it is for the open dialog."""
    actor.require(Action.APPROVE)
    name = state.member(bare_name(request.member)).name
    record = state.asks.get(name)
    if record is None or not may_see(state, actor, name):
        raise NotFound(f"{name} asks nothing now. `groupchat asks` shows what is open.")
    if name == actor.name:
        raise Forbidden(f"{name} cannot answer its own question.")
    _check_unchanged(record, request, sequencer.now)
    given = _normalize_answer(record.ask, request.answer)
    ask = msgspec.structs.replace(
        record.ask,
        state=AskState.ANSWERING,
        by=actor.name,
        answer=given,
        said=_check_words(record.ask, request),
        reason="",
    )
    told = _ask_event(
        state, msgspec.structs.replace(record, ask=ask, until=sequencer.now + ANSWER_TIMEOUT_S), sequencer
    )
    order = Control(
        sequencer.seq(),
        ControlAction.ANSWER,
        actor.name,
        (name,),
        sequencer.stamp,
        text=given,
        may_approve=True,
        ask=ask,
    )
    return Outcome(Done(ask.number), (told, LogEvent(order, ends=(actor.name, name))))


def _check_unchanged(record: AskRecord, request: AnswerAsk, now: float) -> None:
    ask = record.ask
    if request.digest is not None and request.digest != ask.digest:
        raise Conflict(
            f"{ask.member} asks something else by now ({ask.digest}, not {request.digest}): {ask.question} "
            "Look at it again before you answer."
        )
    if ask.state is AskState.ANSWERING and now < record.until:
        raise Conflict(f"{ask.by} has just answered this question of {ask.member} with {ask.answer}.")


def _normalize_answer(ask: Ask, answer: str) -> str:
    """The answer as the sidecar expects it, or an error that lists the possible answers."""
    choices = "; ".join(f"{one.key}. {one.text}" for one in ask.options) or "none that could be read"
    if answer in ANSWER_WORDS:
        if not (ask.allow if answer == "allow" else ask.deny):
            raise Conflict(
                f"This question of {ask.member} has no option that plainly means {answer!r}. "
                f"Name one by its key: {choices}. Or answer it in its terminal."
            )
        return answer
    if answer not in (one.key for one in ask.options):
        raise BadRequest(f"{ask.member} offers no option {answer!r}. Its options are: {choices}.")
    return answer


def _check_words(ask: Ask, request: AnswerAsk) -> str:
    """Refuse words that would not reach the model, because their author would believe that they did."""
    words = request.words.strip()
    check_message_text(words, what="words")
    if words and request.answer != "deny":
        raise BadRequest("Words go with `deny` alone: an answer that picks an option or allows has none.")
    if words and not ask.words:
        raise Conflict(
            f"A refusal of this question of {ask.member} cannot carry words to the model. Deny it without words, "
            f"and send {ask.member} a message."
        )
    return words


def visible_asks(state: GatewayState, actor: Actor) -> tuple[Ask, ...]:
    seen = (one.ask for name, one in sorted(state.asks.items()) if may_see(state, actor, name))
    return tuple(seen)


def list_asks(state: GatewayState, actor: Actor, request: Asks, sequencer: Sequencer) -> Outcome:
    found = visible_asks(state, actor)
    return Outcome(AskList(*cut_page(found, lambda one: one.member, request.after, request.limit, identity)))


def may_see(state: GatewayState, actor: Actor, name: str) -> bool:
    """Whether the actor shares a room with the member, or may read everything."""
    shared = not state.rooms_of[actor.name].isdisjoint(state.rooms_of[name])
    return shared or actor.name == name or actor.may(Action.READ_DIRECT)


def withdraw_asks(state: GatewayState, name: str, sequencer: Sequencer, reason: str) -> tuple[LogEvent, ...]:
    """Withdraw the open question of a member that has gone."""
    record = state.asks.get(name)
    return () if record is None else (end_ask(state, record.ask, AskState.WITHDRAWN, reason, sequencer),)


def end_ask(gateway_state: GatewayState, ask: Ask, state: AskState, reason: str, sequencer: Sequencer) -> LogEvent:
    """End an ask. The author of a pending answer stays only if that answer took effect."""
    mine = state is AskState.ANSWERED
    given = {} if mine else {"by": "", "answer": "", "said": ""}
    over = msgspec.structs.replace(ask, state=state, reason=reason, **given)
    event = AskEvent(sequencer.seq(), over, sequencer.stamp)
    return LogEvent(event, ends=room_mates(gateway_state, ask.member), changes=(StateChange("ask", ask.member, None),))


def process_due_asks(
    state: GatewayState, key: str, sequencer: Sequencer, started: float
) -> tuple[tuple[LogEvent, ...], float | None]:
    """Announce a member's open ask again, at growing intervals, and withdraw it when its member is gone. Returns the
    events and when to check again."""
    record = state.asks.get(key)
    if record is None:
        return (), None
    gone = _gone_at(state, key, started)
    if gone is not None and gone <= sequencer.now:
        return withdraw_asks(state, key, sequencer, "its sidecar is gone"), None
    facts: tuple[LogEvent, ...] = ()
    if record.remind_at <= sequencer.now:
        waited = max(1, round(sequencer.now - seconds_from_iso(record.ask.opened)))
        record = _schedule_reminder(record, sequencer.now)
        facts = (_ask_event(state, record, sequencer, waited=waited),)
    return facts, record.remind_at if gone is None else min(record.remind_at, gone)


def _gone_at(state: GatewayState, name: str, started: float) -> float | None:
    """When a member without a connection counts as gone."""
    live = state.live[name]
    return None if live.connections else max(live.lost, live.heard, started) + AWAY_AFTER_S


def _schedule_reminder(record: AskRecord, now: float) -> AskRecord:
    pause = min(record.pause * 2, max(record.pause, MAX_REMIND_PAUSE_S))
    return msgspec.structs.replace(record, remind_at=now + pause, pause=pause)


def _ask_event(
    state: GatewayState, record: AskRecord, sequencer: Sequencer, *, seq: int | None = None, waited: int = 0
) -> LogEvent:
    event = AskEvent(seq or sequencer.seq(), record.ask, sequencer.stamp, waited)
    member = record.ask.member
    return LogEvent(event, ends=room_mates(state, member), changes=(StateChange("ask", member, record),))


def room_mates(state: GatewayState, name: str) -> tuple[str, ...]:
    """The current members of all rooms of this member."""
    others = {other for room in state.rooms_of[name] for other in state.in_room[room]}
    return (name, *sorted(others - {name}))
