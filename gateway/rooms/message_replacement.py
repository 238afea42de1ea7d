"""Replaces a message that no member has begun to read by a new one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.access.permissions import Actor
from gateway.agent_control import agent_orders, delivery_rules
from gateway.message_effects import answered_messages, loop_hold_release
from gateway.model.deliveries.delivery_states import WAITING_RUNGS
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome
from gateway.model.state import GatewayState
from gateway.protocol.errors import Conflict, Forbidden
from gateway.protocol.events import ControlAction, Message
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted
from gateway.protocol.types.core_types import Delivery, Rung, Step
from gateway.protocol.types.delivery_reasons import replaced_reason
from gateway.rooms import messages


@dataclass(frozen=True)
class MessageDeliveries:
    """A message with the state of all its deliveries, those that the loop guard holds back included."""

    message: Message
    deliveries: Sequence[Delivery]


def replace_message(
    state: GatewayState, actor: Actor, request: Send, earlier: MessageDeliveries, rule_context: RuleContext
) -> RuleOutcome:
    """The new message first, then the end of the old deliveries, in one transaction: an agent gets one of both."""
    check_replaceable(actor, earlier, answered_messages.room_for_message(state, actor, request))
    if state.chains.knows_message(actor.name, request.id):  # the log would take it for a repeat, and keep neither
        raise used_id_error(request.id)
    outcome = messages.post_message(state, actor, request, rule_context)
    if not isinstance(outcome.result, Accepted) or outcome.result.duplicate:
        return outcome
    reason = replaced_reason(outcome.result.seq)
    ends = [_end_events(earlier.message, one, reason, rule_context) for one in earlier.deliveries]
    events = (*outcome.events, *(event for pair in ends for event in pair))
    return RuleOutcome(outcome.result, loop_hold_release.drop_taken_back(state, earlier.message, events))


def check_replaceable(actor: Actor, earlier: MessageDeliveries, room: str) -> None:
    message, number = earlier.message, earlier.message.seq
    if message.from_ != actor.name:
        raise Forbidden(f"Message {number} is from {message.from_}. You can replace only your own messages.")
    if message.room != room:
        raise Conflict(f"Message {number} was sent in {message.room!r}. Send the new one there, too.")
    begun = [one for one in earlier.deliveries if one.rung not in WAITING_RUNGS]
    if begun:
        where = ", ".join(f"{one.member}: {one.rung}" for one in begun)
        raise Conflict(f"Message {number} cannot be replaced any more ({where}). Send a new message that corrects it.")
    if not earlier.deliveries:
        raise Conflict(f"No agent waits for message {number}, so it cannot be replaced. Send a new message.")


def _end_events(
    message: Message, delivery: Delivery, reason: str, rule_context: RuleContext
) -> tuple[EventToCommit, EventToCommit]:
    """The end of a delivery, and the order to the sidecar that keeps it."""
    step = (Step(Rung.CANCELLED, rule_context.stamp, reason),)
    told = delivery_rules.move_delivery(message, delivery, step, rule_context)
    return told, agent_orders.order_about_message(ControlAction.CANCEL, delivery.member, message.seq, rule_context)


def used_id_error(message_id: str | None) -> Conflict:
    return Conflict(f"You have sent another message with the id {message_id!r} already. Give the new one its own id.")
