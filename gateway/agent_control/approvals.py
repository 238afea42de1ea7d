"""The rules of approvals: a dialog on an agent's terminal as an object in the room. Pure.

A member has one open dialog at a time. Everyone in its rooms sees it, and so do observers. An answer is an order to the
member's sidecar, because only the sidecar knows whether the terminal still shows that dialog. Until the sidecar reports
the result, or for `ANSWER_TIMEOUT_S` seconds, no other answer is accepted.
"""

from __future__ import annotations

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.access.tokens import is_in_force
from gateway.model.paging import cut_page, identity
from gateway.model.records.stored_records import AskRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import AWAY_AFTER_S, GatewayState
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, NotFound
from gateway.protocol.events import AskEvent, Control, ControlAction
from gateway.protocol.requests.approval_requests import AnswerAsk, Asks, CloseAsk, OpenAsk
from gateway.protocol.results import AskList, Done
from gateway.protocol.text.printable_text import SEALED_TEXT
from gateway.protocol.types.core_types import (
    Ask,
    AskState,
    Scope,
    SealedContent,
    bare_name,
    canonical_room_name,
    check_message_text,
)
from gateway.protocol.types.timestamps import seconds_from_iso
from gateway.sealed_rooms.room_key_rules import check_current_key
from gateway.sealed_rooms.sealed_form import check_sealed_content

MAX_REMIND_PAUSE_S = 3600.0
ANSWER_TIMEOUT_S = 30.0
MAX_APPROVERS = 20
ANSWER_WORDS = ("allow", "deny")
SHOWN_FIELDS = tuple(name for name in OpenAsk.__struct_fields__ if name not in ("n", "digest"))


def open_ask(state: GatewayState, actor: Actor, request: OpenAsk, rule_context: RuleContext) -> RuleOutcome:
    """The member whose terminal shows the dialog opens it. The same dialog, reported again, waits for another
    answer."""
    actor.require(Permission.ASK)
    _check_ask(request)
    if request.sealed is not None:
        _check_sealed_ask(state, actor, request, request.sealed)
    before = state.asks.get(actor.name)
    if before is not None and before.ask.digest == request.digest:
        return _announce_again(state, before, request, rule_context)
    facts = (
        () if before is None else (end_ask(state, before.ask, AskState.STALE, "another question came", rule_context),)
    )
    seq = rule_context.seq()
    ask = _ask_from_request(request, Ask(actor.name, seq, request.digest, request.question, rule_context.stamp))
    ask = msgspec.structs.replace(ask, approvers=approvers_of(state, actor.name, rule_context.now))
    pause = rule_context.settings.remind_asks
    record = AskRecord(ask, rule_context.now + pause, pause)
    return RuleOutcome(Done(seq), (*facts, _ask_event(state, record, rule_context, seq=seq)))


def _ask_from_request(request: OpenAsk, ask: Ask) -> Ask:
    """Copy what the sidecar reports: each field of the request has the same name in the ask."""
    return msgspec.structs.replace(ask, **{name: getattr(request, name) for name in SHOWN_FIELDS})


def approvers_of(state: GatewayState, name: str, now: float) -> tuple[str, ...]:
    """The members who may answer this member's questions: those in its rooms with a valid approver token."""
    able = {
        one.member
        for one in state.tokens.values()
        if Scope.APPROVER in one.scopes
        and not (one.is_tools_token or one.read_only)
        and is_in_force(state.tokens, one, now)
    }
    return tuple(sorted(able.intersection(room_mates(state, name)) - {name}))[:MAX_APPROVERS]


def _check_ask(request: OpenAsk) -> None:
    texts = (request.digest, request.question, request.allow, request.deny, request.tool, request.detail)
    for text in (*texts, request.reason, *(part for one in request.options for part in (one.key, one.text))):
        check_message_text(text, what="ask")
    keys = [one.key for one in request.options]
    if len(set(keys)) < len(keys):
        raise BadRequest(f"Two options have the same key: {', '.join(keys)}.")


def _check_sealed_ask(state: GatewayState, actor: Actor, request: OpenAsk, sealed: SealedContent) -> None:
    """Its other fields tell nothing, and whoever has left its room cannot open it."""
    check_sealed_content(sealed)
    if any((request.question, request.tool, request.detail, *(one.text for one in request.options))):
        raise BadRequest(
            "A sealed ask has its question, tool, detail and option texts inside `sealed`. Leave them empty."
        )
    if sealed.room:
        room = state.own_room(canonical_room_name(sealed.room), actor)
        check_current_key(state, room, sealed.room_key)


