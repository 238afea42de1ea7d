"""The rules by which deliveries move: reports of sidecars, cancelling, retrying, handing over, expiring.

Pure: what stands in the store comes in as an argument.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.agent_control.ack_messages import acknowledged
from gateway.model.delivery_states import OPEN, RETRIABLE, WAITING, climb, repeats
from gateway.model.log_events import Clerk, Fact, Ruling
from gateway.model.recent_messages import Head
from gateway.model.state import House
from gateway.protocol.delivery_reasons import Cause, cause_of
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, UnknownMessage, WrongRung
from gateway.protocol.events import Message, Receipt
from gateway.protocol.requests import Cancel, Report, Retry
from gateway.protocol.results import Done
from gateway.protocol.timestamps import checked, iso
from gateway.protocol.types import BY_ITSELF, Delivery, Rung, Step, check_text

MAX_STEP_TEXT = 1000
RETURNS = (Rung.HELD, Rung.TYPED)


class Standing(msgspec.Struct, frozen=True):
    """A message, and how its delivery to one member stands; None where it was never meant for that member."""

    message: Message
    delivery: Delivery | None


def report(house: House, actor: Actor, request: Report, standing: Standing, clerk: Clerk) -> Ruling:
    message, current = standing.message, standing.delivery
    if current is None:
        raise UnknownMessage(f"There is no delivery of message {request.message} to {actor.name}.")
    if request.expected is not None and request.expected != current.rung:
        raise WrongRung(f"Message {request.message} for {actor.name} is {current.rung}, not {request.expected}.")
    if any(step.rung is Rung.QUEUED for step in request.steps):
        raise BadRequest("A delivery is queued again by a retry, which is a person's decision; it cannot be reported.")
    if was_taken(current) and request.steps[0].rung in RETURNS:
        raise WrongRung(f"Message {request.message} was {BY_ITSELF}: there is nothing to type any more.")
    if repeats(current, request.steps) or was_answered(current):
        return Ruling(Done())
    steps = tuple(_checked(step, clerk) for step in request.steps)
    fact = moved(message, current, steps, clerk)
    return Ruling(Done(fact.event.seq), (fact, *acknowledged(house, message, current, steps[-1].rung, clerk)))


def was_taken(current: Delivery) -> bool:
    """By a poll, or by a tool of its agent: no sidecar may bring it back, or it would be read twice."""
    return _cause(current) is Cause.BY_ITSELF


def was_answered(current: Delivery) -> bool:
    """By its answer: what is reported of the steps before that comes late, and changes nothing."""
    return _cause(current) is Cause.BY_ANSWER


def was_retried(current: Delivery | None) -> bool:
    return current is not None and _cause(current) is Cause.QUEUED_AGAIN


def _cause(current: Delivery) -> Cause:
    return cause_of(current.rung, current.reason)


def told_before(told: Sequence[Receipt], member: str, steps: tuple[Step, ...]) -> bool:
    """The very same steps, with their times, came before: it is the earlier try that they tell of, not the retry."""
    return any(one.member == member and one.steps == steps for one in told)


def _checked(step: Step, clerk: Clerk) -> Step:
    check_text(step.reason, MAX_STEP_TEXT, "reason of a step")
    return Step(step.rung, checked(step.at, "time of a step") if step.at else clerk.stamp, step.reason)


def moved(message: Message | Head, current: Delivery, steps: tuple[Step, ...], clerk: Clerk) -> Fact:
    """The next steps of a delivery."""
    return _told(message, climb(current, steps), steps, clerk)


def begun(message: Message | Head, number: int, member: str, reason: str, clerk: Clerk) -> Fact:
    """A delivery that begins after its message was said."""
    step = Step(Rung.QUEUED, clerk.stamp, reason)
    return _told(message, Delivery(number, member, step.rung, step.reason, step.at), (step,), clerk)


def _told(message: Message | Head, after: Delivery, steps: tuple[Step, ...], clerk: Clerk) -> Fact:
    event = Receipt(clerk.seq(), message.room, after.message, after.member, steps, clerk.stamp)
    return Fact(event, ends=(message.from_, after.member), deliveries=(after,))


def cancel(actor: Actor, request: Cancel, message: Message, ladders: Sequence[Delivery], clerk: Clerk) -> Ruling:
    """The sender takes a message back from everyone who has not begun to type it."""
    if message.from_ != actor.name:
        actor.need(Action.RETRY)
    wanted = [one for one in ladders if request.member in (None, one.member)]
    waiting = [one for one in wanted if one.rung in WAITING]
    if not waiting:
        where = ", ".join(f"{one.member}: {one.rung}" for one in wanted) or "nobody"
        raise Conflict(f"Message {request.message} waits for nobody any more ({where}).")
    step = (Step(Rung.CANCELLED, clerk.stamp, f"cancelled by {actor.name}"),)
    facts = tuple(moved(message, one, step, clerk) for one in waiting)
    return Ruling(Done(facts[-1].event.seq), facts)


def retry(actor: Actor, request: Retry, standing: Standing, clerk: Clerk) -> Ruling:
    message, current = standing.message, standing.delivery
    actor.need(Action.RETRY)
    if current is None:
        raise UnknownMessage(f"Message {request.message} was never meant for {request.member}.")
    if current.rung not in RETRIABLE:
        raise Conflict(f"Message {request.message} for {request.member} is {current.rung}; there is nothing to retry.")
    fact = moved(message, current, (Step(Rung.QUEUED, clerk.stamp, f"retried by {actor.name}"),), clerk)
    return Ruling(Done(fact.event.seq), (fact,))


def hand_over(message: Message, current: Delivery, clerk: Clerk, how: str) -> Fact | None:
    """A member took its message itself: that is all the proof there can be. What its sidecar is typing is not there."""
    if current.rung not in WAITING:
        return None
    return moved(message, current, (Step(Rung.ACCEPTED, clerk.stamp, how),), clerk)


def expire(message: Message, current: Delivery, clerk: Clerk) -> Fact | None:
    if current.rung not in WAITING:
        return None
    return moved(message, current, (Step(Rung.EXPIRED, clerk.stamp, f"not delivered before {iso(clerk.now)}"),), clerk)


def settled(message: Message, current: Delivery, clerk: Clerk, why: str) -> Fact | None:
    """Nobody is there any more to bring it to."""
    if current.rung not in OPEN:
        return None
    rung = Rung.FAILED if current.rung is Rung.SUBMITTED else Rung.CANCELLED
    return moved(message, current, (Step(rung, clerk.stamp, why),), clerk)


def may_read(house: House, actor: Actor, message: Message | Head) -> bool:
    if actor.may(Action.READ_DIRECT) or actor.name in (message.from_, *message.recipients, *message.deliveries):
        return True
    if message.recipients:
        return False
    record = house.rooms.get(message.room)
    return record is not None and house.may_read(record, actor)


def need_read(house: House, actor: Actor, message: Message) -> Message:
    need_known(house, actor, message.seq, message)
    return message


def need_known(house: House, actor: Actor, number: int, message: Message | Head | None) -> None:
    """A message that a member may not read and one that does not exist are refused alike."""
    if message is None or not may_read(house, actor, message):
        raise unknown(number, actor)


def unknown(number: int, actor: Actor) -> UnknownMessage:
    return UnknownMessage(f"There is no message {number} that {actor.name} may see.")


def need_end(actor: Actor, message: Message) -> None:
    """A message's story is for its sender and for those who may read everything."""
    if actor.name not in (message.from_, *message.deliveries) and not actor.may(Action.READ_DIRECT):
        raise Forbidden(f"Message {message.seq} is neither from nor for {actor.name}.")


def may_follow(actor: Actor, message: Message, member: str) -> bool:
    """Who sees what becomes of a message for one member: that member, the sender, and who may read everything."""
    return actor.name in (message.from_, member) or actor.may(Action.READ_DIRECT)
