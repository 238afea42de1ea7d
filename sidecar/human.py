"""The person at the terminal, or nobody."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from sidecar.tty import opened_anew, raw_mode, window_size


@dataclass(frozen=True)
class Human:
    """The two ends of a person's terminal; none of them when nobody is there."""

    keys: int | None = None
    screen: int | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        return window_size(self.screen) if self.screen is not None else None


@contextlib.contextmanager
def human_at(stdin: int, stdout: int) -> Iterator[Human]:
    """The terminal in raw mode, given back on every way out; without one there is nobody."""
    if not (os.isatty(stdin) and os.isatty(stdout)):
        yield Human()
        return
    sys.stdout.flush()
    with raw_mode(stdin), opened_anew(stdout) as screen:
        yield Human(stdin, screen)
