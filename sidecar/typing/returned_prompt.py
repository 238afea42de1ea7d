"""Decides whether to clear a prompt that the agent put back into its composer. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.protocol.types import Composer
from sidecar.activity.activity import CALM_ACTIVITIES
from sidecar.activity.observer import AgentSnapshot
from sidecar.messages.envelope import is_same_text

COMES_WITHIN_S = 1.0
MAX_ROWS = 100


@dataclass(frozen=True)
class ReturnedPrompt:
    """A prompt that the agent may put back into its composer, where nobody wants it: our hook refused it, or its turn
    was ended before the agent answered. `rows`: how many of its rows were cleared."""

    text: str
    at: float
    rows: int = 0

    def is_shown(self, moment: AgentSnapshot) -> bool:
        return self.rows > 0 or is_same_text(moment.reading.text, self.text)


class ReturnedPromptAction(Enum):
    """What to do next about a returned prompt."""

    LATER = "later"
    FORGET = "forget"
    TAKE_OUT_ROW = "take out a row"


def clearing(returned: ReturnedPrompt, moment: AgentSnapshot, since_key: float, now: float) -> ReturnedPromptAction:
    """Clear it row by row, if the composer holds nothing else and nobody types."""
    if now - returned.at < COMES_WITHIN_S:
        return ReturnedPromptAction.LATER
    stands = returned.is_shown(moment) and moment.verdict.composer is Composer.DRAFT
    if since_key < now - returned.at or not stands or returned.rows > MAX_ROWS:
        return ReturnedPromptAction.FORGET
    return (
        ReturnedPromptAction.TAKE_OUT_ROW if moment.verdict.activity in CALM_ACTIVITIES else ReturnedPromptAction.LATER
    )
