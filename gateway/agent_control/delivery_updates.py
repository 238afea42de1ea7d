"""The rules that move deliveries: sidecar reports, cancel, retry, hand over, expire.

Pure: what the store holds is an argument.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.agent_control.ack_messages import ack_events
from gateway.model.delivery_states import OPEN_RUNGS, RETRIABLE_RUNGS, WAITING_RUNGS, apply_steps, is_repeated_report
from gateway.model.log_events import LogEvent, Outcome, Sequencer
from gateway.model.recent_messages import MessageHeader
from gateway.model.state import GatewayState
from gateway.protocol.delivery_reasons import EndCause, cause_of
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, UnknownMessage, WrongRung
from gateway.protocol.events import Message, Receipt
from gateway.protocol.requests import Cancel, Report, Retry
from gateway.protocol.results import Done
from gateway.protocol.timestamps import check_timestamp, iso_from_seconds
from gateway.protocol.types import TAKEN_BY_ITSELF, Delivery, Rung, Step, check_message_text

MAX_REASON_CHARS = 1000
RESTARTABLE_RUNGS = (Rung.HELD, Rung.TYPED)


class MessageDelivery(msgspec.Struct, frozen=True):
    """A message, and the state of its delivery to one member; None if the message was not for that member."""

    message: Message
    delivery: Delivery | None


def report_steps(
    state: GatewayState, actor: Actor, request: Report, standing: MessageDelivery, sequencer: Sequencer
) -> Outcome:
    message, current = standing.message, standing.delivery
    if current is None:
        raise UnknownMessage(f"There is no delivery of message {request.message} to {actor.name}.")
    if request.expected is not None and request.expected != current.rung:
        raise WrongRung(f"Message {request.message} for {actor.name} is {current.rung}, not {request.expected}.")
    if any(step.rung is Rung.QUEUED for step in request.steps):
        raise BadRequest("A delivery is queued again by a retry, which is a person's decision; it cannot be reported.")
    if was_taken(current) and request.steps[0].rung in RESTARTABLE_RUNGS:
        raise WrongRung(f"Message {request.message} was {TAKEN_BY_ITSELF}: there is nothing to type any more.")
    if is_repeated_report(current, request.steps) or was_answered(current):
        return Outcome(Done())
    steps = tuple(_check_step(step, sequencer) for step in request.steps)
    fact = move_delivery(message, current, steps, sequencer)
    return Outcome(Done(fact.event.seq), (fact, *ack_events(state, message, current, steps[-1].rung, sequencer)))


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


def _check_step(step: Step, sequencer: Sequencer) -> Step:
    check_message_text(step.reason, MAX_REASON_CHARS, "reason of a step")
    return Step(step.rung, check_timestamp(step.at, "time of a step") if step.at else sequencer.stamp, step.reason)


def move_delivery(
    message: Message | MessageHeader, current: Delivery, steps: tuple[Step, ...], sequencer: Sequencer
) -> LogEvent:
    """The next steps of a delivery."""
    return _told(message, apply_steps(current, steps), steps, sequencer)


def begun(message: Message | MessageHeader, number: int, member: str, reason: str, sequencer: Sequencer) -> LogEvent:
    """A delivery that begins after its message was sent."""
    step = Step(Rung.QUEUED, sequencer.stamp, reason)
    return _told(message, Delivery(number, member, step.rung, step.reason, step.at), (step,), sequencer)


def _told(message: Message | MessageHeader, after: Delivery, steps: tuple[Step, ...], sequencer: Sequencer) -> LogEvent:
    event = Receipt(sequencer.seq(), message.room, after.message, after.member, steps, sequencer.stamp)
    return LogEvent(event, ends=(message.from_, after.member), deliveries=(after,))


def cancel_message(
    actor: Actor, request: Cancel, message: Message, deliveries: Sequence[Delivery], sequencer: Sequencer
) -> Outcome:
    """Cancel the message for every recipient whose sidecar has not begun to type it."""
    if message.from_ != actor.name:
        actor.require(Action.RETRY)
    wanted = [one for one in deliveries if request.member in (None, one.member)]
    waiting = [one for one in wanted if one.rung in WAITING_RUNGS]
    if not waiting:
        where = ", ".join(f"{one.member}: {one.rung}" for one in wanted) or "nobody"
        raise Conflict(f"Message {request.message} waits for nobody any more ({where}).")
    step = (Step(Rung.CANCELLED, sequencer.stamp, f"cancelled by {actor.name}"),)
    facts = tuple(move_delivery(message, one, step, sequencer) for one in waiting)
    return Outcome(Done(facts[-1].event.seq), facts)


def retry_delivery(actor: Actor, request: Retry, standing: MessageDelivery, sequencer: Sequencer) -> Outcome:
    message, current = standing.message, standing.delivery
    actor.require(Action.RETRY)
    if current is None:
        raise UnknownMessage(f"Message {request.message} was never meant for {request.member}.")
    if current.rung not in RETRIABLE_RUNGS:
        raise Conflict(f"Message {request.message} for {request.member} is {current.rung}; there is nothing to retry.")
    fact = move_delivery(message, current, (Step(Rung.QUEUED, sequencer.stamp, f"retried by {actor.name}"),), sequencer)
    return Outcome(Done(fact.event.seq), (fact,))


def hand_over_delivery(message: Message, current: Delivery, sequencer: Sequencer, how: str) -> LogEvent | None:
    """The member took its message itself, which proves the delivery. A message that its sidecar is typing is not
    offered."""
    if current.rung not in WAITING_RUNGS:
        return None
    return move_delivery(message, current, (Step(Rung.ACCEPTED, sequencer.stamp, how),), sequencer)


def expire_delivery(message: Message, current: Delivery, sequencer: Sequencer) -> LogEvent | None:
    if current.rung not in WAITING_RUNGS:
        return None
    return move_delivery(
        message,
        current,
        (Step(Rung.EXPIRED, sequencer.stamp, f"not delivered before {iso_from_seconds(sequencer.now)}"),),
        sequencer,
    )


def end_delivery(message: Message, current: Delivery, sequencer: Sequencer, why: str) -> LogEvent | None:
    """End a delivery whose recipient is gone."""
    if current.rung not in OPEN_RUNGS:
        return None
    rung = Rung.FAILED if current.rung is Rung.SUBMITTED else Rung.CANCELLED
    return move_delivery(message, current, (Step(rung, sequencer.stamp, why),), sequencer)


def may_read_message(state: GatewayState, actor: Actor, message: Message | MessageHeader) -> bool:
    if actor.may(Action.READ_DIRECT) or actor.name in (message.from_, *message.recipients, *message.deliveries):
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
    return UnknownMessage(f"There is no message {number} that {actor.name} may see.")


def check_sender_or_observer(actor: Actor, message: Message) -> None:
    """Only the sender, and those who may read everything, may see the history of a message."""
    if actor.name not in (message.from_, *message.deliveries) and not actor.may(Action.READ_DIRECT):
        raise Forbidden(f"Message {message.seq} is neither from nor for {actor.name}.")


def may_follow(actor: Actor, message: Message, member: str) -> bool:
    """Whether the actor sees a delivery: its recipient, the sender, and those who may read everything do."""
    return actor.name in (message.from_, member) or actor.may(Action.READ_DIRECT)
