"""Messages in a room with a running mode: whether one is the turn's answer, and whom it wakes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum

from gateway.access.permissions import Actor
from gateway.message_effects.answered_messages import further_answered_numbers
from gateway.mode_rules.turn_effects import turn_events
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, StateChange
from gateway.model.state import MACHINES, GatewayState
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.types.core_types import MessageKind
from gateway.turns import answer_keywords
from gateway.turns.engine import (
    MAX_PROMPT_TRIES,
    OtherMessage,
    SpokenLine,
    StatusAsked,
    TurnAnswered,
    WorkReported,
    apply_event,
)


class MessageRole(Enum):
    """The role of a message for the floor of its room: unrelated, the turn's answer, a line of that answer that
    addresses somebody, or a message out of turn."""

    FREE = "free"
    TURN = "turn"
    LINE = "line"
    ASIDE = "aside"


def classify_message(
    state: GatewayState, actor: Actor, request: Send, room: str, names: Collection[str]
) -> MessageRole:
    """The role that a message will have, before it is committed."""
    floor = state.floor(room)
    if actor.kind not in MACHINES or not (floor.running or floor.past):
        return MessageRole.FREE
    answers = {request.reply_to, *further_answered_numbers(request)}
    if names and request.kind is MessageKind.REPLY and answers & {*floor.prompts, *floor.past}:
        return MessageRole.LINE
    if not floor.running:
        return MessageRole.FREE
    if actor.name == floor.speaker:
        return (
            MessageRole.TURN
            if _is_turn_answer(state, actor, request, names, answers & {*floor.prompts})
            else MessageRole.FREE
        )
    if not names:
        return MessageRole.ASIDE
    machines = any(state.members[one].member.kind in MACHINES for one in names if one in state.members)
    return MessageRole.ASIDE if machines and floor.speaker not in names else MessageRole.FREE


def _is_turn_answer(
    state: GatewayState, actor: Actor, request: Send, names: Collection[str], answers: Collection[object]
) -> bool:
    if request.kind is MessageKind.REPLY and not actor.is_tools_token:
        return not names and (bool(answers) or request.reply_to is None)
    return not names or state.members[actor.name].by_team


def wakes_member(state: GatewayState, place: MessageRole, name: str) -> bool:
    """Whether a message is delivered to this member at once. In or out of turn it wakes no agent; polling clients read
    it."""
    if place is MessageRole.FREE:
        return True
    record = state.members[name]
    return record.member.kind not in MACHINES or record.by_team


def apply_message(
    state: GatewayState,
    message: Message,
    place: MessageRole,
    rule_context: RuleContext,
    news: Sequence[EventToCommit] = (),
) -> tuple[tuple[StateChange, ...], tuple[EventToCommit, ...]]:
    """The effect of a message that is about to be committed on the floor: the changes committed with it, and the events
    after it. `news` are the votes that it contains."""
    floor = state.floor(message.room)
    if not floor.running or place is MessageRole.LINE or (place is MessageRole.FREE and message.recipients):
        return (), ()
    line = SpokenLine(message.seq, message.from_, message.content, place is MessageRole.ASIDE, message.deliveries)
    if place is MessageRole.TURN and answer_keywords.parse_working_note(message.content) is not None:
        told = WorkReported(message.from_, rule_context.settings.patience, answered=True)
        return (), turn_events(state, message.room, told, rule_context, message.from_)
    if (
        place is MessageRole.TURN
        and answer_keywords.asks_for_status(message.content)
        and floor.tries < MAX_PROMPT_TRIES
    ):
        return (), turn_events(state, message.room, StatusAsked(), rule_context, message.from_)
    if place is MessageRole.TURN:
        return (), turn_events(
            state, message.room, TurnAnswered(line, message.id), rule_context, message.from_, news=news
        )
    if place is MessageRole.ASIDE and message.recipients:
        return (), ()
    after = apply_event(floor, OtherMessage(line, message.id), rule_context.now).floor
    return (StateChange("floor", message.room, after),), ()