def _announce_again(state: GatewayState, before: AskRecord, request: OpenAsk, rule_context: RuleContext) -> RuleOutcome:
    """The sidecar has read more of the dialog: publish the same ask again. A pending answer stays pending, unless a
    reason says that it failed."""
    ask, until = _ask_from_request(request, before.ask), before.until
    if request.reason or until <= rule_context.now:
        ask, until = msgspec.structs.replace(ask, state=AskState.OPEN, by="", answer="", said=""), 0.0
    if ask == before.ask:
        return RuleOutcome(Done(before.ask.number))
    record = msgspec.structs.replace(before, ask=ask, until=until)
    return RuleOutcome(Done(ask.number), (_ask_event(state, record, rule_context),))


def close_ask(state: GatewayState, actor: Actor, request: CloseAsk, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.ASK)
    check_message_text(request.reason, what="reason")
    if not request.state.is_end:
        raise BadRequest(f"{request.state} is not an end of an ask. Use `ask.open` to open it again.")
    before = state.asks.get(actor.name)
    if before is None or before.ask.number != request.ask:
        return RuleOutcome(Done())
    fact = end_ask(state, before.ask, request.state, request.reason, rule_context)
    return RuleOutcome(Done(fact.event.seq), (fact,))


def answer_ask(state: GatewayState, actor: Actor, request: AnswerAsk, rule_context: RuleContext) -> RuleOutcome:
    """Single use: only the first answer goes to the terminal, and only if it is for the open dialog."""
    actor.require(Permission.APPROVE)
    name = state.member(bare_name(request.member)).name
    record = state.asks.get(name)
    if record is None or not may_see(state, actor, name):
        raise NotFound(f"{name} has no open question. `groupchat asks` lists the open ones.")
    if name == actor.name:
        raise Forbidden(f"{name} cannot answer its own question.")
    if record.ask.sealed is not None and request.signed is None:
        raise Forbidden(f"The question of {name} is sealed. Answer it with `groupchat chat` where your key is.")
    _check_unchanged(record, request, rule_context.now)
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
        state, msgspec.structs.replace(record, ask=ask, until=rule_context.now + ANSWER_TIMEOUT_S), rule_context
    )
    order = Control(
        rule_context.seq(),
        ControlAction.ANSWER,
        actor.name,
        (name,),
        rule_context.stamp,
        text=given,
        may_approve=True,
        ask=ask,
        signed=request.signed,
    )
    return RuleOutcome(Done(ask.number), (told, EventToCommit(order, ends=(actor.name, name))))


def _check_unchanged(record: AskRecord, request: AnswerAsk, now: float) -> None:
    ask = record.ask
    if request.digest is not None and request.digest != ask.digest:
        raise Conflict(
            f"{ask.member} now asks another question ({ask.digest}, not {request.digest}): "
            f"{SEALED_TEXT if ask.sealed else ask.question} "
            "Read it before you answer."
        )
    if ask.state is AskState.ANSWERING and now < record.until:
        raise Conflict(
            f"{ask.by} has just answered this question of {ask.member} with {ask.answer}. Wait for the result."
        )


def _normalize_answer(ask: Ask, answer: str) -> str:
    """The answer as the sidecar expects it, or an error that lists the possible answers."""
    choices = "; ".join(f"{one.key}. {one.text}" for one in ask.options) or "none could be read"
    if ask.sealed is not None and not ask.options and answer not in ANSWER_WORDS:
        return answer  # which answers there are only the sidecar can tell
    if answer in ANSWER_WORDS:
        if not (ask.allow if answer == "allow" else ask.deny):
            raise Conflict(
                f"This question of {ask.member} has no option that clearly means {answer!r}. "
                f"Answer with the key of an option ({choices}), or answer in the agent's terminal."
            )
        return answer
    if answer not in (one.key for one in ask.options):
        raise BadRequest(f"{ask.member} has no option {answer!r}. Its options are: {choices}.")
    return answer


