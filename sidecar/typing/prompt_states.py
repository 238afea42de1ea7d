"""What the terminal holds of a prompt: its states, and every transition in one table. Pure.

A prompt is what goes in at once: one message or several, as one text. Each message has its rung, which the room sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path


class PromptState(Enum):
    """What the terminal holds of a prompt.

    WAITING: nothing. TYPING: the writer has it, and nothing is pasted yet; a draft may have been put away for it.
    PASTED: its text is on its way into the composer or stands there, and Enter was not pressed. ABANDONED: it was
    pasted, and none of its messages waits any more; it may still come up in the composer. SUBMITTED: Enter was pressed,
    and nothing proves that the agent took it. PROVEN: a hook or the transcript does. OVER: nothing more becomes of it.
    """

    WAITING = "waiting"
    TYPING = "typing"
    PASTED = "pasted"
    ABANDONED = "abandoned"
    SUBMITTED = "submitted"
    PROVEN = "proven"
    OVER = "over"


class PromptEvent(Enum):
    """BEGIN: the writer takes it, and the journal has it. PASTE: its bytes are on their way. ENTER: the submit key is,
    once or again. STOP: the writer ends before Enter. DROP: none of its messages waits any more. REACT: the agent has
    shown something since the paste. PROVE: a hook or the transcript tells of it. END: its messages are answered or
    failed."""

    BEGIN = "begin"
    PASTE = "paste"
    ENTER = "enter"
    STOP = "stop"
    DROP = "drop"
    REACT = "react"
    PROVE = "prove"
    END = "end"


NEXT: Mapping[PromptState, Mapping[PromptEvent, PromptState]] = {
    PromptState.WAITING: {PromptEvent.BEGIN: PromptState.TYPING},
    PromptState.TYPING: {
        PromptEvent.PASTE: PromptState.PASTED,
        PromptEvent.ENTER: PromptState.SUBMITTED,
        PromptEvent.STOP: PromptState.WAITING,
    },
    # It stays so while the writer tries again: what was pasted is not taken out of the composer by us.
    PromptState.PASTED: {
        PromptEvent.ENTER: PromptState.SUBMITTED,
        PromptEvent.PROVE: PromptState.PROVEN,
        PromptEvent.DROP: PromptState.ABANDONED,
    },
    PromptState.ABANDONED: {PromptEvent.REACT: PromptState.OVER},
    PromptState.SUBMITTED: {PromptEvent.PROVE: PromptState.PROVEN, PromptEvent.END: PromptState.OVER},
    PromptState.PROVEN: {PromptEvent.END: PromptState.OVER},
    PromptState.OVER: {},
}


@dataclass(frozen=True)
class AgentPrompt:
    """`files` are those that the text names. `at`: when it was last pasted or submitted; `enters`: how often Enter was
    pressed; `queued_inside`: the agent was at work when it was pasted, and keeps it for another turn."""

    numbers: tuple[int, ...]
    text: str
    files: Mapping[Path, str] = field(default_factory=dict)
    state: PromptState = PromptState.WAITING
    at: float = 0.0
    enters: int = 0
    queued_inside: bool = False

    def after(self, event: PromptEvent, now: float = 0.0) -> AgentPrompt:
        """An event that the table does not name for this state changes nothing of it."""
        state = NEXT[self.state].get(event, self.state)
        at = now if event in (PromptEvent.PASTE, PromptEvent.ENTER) else self.at
        return replace(self, state=state, at=at, enters=self.enters + (event is PromptEvent.ENTER))
