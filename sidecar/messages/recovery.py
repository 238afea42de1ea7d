"""What an earlier run of the agent did with each message, from its transcript, and what follows for each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from gateway.protocol.delivery_reasons import BEFORE_ANSWER, interrupted
from gateway.protocol.types import Rung
from sidecar.messages.duplicate_guard import Done
from sidecar.messages.envelope import numbers_in
from sidecar.screen.evidence import Turn, TurnFact


@dataclass(frozen=True)
class Outcome:
    """The numbers that went into one turn, and the answer that came, if one did."""

    numbers: tuple[int, ...]
    answer: str = ""
    why: str = ""


@dataclass
class _Open:
    numbers: list[int] = field(default_factory=list)
    words: str = ""


def outcomes(facts: Iterable[TurnFact]) -> dict[int, Outcome]:
    """A turn goes from its prompts to its end; one without an end was lost."""
    found: dict[int, Outcome] = {}
    turn = _Open()
    for fact in facts:
        match fact.kind:
            case Turn.PROMPT:
                turn.numbers += numbers_in(fact.text)
                found.update(dict.fromkeys(turn.numbers, Outcome(tuple(turn.numbers))))
            case Turn.MODEL:
                turn.words = fact.text or turn.words
            case _:
                found.update(_ended(turn, fact))
                turn = _Open()
    return found


def _ended(turn: _Open, fact: TurnFact) -> Mapping[int, Outcome]:
    numbers = tuple(turn.numbers)
    match fact.kind:
        case Turn.ANSWER | Turn.ENDED:
            outcome = Outcome(numbers, fact.text or turn.words)
        case Turn.INTERRUPTED:
            outcome = Outcome(numbers, why=interrupted(BEFORE_ANSWER))
        case _:
            outcome = Outcome(numbers, why=f"the turn failed: {fact.text}"[:300].rstrip(": "))
    return dict.fromkeys(numbers, outcome)


class Fate(Enum):
    """What becomes of a message that was open when an earlier run ended."""

    AGAIN = "again"
    ANSWERED = "answered"
    LOST = "lost"
    OVER = "over"


LOST = "turn lost: the agent was restarted before it answered"
UNTOLD = "turn lost: the agent was restarted, and nothing tells whether it had begun"
TAKEN = (Rung.ACCEPTED, Rung.SEEN)
_WAITING = (Rung.QUEUED, Rung.HELD)
_MAYBE = (Done.ACCEPTED, Done.CONSUMED)


def fate(rung: Rung, done: Done | None, outcome: Outcome | None, *, known: bool) -> Fate:
    """Typed again only if it is proven that the model never got it, or if a person ordered it after its end. `known`:
    the earlier transcript is at hand. What waits, and was never typed here or came to its end, has only its number in
    common with what the transcript tells of."""
    if done is Done.RELEASED or (rung in _WAITING and done in (None, Done.OVER)):
        return Fate.AGAIN
    if done is Done.OVER:
        return Fate.OVER
    if outcome is not None:
        return Fate.ANSWERED if outcome.answer else Fate.LOST
    if rung in TAKEN or done in _MAYBE:
        return Fate.LOST
    pressed = done is Done.SUBMITTING or (done is None and rung is Rung.SUBMITTED)
    return Fate.LOST if pressed and not known else Fate.AGAIN
