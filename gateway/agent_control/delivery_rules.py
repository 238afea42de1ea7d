"""The rules that move deliveries: sidecar reports, cancel, retry, hand over, expire.

Pure: what the store holds is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.agent_control.ack_messages import ack_events
from gateway.agent_control.agent_orders import order_about_message
from gateway.model.deliveries.delivery_states import (
    HANDED_OVER_RUNGS,
    OPEN_RUNGS,
    RETRIABLE_RUNGS,
    WAITING_RUNGS,
    apply_steps,
    is_repeated_report,
)
from gateway.model.deliveries.recent_messages import MessageHeader
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, UnknownMessage, WrongRung
from gateway.protocol.events import ControlAction, Message, Receipt
from gateway.protocol.requests.message_requests import Cancel, Report, Retry
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Delivery, Rung, Step, check_message_text
from gateway.protocol.types.delivery_reasons import EndCause, cause_of
from gateway.protocol.types.timestamps import check_timestamp, iso_from_seconds, seconds_from_iso
from gateway.statistics.delivery_end import DeliveryEnd, DeliveryResult

MAX_REASON_CHARS = 1000
RESTARTABLE_RUNGS = (Rung.HELD, Rung.TYPED)
_RESULTS = {
    **dict.fromkeys(HANDED_OVER_RUNGS, DeliveryResult.TAKEN),
    Rung.FAILED: DeliveryResult.FAILED,
    Rung.EXPIRED: DeliveryResult.EXPIRED,
    Rung.CANCELLED: DeliveryResult.CANCELLED,
}


class MessageDelivery(msgspec.Struct, frozen=True):
    """A message, and the state of its delivery to one member; None if the message was not for that member."""

    message: Message
    delivery: Delivery | None


def report_steps(
    state: GatewayState, actor: Actor, request: Report, standing: MessageDelivery, rule_context: RuleContext
) -> RuleOutcome:
    message, current = standing.message, standing.delivery
    if current is None:
        raise UnknownMessage(f"There is no delivery of message {request.message} to {actor.name}.")
    if request.expected is not None and request.expected != current.rung:
        raise WrongRung(f"Message {request.message} for {actor.name} is {current.rung}, not {request.expected}.")
    if any(step.rung is Rung.QUEUED for step in request.steps):
        raise BadRequest("`queued` cannot be reported. Only a person can queue a delivery again, with `retry`.")
    if was_taken(current) and request.steps[0].rung in RESTARTABLE_RUNGS:
        raise WrongRung(f"The agent has taken message {request.message} through its tools, so it is not typed.")
    if is_repeated_report(current, request.steps) or was_answered(current):
        return RuleOutcome(Done())
    steps = tuple(_check_step(step, rule_context) for step in request.steps)
    fact = move_delivery(message, current, steps, rule_context)
    return RuleOutcome(Done(fact.event.seq), (fact, *ack_events(state, message, current, steps[-1].rung, rule_context)))


def was_taken(current: Delivery) -> bool:
    """Whether a poll or a tool has already taken the message. No sidecar may then queue it again: it would be read
    twice."""
    return _cause(current) is EndCause.BY_ITSELF


def was_answered(current: Delivery) -> bool:
    """Whether the message has been answered. Later reports about earlier steps change nothing."""
    return _cause(current) is EndCause.BY_ANSWER


def was_retried(current: Delivery | None) -> bool:
    return current is not None and _cause(current) is EndCause.QUEUED_AGAIN


def _cause(current: Delivery) -> EndCause:
    return cause_of(current.rung, current.reason)


def was_reported_before(told: Sequence[Receipt], member: str, steps: tuple[Step, ...]) -> bool:
    """Whether the same steps, with the same times, came before: then they report the earlier attempt, not the retry."""
    return any(one.member == member and one.steps == steps for one in told)


def _check_step(step: Step, rule_context: RuleContext) -> Step:
    check_message_text(step.reason, MAX_REASON_CHARS, "reason of a step")
    return Step(step.rung, check_timestamp(step.at, "time of a step") if step.at else rule_context.stamp, step.reason)


def move_delivery(
    message: Message | MessageHeader, current: Delivery, steps: tuple[Step, ...], rule_context: RuleContext
) -> EventToCommit:
    """The next steps of a delivery."""
    after = apply_steps(current, steps)
    return _told(message, after, steps, rule_context, end_of_delivery(message, current, after, rule_context.now))


def end_of_delivery(
    message: Message | MessageHeader, before: Delivery, after: Delivery, now: float
) -> DeliveryEnd | None:
    """How these steps ended the delivery, if they did: it is taken when its recipient has it, and a later step about
    what the recipient did with it ends nothing a second time."""
    result = _RESULTS.get(after.rung)
    if result is None or result is _RESULTS.get(before.rung):
        return None
    return DeliveryEnd(result, max(0.0, now - seconds_from_iso(message.timestamp)) if message.timestamp else None)


def begun(
    message: Message | MessageHeader, number: int, member: str, reason: str, rule_context: RuleContext
) -> EventToCommit:
    """A delivery that begins after its message was sent."""
    step = Step(Rung.QUEUED, rule_context.stamp, reason)
    return _told(message, Delivery(number, member, step.rung, step.reason, step.at), (step,), rule_context)


def _told(
    message: Message | MessageHeader,
    after: Delivery,
    steps: tuple[Step, ...],
    rule_context: RuleContext,
    end: DeliveryEnd | None = None,
) -> EventToCommit:
    event = Receipt(rule_context.seq(), message.room, after.message, after.member, steps, rule_context.stamp)
    return EventToCommit(event, ends=(message.from_, after.member), deliveries=(after,), end=end)


def cancel_message(
    actor: Actor, request: Cancel, message: Message, deliveries: Sequence[Delivery], rule_context: RuleContext
) -> RuleOutcome:
    """Cancel the message for every recipient whose sidecar has not begun to type it."""
    if message.from_ != actor.name:
        actor.require(Permission.RETRY)
    wanted = [one for one in deliveries if request.member in (None, one.member)]
    waiting = [one for one in wanted if one.rung in WAITING_RUNGS]
    if not waiting:
        where = ", ".join(f"{one.member}: {one.rung}" for one in wanted) or "nobody"
        raise Conflict(f"Message {request.message} cannot be cancelled: no delivery of it is waiting ({where}).")
    step = (Step(Rung.CANCELLED, rule_context.stamp, f"cancelled by {actor.name}"),)
    facts = tuple(move_delivery(message, one, step, rule_context) for one in waiting)
    return RuleOutcome(Done(facts[-1].event.seq), facts)


def retry_delivery(actor: Actor, request: Retry, standing: MessageDelivery, rule_context: RuleContext) -> RuleOutcome:
    message, current = standing.message, standing.delivery
    actor.require(Permission.RETRY)
    if current is None:
        raise UnknownMessage(f"Message {request.message} was not sent to {request.member}.")
    if current.rung not in RETRIABLE_RUNGS:
        raise Conflict(
            f"Message {request.message} for {request.member} is {current.rung}. "
            "Only a failed, expired or cancelled delivery can be retried."
        )
    fact = move_delivery(
        message, current, (Step(Rung.QUEUED, rule_context.stamp, f"retried by {actor.name}"),), rule_context
    )
    return RuleOutcome(Done(fact.event.seq), (fact,))


def hand_over_delivery(
    message: Message, current: Delivery, rule_context: RuleContext, how: str
) -> EventToCommit | None:
    """The member took its message itself, which proves the delivery. A message that its sidecar is typing is not
    offered."""
    if current.rung not in WAITING_RUNGS:
        return None
    return move_delivery(message, current, (Step(Rung.ACCEPTED, rule_context.stamp, how),), rule_context)


def expire_delivery(message: Message, current: Delivery, rule_context: RuleContext) -> EventToCommit | None:
    if current.rung not in WAITING_RUNGS:
        return None
    return move_delivery(
        message,
        current,
        (Step(Rung.EXPIRED, rule_context.stamp, f"not delivered before {iso_from_seconds(rule_context.now)}"),),
        rule_context,
    )


def end_delivery(message: Message, current: Delivery, rule_context: RuleContext, why: str) -> EventToCommit | None:
    """End a delivery whose recipient is gone."""
    if current.rung not in OPEN_RUNGS:
        return None
    rung = Rung.FAILED if current.rung is Rung.SUBMITTED else Rung.CANCELLED
    return move_delivery(message, current, (Step(rung, rule_context.stamp, why),), rule_context)


def take_back_waiting(
    waiting: Iterable[tuple[Message, Delivery]], room: str, why: str, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    """Take back what waits in a room for members that are no longer in it: their answers could not go there. What a
    sidecar has begun to type stays. Each end comes with the order to the sidecar that keeps the message."""
    facts: list[EventToCommit] = []
    for message, delivery in waiting:
        if message.room == room and delivery.rung in WAITING_RUNGS:
            step = Step(Rung.CANCELLED, rule_context.stamp, why)
            facts.append(move_delivery(message, delivery, (step,), rule_context))
            facts.append(order_about_message(ControlAction.CANCEL, delivery.member, message.seq, rule_context))
    return tuple(facts)


def may_read_message(state: GatewayState, actor: Actor, message: Message | MessageHeader) -> bool:
    if actor.may(Permission.READ_DIRECT) or actor.name in (message.from_, *message.recipients, *message.deliveries):
        return True
    if message.recipients:
        return False
    record = state.rooms.get(message.room)
    return record is not None and state.may_read(record, actor)


def check_may_read(state: GatewayState, actor: Actor, message: Message) -> Message:
    check_may_know(state, actor, message.seq, message)
    return message


def check_may_know(state: GatewayState, actor: Actor, number: int, message: Message | MessageHeader | None) -> None:
    """Refuse a message that the member may not read with the same error as a missing one."""
    if message is None or not may_read_message(state, actor, message):
        raise unknown_message_error(number, actor)


def unknown_message_error(number: int, actor: Actor) -> UnknownMessage:
    return UnknownMessage(f"There is no message {number} that {actor.name} can see.")


def check_sender_or_observer(actor: Actor, message: Message) -> None:
    """Only the sender, and those who may read everything, may see the history of a message."""
    if actor.name not in (message.from_, *message.deliveries) and not actor.may(Permission.READ_DIRECT):
        raise Forbidden(f"Message {message.seq} was neither sent by nor sent to {actor.name}.")


def may_follow(actor: Actor, message: Message, member: str) -> bool:
    """Whether the actor sees a delivery: its recipient, the sender, and those who may read everything do."""
    return actor.name in (message.from_, member) or actor.may(Permission.READ_DIRECT)
