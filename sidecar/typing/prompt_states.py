"""What the terminal holds of a prompt: its states, and every transition in one table. Pure.

A prompt is what goes in at once: one message or several, as one text. Each message has its rung, which the room sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path


class State(Enum):
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


class Event(Enum):
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


NEXT: Mapping[State, Mapping[Event, State]] = {
    State.WAITING: {Event.BEGIN: State.TYPING},
    State.TYPING: {Event.PASTE: State.PASTED, Event.ENTER: State.SUBMITTED, Event.STOP: State.WAITING},
    # It stays so while the writer tries again: what was pasted is not taken out of the composer by us.
    State.PASTED: {Event.ENTER: State.SUBMITTED, Event.PROVE: State.PROVEN, Event.DROP: State.ABANDONED},
    State.ABANDONED: {Event.REACT: State.OVER},
    State.SUBMITTED: {Event.PROVE: State.PROVEN, Event.END: State.OVER},
    State.PROVEN: {Event.END: State.OVER},
    State.OVER: {},
}


@dataclass(frozen=True)
class Prompt:
    """`files` are those that the text names. `at`: when it was last pasted or submitted; `enters`: how often Enter was
    pressed; `queued_inside`: the agent was at work when it was pasted, and keeps it for another turn."""

    numbers: tuple[int, ...]
    text: str
    files: Mapping[Path, str] = field(default_factory=dict)
    state: State = State.WAITING
    at: float = 0.0
    enters: int = 0
    queued_inside: bool = False

    def after(self, event: Event, now: float = 0.0) -> Prompt:
        """An event that the table does not name for this state changes nothing of it."""
        state = NEXT[self.state].get(event, self.state)
        at = now if event in (Event.PASTE, Event.ENTER) else self.at
        return replace(self, state=state, at=at, enters=self.enters + (event is Event.ENTER))
