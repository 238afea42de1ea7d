"""A bar for long work: how much is done, how fast, and the time left. It appears on a terminal and nowhere else.

    with progress_bar("export", "events", total=count) as bar:
        for page in pages:
            bar.advance(len(page))

The bar lies on stderr and is wiped at the end, also after Ctrl-C. Where the output goes to a file or another program,
or is JSON, there is none: the same calls then do nothing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.console.progress_row import Progress, progress_row
from gateway.console.standard_streams import write_output

REDRAW_INTERVAL_S = 0.1
DEFAULT_COLUMNS = 80
TO_LINE_START, CLEAR_LINE = "\r", "\r\x1b[K"

Write = Callable[[str], None]


class ProgressBar:
    """`done` and `total` are counted in `unit`; `bytes` are shown as MB. Without a total there is no bar and no time
    left, only the count and the rate."""

    def __init__(  # noqa: PLR0913 - its names, and three collaborators
        self,
        what: str,
        unit: str,
        total: int | None = None,
        *,
        write: Write | None = None,
        clock: Callable[[], float] = time.monotonic,
        columns: Callable[[], int] = lambda: DEFAULT_COLUMNS,
    ) -> None:
        self._what, self._unit, self._total = what, unit, total
        self._write, self._clock, self._columns = write, clock, columns
        self._done = self._begun_with = 0
        self._began = clock()
        self._drawn_at = -REDRAW_INTERVAL_S

    @property
    def done(self) -> int:
        return self._done

    @property
    def is_shown(self) -> bool:
        return self._write is not None

    def expect(self, total: int) -> None:
        """How much there is to do, where that is known only later."""
        self._total = total

    def resume_at(self, done: int) -> None:
        """So much was done before: it counts, but not for the rate."""
        self._done = self._begun_with = done

    def advance(self, count: int = 1) -> None:
        self.reach(self._done + count)

    def reach(self, done: int) -> None:
        self._done = done
        now = self._clock()
        if self._write is not None and now - self._drawn_at >= REDRAW_INTERVAL_S:
            self._drawn_at = now
            standing = Progress(self._done, self._total, self._done - self._begun_with, now - self._began)
            row = progress_row(self._what, self._unit, standing, self._columns() - 1)
            self._write(f"{CLEAR_LINE}{row}{TO_LINE_START}")

    def wipe(self) -> None:
        if self._write is not None and self._drawn_at >= 0:
            self._write(CLEAR_LINE)


@contextmanager
def progress_bar(what: str, unit: str, total: int | None = None, *, as_json: bool = False) -> Iterator[ProgressBar]:
    shown = not as_json and _is_watched()
    bar = ProgressBar(what, unit, total, write=_draw if shown else None, columns=_terminal_columns)
    try:
        yield bar
    finally:
        bar.wipe()


def _is_watched() -> bool:
    """Both must be a terminal: a bar beside `| less` would be drawn over its page."""
    try:
        return sys.stdout.isatty() and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:
        return False


def _terminal_columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or DEFAULT_COLUMNS
    except (OSError, ValueError):
        return DEFAULT_COLUMNS


def _draw(text: str) -> None:
    write_output(text, err=True, ends=False)
