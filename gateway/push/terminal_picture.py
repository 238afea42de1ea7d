"""What a watched terminal shows, and what each watcher has not been sent of it. Pure: time is an argument.

A watcher has no queue. It has a set of row numbers, and gets the rows as they are when its line has room for them; so
a slow watcher sees fewer pictures, and each one is fresh.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from gateway.protocol.events import TerminalPicture
from gateway.protocol.requests.agent_requests import ShowTerminal
from gateway.protocol.types.terminal_types import Cursor, ScreenRow

FRAME_INTERVAL_S = 0.1
CONFIRM_TIMEOUT_S = 5.0  # for a client that answers no ping


@dataclass(frozen=True)
class PictureChange:
    """`whole`: nothing of the picture before is left. Otherwise these rows changed; without rows, only the cursor."""

    whole: bool
    rows: frozenset[int] = frozenset()


@dataclass
class ScreenPicture:
    """The rows as the agent's sidecar has shown them. `columns` is 0 before the first whole picture."""

    columns: int = 0
    height: int = 0
    cursor: Cursor | None = None
    rows: dict[int, ScreenRow] = field(default_factory=dict)

    @property
    def is_shown(self) -> bool:
        return self.columns > 0

    def apply(self, shown: ShowTerminal) -> PictureChange | None:
        """Take over what changed. None if only a whole picture can follow."""
        if not shown.whole and (shown.columns, shown.rows) != (self.columns, self.height):
            return None
        if shown.whole:
            self.columns, self.height = shown.columns, shown.rows
            self.rows.clear()
        self.cursor = shown.cursor
        changed = {row.y: row for row in shown.changed if row.y < self.height}
        self.rows.update(changed)
        return PictureChange(shown.whole, frozenset(changed))

    def event(self, member: str, rows: Collection[int] | None) -> TerminalPicture:
        """The picture, or only these rows of it."""
        chosen = self.rows if rows is None else [y for y in rows if y in self.rows]
        changed = tuple(self.rows[y] for y in sorted(chosen))
        return TerminalPicture(member, self.columns, self.height, changed, self.cursor, whole=rows is None)


@dataclass
class WatcherDebt:
    """What one watcher is still to be sent."""

    whole: bool = True
    rows: set[int] = field(default_factory=set)
    due: bool = False

    def add(self, change: PictureChange) -> None:
        self.due = True
        if change.whole:
            self.begin_anew()
        elif not self.whole:
            self.rows |= change.rows

    def begin_anew(self) -> None:
        """The next picture for this watcher is a whole one."""
        self.whole = True
        self.rows.clear()

    def pay(self) -> frozenset[int] | None:
        """The rows to send now; None for all of them."""
        rows = None if self.whole else frozenset(self.rows)
        self.whole = self.due = False
        self.rows.clear()
        return rows


@dataclass
class WatcherPace:
    """When a watcher may get the next picture: a tenth of a second after the last one, and after it has confirmed that
    one by answering a ping. The answer comes through all that is in between, so nothing piles up there."""

    sent_at: float = float("-inf")
    unconfirmed: bytes = b""

    def next_at(self) -> float:
        return self.sent_at + (CONFIRM_TIMEOUT_S if self.unconfirmed else FRAME_INTERVAL_S)

    def sent(self, now: float, ping: bytes) -> None:
        self.sent_at, self.unconfirmed = now, ping

    def confirm(self, pong: bytes) -> bool:
        """Whether this is the answer to the ping behind the last picture."""
        if not self.unconfirmed or pong != self.unconfirmed:
            return False
        self.unconfirmed = b""
        return True
