"""The messages that a new message answers, and whether its sender may read them. Pure.

A client that waits for an answer looks at `reply_to` and `context.answers`. To a sender, a message that it may not read
does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_updates
from gateway.model.log_events import LogEvent, Sequencer
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests import Send
from gateway.protocol.types import SETTLED_BY_ANSWER, SYSTEM_NAME, Rung, Step

MAX_ANSWERED_MESSAGES = 1000  # that one message may answer
_NUMBER_FIELDS = ("answers", "same_as")  # fields of a context that hold message numbers
_NO_RUNGS: frozenset[int] = frozenset()


def answered_numbers(request: Send) -> frozenset[int]:
    """The numbers of all messages that a request says it answers."""
    if request.reply_to is None and not request.context:
        return _NO_RUNGS
    return frozenset(_numbers_in_context(request)) | (frozenset() if request.reply_to is None else {request.reply_to})


def further_answered_numbers(request: Send) -> tuple[int, ...]:
    """The messages that an agent got together in one prompt: its answer answers them all."""
    return tuple(_integers((request.context or {}).get("answers")))


def _numbers_in_context(request: Send) -> Iterable[int]:
    for key in _NUMBER_FIELDS if request.context else ():
        yield from _integers((request.context or {}).get(key))


def _integers(value: object) -> Iterable[int]:
    found = value if isinstance(value, list | tuple) else (value,)
    if len(found) > MAX_ANSWERED_MESSAGES:
        raise BadRequest(f"A message answers at most {MAX_ANSWERED_MESSAGES} others; this one names {len(found)}.")
    return (one for one in found if isinstance(one, int) and not isinstance(one, bool))


def numbers_missing_in_memory(state: GatewayState, name: str, request: Send) -> frozenset[int]:
    """The messages to read from the store before the request can be decided, for their header or for the state of their
    delivery to the sender."""
    return frozenset(
        one
        for one in answered_numbers(request)
        if (head := state.recent.get(one)) is None
        or (name in head.deliveries and (one, name) not in state.latest_deliveries)
    )


def settle_answered_deliveries(
    state: GatewayState, actor: Actor, request: Send, sequencer: Sequencer
) -> tuple[LogEvent, ...]:
    """Mark the answered messages as delivered. A sidecar reports the steps itself; for all other clients the answer is
    the only report. A prompt of a mode ends with its turn, however many answers that has."""
    facts = []
    for number in sorted(answered_numbers(request)):
        head, current = state.recent.get(number), state.latest_deliveries.get((number, actor.name))
        if head is None or current is None or head.from_ == SYSTEM_NAME:
            continue
        if current.rung in _rungs_an_answer_settles(state, actor) or delivery_updates.was_taken(current):
            facts.append(
                delivery_updates.move_delivery(
                    head, current, (Step(Rung.ANSWERED, sequencer.stamp, SETTLED_BY_ANSWER),), sequencer
                )
            )
    return tuple(facts)


def _rungs_an_answer_settles(state: GatewayState, actor: Actor) -> frozenset[Rung]:
    if actor.hands or state.live[actor.name].tells_activity:
        return frozenset()
    return frozenset({Rung.QUEUED, Rung.HELD, Rung.ACCEPTED, Rung.SEEN})


def check_answerable(state: GatewayState, actor: Actor, request: Send) -> None:
    for number in sorted(answered_numbers(request)):
        delivery_updates.check_may_know(state, actor, number, state.recent.get(number))
