"""The human's own terminal: raw while we run, given back on every way out, written to without ever blocking."""

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

HEADLESS_SIZE = (100, 30)
# Modes that a killed program may leave on: alternate screen, mouse, focus, pasting, keyboard, hidden cursor
GIVE_BACK = b"\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[<u\x1b[?25h\x1b[0m"
_RETRY = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR)


def window_size(fd: int) -> tuple[int, int] | None:
    """Columns and rows, if `fd` is a terminal that knows them."""
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


@contextlib.contextmanager
def raw_mode(fd: int) -> Iterator[None]:
    """Raw as long as the block runs; what the terminal was before, it is afterwards."""
    before = termios.tcgetattr(fd)
    tty.setraw(fd, termios.TCSANOW)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(fd, termios.TCSADRAIN, before)


@contextlib.contextmanager
def opened_anew(fd: int) -> Iterator[int]:
    """A description of the same terminal of our own: making it non-blocking changes nobody else's."""
    anew = os.open(os.ttyname(fd), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        yield anew
    finally:
        os.close(anew)


class Output:
    """Writes in order to a non-blocking descriptor and keeps what it will not take yet."""

    def __init__(self, fd: int, loop: asyncio.AbstractEventLoop, on_drained: Callable[[], None] | None = None) -> None:
        self._fd, self._loop = fd, loop
        self._on_drained = on_drained
        self._waiting = bytearray()
        self._watched = False
        self.broken = False

    @property
    def pending(self) -> int:
        return len(self._waiting)

    def write(self, data: bytes) -> None:
        if self.broken:
            return
        if self._waiting:
            self._waiting += data
            return
        written = self._try(data)
        if written < len(data) and not self.broken:
            self._waiting += data[written:]
            self._watched = True
            self._loop.add_writer(self._fd, self._flush)

    def _try(self, data: bytes | memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except OSError as error:
            if error.errno not in _RETRY:
                self.broken = True
                self.close()
            return 0

    def _flush(self) -> None:
        written = self._try(bytes(self._waiting[:65536]))
        del self._waiting[:written]
        if not self._waiting:
            self.close()
            if self._on_drained:
                self._on_drained()

    async def drained(self, patience: float) -> None:
        """Returns when the terminal has taken everything, or will not."""
        until = self._loop.time() + patience
        while self._waiting and not self.broken and self._loop.time() < until:
            await asyncio.sleep(0.005)

    def close(self) -> None:
        if self._watched:
            self._watched = False
            self._loop.remove_writer(self._fd)
        if self.broken:
            self._waiting.clear()