def _check_words(ask: Ask, request: AnswerAsk) -> str:
    """Refuse words that would not reach the model, because their author would believe that they did."""
    words = request.words.strip()
    check_message_text(words, what="words")
    if words and request.answer != "deny":
        raise BadRequest("Only a `deny` can have `words`. Remove them, or answer with `deny`.")
    if words and ask.sealed is not None:
        raise Conflict("The words of an answer would be readable, and this question is sealed. Send a sealed message.")
    if words and not ask.words:
        raise Conflict(
            f"A refusal of this question of {ask.member} cannot include text for the model. Deny it without `words`, "
            f"then send {ask.member} a message."
        )
    return words


def visible_asks(state: GatewayState, actor: Actor) -> tuple[Ask, ...]:
    seen = (one.ask for name, one in sorted(state.asks.items()) if may_see(state, actor, name))
    return tuple(seen)


def list_asks(state: GatewayState, actor: Actor, request: Asks, rule_context: RuleContext) -> RuleOutcome:
    found = visible_asks(state, actor)
    return RuleOutcome(AskList(*cut_page(found, lambda one: one.member, request.after, request.limit, identity)))


def may_see(state: GatewayState, actor: Actor, name: str) -> bool:
    """Whether the actor shares a room with the member, or may read everything."""
    shared = not state.rooms_of[actor.name].isdisjoint(state.rooms_of[name])
    return shared or actor.name == name or actor.may(Permission.READ_DIRECT)


def withdraw_asks(state: GatewayState, name: str, rule_context: RuleContext, reason: str) -> tuple[EventToCommit, ...]:
    """Withdraw the open question of a member that has gone."""
    record = state.asks.get(name)
    return () if record is None else (end_ask(state, record.ask, AskState.WITHDRAWN, reason, rule_context),)


def end_ask(
    gateway_state: GatewayState, ask: Ask, state: AskState, reason: str, rule_context: RuleContext
) -> EventToCommit:
    """End an ask. The author of a pending answer stays only if that answer took effect."""
    mine = state is AskState.ANSWERED
    given = {} if mine else {"by": "", "answer": "", "said": ""}
    over = msgspec.structs.replace(ask, state=state, reason=reason, **given)
    event = AskEvent(rule_context.seq(), over, rule_context.stamp)
    return EventToCommit(
        event, ends=room_mates(gateway_state, ask.member), changes=(StateChange("ask", ask.member, None),)
    )


def process_due_asks(
    state: GatewayState, key: str, rule_context: RuleContext, started: float
) -> tuple[tuple[EventToCommit, ...], float | None]:
    """Announce a member's open ask again, at growing intervals, and withdraw it when its member is gone. Returns the
    events and when to check again."""
    record = state.asks.get(key)
    if record is None:
        return (), None
    gone = _gone_at(state, key, started)
    if gone is not None and gone <= rule_context.now:
        return withdraw_asks(state, key, rule_context, "its sidecar is gone"), None
    facts: tuple[EventToCommit, ...] = ()
    if record.remind_at <= rule_context.now:
        waited = max(1, round(rule_context.now - seconds_from_iso(record.ask.opened)))
        record = _schedule_reminder(record, rule_context.now)
        facts = (_ask_event(state, record, rule_context, waited=waited),)
    return facts, record.remind_at if gone is None else min(record.remind_at, gone)


def _gone_at(state: GatewayState, name: str, started: float) -> float | None:
    """When a member without a connection counts as gone."""
    live = state.live[name]
    return None if live.is_connected else max(live.lost, live.heard, started) + AWAY_AFTER_S


def _schedule_reminder(record: AskRecord, now: float) -> AskRecord:
    pause = min(record.pause * 2, max(record.pause, MAX_REMIND_PAUSE_S))
    return msgspec.structs.replace(record, remind_at=now + pause, pause=pause)


def _ask_event(
    state: GatewayState, record: AskRecord, rule_context: RuleContext, *, seq: int | None = None, waited: int = 0
) -> EventToCommit:
    event = AskEvent(seq or rule_context.seq(), record.ask, rule_context.stamp, waited)
    member = record.ask.member
    return EventToCommit(event, ends=room_mates(state, member), changes=(StateChange("ask", member, record),))


def room_mates(state: GatewayState, name: str) -> tuple[str, ...]:
    """The current members of all rooms of this member."""
    others = {other for room in state.rooms_of[name] for other in state.in_room[room]}
    return (name, *sorted(others - {name}))
