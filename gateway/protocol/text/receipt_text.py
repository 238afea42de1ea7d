"""Delivery steps in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.protocol.types.core_types import Rung, Step
from gateway.protocol.types.delivery_reasons import EndCause, cause_of

_TEXT_BY_RUNG = {
    Rung.QUEUED: "queued",
    Rung.HELD: "held",
    Rung.TYPED: "typed",
    Rung.VERIFIED: "typed",
    Rung.UNVERIFIED: "typed",
    Rung.SUBMITTED: "submitted",
    Rung.ACCEPTED: "accepted",
    Rung.SEEN: "seen by the model",
    Rung.ANSWERED: "answered",
    Rung.FAILED: "failed",
    Rung.EXPIRED: "expired",
    Rung.CANCELLED: "cancelled",
}
BAD_RUNGS = {Rung.FAILED, Rung.EXPIRED}


def is_failure(step: Step) -> bool:
    """Whether the delivery failed. A delivery that a person ended by a key or a No has not failed."""
    return step.rung in BAD_RUNGS and not is_ordered_end(step)


def is_ordered_end(step: Step) -> bool:
    return cause_of(step.rung, step.reason) in (EndCause.INTERRUPTED, EndCause.REFUSED)


def receipt_text(step: Step) -> str:
    words = _TEXT_BY_RUNG[step.rung]
    if is_ordered_end(step):
        return step.reason
    if step.reason and step.rung in (Rung.HELD, Rung.SUBMITTED, Rung.FAILED, Rung.CANCELLED):
        return f"{words} because {step.reason}" if step.rung is Rung.HELD else f"{words}: {step.reason}"
    return words


def brief_receipt_text(step: Step) -> str:
    """The step for a row about many members: `held: busy`."""
    return f"held: {step.reason}" if step.rung is Rung.HELD and step.reason else receipt_text(step)


def receipt_steps(steps: Sequence[Step]) -> list[Step]:
    """The steps that a person tells apart: of several in a row that read the same, the first."""
    return [step for at, step in enumerate(steps) if at == 0 or receipt_text(step) != receipt_text(steps[at - 1])]
