"""The person's own terminal: raw while we run, always restored, and written to without blocking."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import struct
import termios
import tty
from collections.abc import Callable, Iterator, Mapping
from typing import Self

HEADLESS_SIZE = (100, 30)
RESUME_BELOW_BYTES = 1 << 16
_RETRY_ERRORS = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR)


def window_size(fd: int) -> tuple[int, int] | None:
    """Columns and rows, if `fd` is a terminal that reports them."""
    try:
        rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8))
    except OSError:
        return None
    return (columns, rows) if columns and rows else None


def headless_size(env: Mapping[str, str]) -> tuple[int, int]:
    columns, rows = env.get("COLUMNS", ""), env.get("LINES", "")
    if columns.isdecimal() and rows.isdecimal() and int(columns) and int(rows):
        return int(columns), int(rows)
    return HEADLESS_SIZE


class RawMode:
    """Raw while the block runs. The earlier settings are restored on every way out."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._before = termios.tcgetattr(fd)

    def __enter__(self) -> Self:
        tty.setraw(self._fd, termios.TCSANOW)
        return self

    def __exit__(self, *_: object) -> None:
        self._back(termios.TCSADRAIN)

    @contextlib.contextmanager
    def restored_afterwards(self) -> Iterator[None]:
        self._back(termios.TCSANOW)
        try:
            yield
        finally:
            with contextlib.suppress(termios.error):
                tty.setraw(self._fd, termios.TCSANOW)

    def _back(self, when: int) -> None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._fd, when, self._before)


@contextlib.contextmanager
def reopen_terminal(fd: int) -> Iterator[int]:
    """A second open file description of the same terminal, so that making it non-blocking affects nobody else."""
    anew = os.open(os.ttyname(fd), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        yield anew
    finally:
        os.close(anew)


class TerminalOutput:
    """Writes in order to a non-blocking descriptor and keeps what it does not accept yet. `has_room` is called when
    little of that is left."""

    def __init__(self, fd: int, loop: asyncio.AbstractEventLoop, has_room: Callable[[], None] | None = None) -> None:
        self._fd, self._loop = fd, loop
        self._has_room = has_room
        self._waiting = bytearray()
        self._watched = False
        self.broken = False

    @property
    def pending(self) -> int:
        return len(self._waiting)

    def write(self, data: bytes) -> None:
        if self.broken:
            return
        written = 0 if self._waiting else self._try(data)
        if written < len(data) and not self.broken:
            self._waiting += memoryview(data)[written:]
            if not self._watched:
                self._watched = True
                self._loop.add_writer(self._fd, self._flush)

    def _try(self, data: bytes | memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except OSError as error:
            self.broken = error.errno not in _RETRY_ERRORS
            return 0

    def _flush(self) -> None:
        with memoryview(self._waiting)[:RESUME_BELOW_BYTES] as view:
            written = self._try(view)
        del self._waiting[:written]
        if self.broken:
            self._waiting.clear()
        if not self._waiting:
            self.close()
        if self._has_room and len(self._waiting) <= RESUME_BELOW_BYTES:
            self._has_room()

    async def wait_until_drained(self, patience: float) -> None:
        """Returns when the terminal has accepted everything, or never will."""
        until = self._loop.time() + patience
        while self._waiting and not self.broken and self._loop.time() < until:
            await asyncio.sleep(0.005)

    def close(self) -> None:
        if self._watched:
            self._watched = False
            self._loop.remove_writer(self._fd)
