"""Decides whether to clear a prompt that the agent put back into its composer. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from gateway.protocol.types.core_types import Composer
from sidecar.activity.activity_verdict import CALM_ACTIVITIES
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.messages.envelope import is_same_text

COMES_WITHIN_S = 1.0
TURN_ENDS_WITHIN_S = 10.0  # a loaded machine takes seconds from the key to the end of the turn
MAX_ROWS = 100


@dataclass(frozen=True)
class ReturnedPrompt:
    """A prompt that the agent may put back into its composer, where nobody wants it: our hook refused it, or its turn
    was ended before the agent answered. `rows`: how many of its rows were cleared. `calm_at`: when the agent was first
    seen at rest since."""

    text: str
    at: float
    rows: int = 0
    calm_at: float | None = None

    def seen(self, moment: AgentSnapshot, now: float) -> ReturnedPrompt:
        if self.calm_at is None and moment.verdict.activity in CALM_ACTIVITIES:
            return replace(self, calm_at=now)
        return self

    def is_shown(self, moment: AgentSnapshot) -> bool:
        return self.rows > 0 or is_same_text(moment.reading.text, self.text)


class ReturnedPromptAction(Enum):
    """What to do next about a returned prompt."""

    LATER = "later"
    FORGET = "forget"
    TAKE_OUT_ROW = "take out a row"


def clearing(returned: ReturnedPrompt, moment: AgentSnapshot, since_key: float, now: float) -> ReturnedPromptAction:
    """Clear it row by row, if the composer holds nothing else and nobody types. The agent puts it back when its turn
    has ended, which can be some time after the key."""
    if now - returned.at < COMES_WITHIN_S:
        return ReturnedPromptAction.LATER
    if since_key < now - returned.at or returned.rows > MAX_ROWS:
        return ReturnedPromptAction.FORGET
    if moment.verdict.activity not in CALM_ACTIVITIES:
        works_on = now - returned.at >= TURN_ENDS_WITHIN_S
        return ReturnedPromptAction.FORGET if works_on else ReturnedPromptAction.LATER
    if returned.is_shown(moment) and moment.verdict.composer is Composer.DRAFT:
        return ReturnedPromptAction.TAKE_OUT_ROW
    may_come = returned.rows == 0 and returned.calm_at is not None and now - returned.calm_at < COMES_WITHIN_S
    return ReturnedPromptAction.LATER if may_come else ReturnedPromptAction.FORGET
