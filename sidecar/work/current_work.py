"""Keeps what the agent is at between two reports. Pure: activities, tool calls, tokens and dates in, `Work` out."""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple

from gateway.protocol.text.printable_text import shorten_line
from gateway.protocol.types.agent_work import (
    MAX_FILE_WRITES,
    MAX_TOKENS,
    MAX_TOOL_CHARS,
    MAX_WORK_TEXT_CHARS,
    UnseenResult,
    Work,
)
from gateway.protocol.types.core_types import Activity
from sidecar.evidence.turn_evidence import ToolUse
from sidecar.work.shown_paths import PlacedFile

WORKING = (Activity.BUSY, Activity.ASKING)
_RESTING = (Activity.IDLE, Activity.ERROR, Activity.GONE)


class WrittenPath(NamedTuple):
    """A file as the agent names it, and the folder in which it worked then."""

    folder: PurePath
    path: str


class CurrentWork:
    """A turn begins when the agent starts to work, and ends when it rests. A screen that is not understood for a moment
    changes nothing."""

    def __init__(self, day: str = "", day_tokens: int = 0) -> None:
        self.day, self.day_tokens = day, day_tokens
        self.use: ToolUse | None = None
        self.turn_tokens = 0
        self.works = False
        self.unseen = UnseenResult.NOTHING
        self._is_watched, self._has_answered = False, False
        self._written: dict[WrittenPath, None] = {}

    def activity(self, activity: Activity) -> bool:
        """Returns whether a turn has begun or ended."""
        if activity in WORKING and not self.works:
            self.works, self.use, self.turn_tokens = True, None, 0
            self.unseen, self._has_answered = UnseenResult.NOTHING, False
            return True
        if activity in _RESTING and self.works:
            self.works, self.use = False, None
            result = UnseenResult.ROOM if self._has_answered else UnseenResult.TERMINAL
            self.unseen = UnseenResult.NOTHING if self._is_watched else result
            return True
        return False

    def answered(self) -> bool:
        """The answer of this turn, or of the one that has just ended, goes to the room. Returns whether that changes
        anything."""
        self._has_answered = True
        was_hidden = self.unseen is UnseenResult.TERMINAL
        self.unseen = UnseenResult.ROOM if was_hidden else self.unseen
        return was_hidden

    def looked(self) -> bool:
        """A person is at the terminal. Returns whether there was something that nobody had seen."""
        seen, self.unseen = self.unseen is not UnseenResult.NOTHING, UnseenResult.NOTHING
        return seen

    def watched(self, on: bool) -> bool:
        """Somebody watches the terminal from elsewhere, or nobody does any more."""
        self._is_watched = on
        return self.looked() if on else False

    def used(self, use: ToolUse, folder: PurePath) -> None:
        """A call that ends a moment after its turn has ended tells nothing of what the agent does now. `folder` is
        where the agent works."""
        if not use.ended:
            self.use = use
        if use.written:
            self._written |= {WrittenPath(folder, path): None for path in use.paths}
            for oldest in list(self._written)[:-MAX_FILE_WRITES]:
                del self._written[oldest]

    def take_written(self) -> tuple[WrittenPath, ...]:
        """The files that it has written since the last call."""
        written, self._written = tuple(self._written), {}
        return written

    def count_tokens(self, tokens: int, today: str) -> None:
        if today != self.day:
            self.day, self.day_tokens = today, 0
        self.turn_tokens = min(self.turn_tokens + tokens, MAX_TOKENS)
        self.day_tokens = min(self.day_tokens + tokens, MAX_TOKENS)

    def work(self, today: str, folder: str, branch: str, file: PlacedFile | None) -> Work:
        """`file` is that of the current call. What the agent and its repository write is made safe to print."""
        return Work(
            folder=shorten_line(folder, MAX_WORK_TEXT_CHARS),
            branch=shorten_line(branch, MAX_WORK_TEXT_CHARS),
            tool=shorten_line(self.use.tool, MAX_TOOL_CHARS) if self.use else "",
            file=file.shown if file and self.use else "",
            turn_tokens=self.turn_tokens,
            day_tokens=self.day_tokens if today == self.day else 0,
        )
