"""Which messages a new one says that it answers, and whether its sender may read them. Pure.

Whoever waits for an answer looks at `reply_to` and at `context.answers`. A message that its sender may not read is, to
that sender, a message that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_updates
from gateway.model.log_events import Clerk, Fact
from gateway.model.state import House
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests import Send
from gateway.protocol.types import BY_ANSWER, SYSTEM, Rung, Step

MAX_ANSWERED = 1000  # messages that one message may answer
_NUMBERS = ("answers", "same_as")  # what in a context names messages
_NONE: frozenset[int] = frozenset()


def answered(request: Send) -> frozenset[int]:
    """The numbers of all messages that a request says it answers."""
    if request.reply_to is None and not request.context:
        return _NONE
    return frozenset(_named(request)) | (frozenset() if request.reply_to is None else {request.reply_to})


def also_answered(request: Send) -> tuple[int, ...]:
    """An agent that got several messages as one prompt answers them all."""
    return tuple(_integers((request.context or {}).get("answers")))


def _named(request: Send) -> Iterable[int]:
    for key in _NUMBERS if request.context else ():
        yield from _integers((request.context or {}).get(key))


def _integers(value: object) -> Iterable[int]:
    found = value if isinstance(value, list | tuple) else (value,)
    if len(found) > MAX_ANSWERED:
        raise BadRequest(f"A message answers at most {MAX_ANSWERED} others; this one names {len(found)}.")
    return (one for one in found if isinstance(one, int) and not isinstance(one, bool))


def not_in_memory(house: House, name: str, request: Send) -> frozenset[int]:
    """What must be looked up in the store before the request can be judged: a message, or how far its delivery to the
    sender has come."""
    return frozenset(
        one
        for one in answered(request)
        if (head := house.recent.get(one)) is None or (name in head.deliveries and (one, name) not in house.ladders)
    )


def settled(house: House, actor: Actor, request: Send, clerk: Clerk) -> tuple[Fact, ...]:
    """Whoever answers a message has it. A sidecar reports that itself, step by step; for all others the answer is the
    only report. A prompt of the gateway is over when its turn is, however many answers that has."""
    facts = []
    for number in sorted(answered(request)):
        head, current = house.recent.get(number), house.ladders.get((number, actor.name))
        if head is None or current is None or head.from_ == SYSTEM:
            continue
        if current.rung in _settled_from(house, actor) or delivery_updates.was_taken(current):
            facts.append(delivery_updates.moved(head, current, (Step(Rung.ANSWERED, clerk.stamp, BY_ANSWER),), clerk))
    return tuple(facts)


def _settled_from(house: House, actor: Actor) -> frozenset[Rung]:
    if actor.hands or house.live[actor.name].tells_activity:
        return frozenset()
    return frozenset({Rung.QUEUED, Rung.HELD, Rung.ACCEPTED, Rung.SEEN})


def need_answerable(house: House, actor: Actor, request: Send) -> None:
    for number in sorted(answered(request)):
        delivery_updates.need_known(house, actor, number, house.recent.get(number))
