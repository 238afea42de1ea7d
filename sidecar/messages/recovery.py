"""Reads from the transcript what an earlier run did with each message, and decides what happens to each now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from gateway.protocol.types.core_types import Rung
from gateway.protocol.types.delivery_reasons import BEFORE_ANSWER, interrupted_reason
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.messages.duplicate_guard import MessageProgress
from sidecar.messages.envelope import numbers_in


@dataclass(frozen=True)
class TurnOutcome:
    """The messages of one turn, and its answer if there was one."""

    numbers: tuple[int, ...]
    answer: str = ""
    why: str = ""


@dataclass
class _OpenTurn:
    numbers: list[int] = field(default_factory=list)
    words: str = ""


def turn_outcomes(facts: Iterable[TurnFact]) -> dict[int, TurnOutcome]:
    """A turn lasts from its prompts to its end. A turn without an end was lost."""
    found: dict[int, TurnOutcome] = {}
    turn = _OpenTurn()
    for fact in facts:
        match fact.kind:
            case TurnFactKind.PROMPT:
                turn.numbers += numbers_in(fact.text)
                found.update(dict.fromkeys(turn.numbers, TurnOutcome(tuple(turn.numbers))))
            case TurnFactKind.MODEL:
                turn.words = fact.text or turn.words
            case TurnFactKind.REFUSED:
                pass
            case _:
                found.update(_finish_turn(turn, fact))
                turn = _OpenTurn()
    return found


def _finish_turn(turn: _OpenTurn, fact: TurnFact) -> Mapping[int, TurnOutcome]:
    numbers = tuple(turn.numbers)
    match fact.kind:
        case TurnFactKind.ANSWER | TurnFactKind.ENDED:
            outcome = TurnOutcome(numbers, fact.text or turn.words)
        case TurnFactKind.INTERRUPTED:
            outcome = TurnOutcome(numbers, why=interrupted_reason(BEFORE_ANSWER))
        case _:
            outcome = TurnOutcome(numbers, why=f"the turn failed: {fact.text}"[:300].rstrip(": "))
    return dict.fromkeys(numbers, outcome)


class Recovery(Enum):
    """What happens to a message that was open when an earlier run ended."""

    AGAIN = "again"
    ANSWERED = "answered"
    LOST = "lost"
    OVER = "over"


TURN_LOST_TEXT = "turn lost: the agent was restarted before it answered"
TURN_UNKNOWN_TEXT = "turn lost: the agent was restarted; it is unknown whether the turn had begun"
TAKEN_RUNGS = (Rung.ACCEPTED, Rung.SEEN)
_WAITING_RUNGS = (Rung.QUEUED, Rung.HELD)
_POSSIBLY_READ = (MessageProgress.ACCEPTED, MessageProgress.CONSUMED)


def decide_recovery(rung: Rung, done: MessageProgress | None, outcome: TurnOutcome | None, *, known: bool) -> Recovery:
    """Type it again only if it is proven that the model never got it, or if a person ordered it again after its end.
    `known`: the earlier transcript is available. A message that waits, and was never typed or came to its end, shares
    only its number with the transcript."""
    if done is MessageProgress.RELEASED or (rung in _WAITING_RUNGS and done in (None, MessageProgress.OVER)):
        return Recovery.AGAIN
    if done is MessageProgress.OVER:
        return Recovery.OVER
    if outcome is not None:
        return Recovery.ANSWERED if outcome.answer else Recovery.LOST
    if rung in TAKEN_RUNGS or done in _POSSIBLY_READ:
        return Recovery.LOST
    pressed = done is MessageProgress.SUBMITTING or (done is None and rung is Rung.SUBMITTED)
    return Recovery.LOST if pressed and not known else Recovery.AGAIN
