"""The states of a prompt in the terminal, with all transitions in one table. Pure.

A prompt is what is typed at once: one or several messages as one text. Each message also has a delivery state, which
the room sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path


class PromptState(Enum):
    """How far a prompt is in the terminal.

    WAITING: nothing was typed. TYPING: the writer has it, but nothing is pasted yet; a draft may have been stashed for
    it. PASTED: its text is on its way into the composer or already there, and Enter was not pressed. ABANDONED: it was
    pasted, but none of its messages waits any more; it may still appear in the composer. SUBMITTED: Enter was pressed,
    but nothing proves that the agent accepted it. PROVEN: a hook or the transcript proves it. OVER: nothing more
    happens to it.
    """

    WAITING = "waiting"
    TYPING = "typing"
    PASTED = "pasted"
    ABANDONED = "abandoned"
    SUBMITTED = "submitted"
    PROVEN = "proven"
    OVER = "over"


class PromptEvent(Enum):
    """BEGIN: the writer takes the prompt, and the journal has recorded it. PASTE: its bytes are written. ENTER: the
    submit key is written, once or again. STOP: the writer ends before Enter. DROP: none of its messages waits any more.
    REACT: the agent has shown something since the paste. PROVE: a hook or the transcript proves it. END: its messages
    are answered or have failed."""

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
    # The state stays PASTED while the writer tries again, because we never take our text out of the composer.
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
    """`files` are the files that the text names. `at`: when it was last pasted or submitted. `enters`: how often Enter
    was pressed, and `empty_rows` how many empty rows the composer had beneath the text when it was pressed last.
    `queued_inside`: the agent was at work when it was pasted, and keeps it for a later turn."""

    numbers: tuple[int, ...]
    text: str
    files: Mapping[Path, str] = field(default_factory=dict)
    state: PromptState = PromptState.WAITING
    at: float = 0.0
    enters: int = 0
    empty_rows: int = 0
    queued_inside: bool = False

    def after(self, event: PromptEvent, now: float = 0.0) -> AgentPrompt:
        """The prompt after this event. An event that the table does not name for this state changes no state."""
        state = NEXT[self.state].get(event, self.state)
        at = now if event in (PromptEvent.PASTE, PromptEvent.ENTER) else self.at
        return replace(self, state=state, at=at, enters=self.enters + (event is PromptEvent.ENTER))
