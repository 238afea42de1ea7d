"""The messages that a new message answers, and whether its sender may read them. Pure.

A client that waits for an answer looks at `reply_to` and `context.answers`. To a sender, a message that it may not read
does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_rules
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.types.core_types import (
    DEFAULT_ROOM,
    SETTLED_BY_ANSWER,
    SYSTEM_NAME,
    Rung,
    Step,
    canonical_room_name,
)

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
        raise BadRequest(f"A message can answer at most {MAX_ANSWERED_MESSAGES} others; this one names {len(found)}.")
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
    state: GatewayState, actor: Actor, request: Send, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    """Mark the answered messages as delivered. A sidecar reports the steps itself; for all other clients the answer is
    the only report. A prompt of a mode ends with its turn, however many answers that has."""
    facts = []
    for number in sorted(answered_numbers(request)):
        head, current = state.recent.get(number), state.latest_deliveries.get((number, actor.name))
        if head is None or current is None or head.from_ == SYSTEM_NAME:
            continue
        if current.rung in _rungs_an_answer_settles(state, actor) or delivery_rules.was_taken(current):
            facts.append(
                delivery_rules.move_delivery(
                    head, current, (Step(Rung.ANSWERED, rule_context.stamp, SETTLED_BY_ANSWER),), rule_context
                )
            )
    return tuple(facts)


def _rungs_an_answer_settles(state: GatewayState, actor: Actor) -> frozenset[Rung]:
    if actor.is_tools_token or state.live[actor.name].tells_activity:
        return frozenset()
    return frozenset({Rung.QUEUED, Rung.HELD, Rung.ACCEPTED, Rung.SEEN})


def room_for_message(state: GatewayState, actor: Actor, request: Send) -> str:
    """The room that the sender named, else that of the message it answers if it is still there, else the default
    room."""
    if request.room:
        return canonical_room_name(request.room)
    asked = state.recent.get(request.reply_to) if request.reply_to is not None else None
    return asked.room if asked is not None and actor.name in state.in_room[asked.room] else DEFAULT_ROOM


def check_answerable(state: GatewayState, actor: Actor, request: Send) -> None:
    for number in sorted(answered_numbers(request)):
        delivery_rules.check_may_know(state, actor, number, state.recent.get(number))
