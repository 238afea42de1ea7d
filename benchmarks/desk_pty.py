"""Programs in terminals of their own: keys in, time until something is on the screen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.processes import clean_environment

PATIENCE = 30.0


class TooLate(AssertionError):
    pass


@dataclass
class Pty:
    """`seen` is what the program has printed since the last `forget`."""

    fd: int
    pid: int
    seen: bytes = field(default=b"", repr=False)

    def write(self, data: bytes) -> None:
        os.write(self.fd, data)

    def forget(self) -> None:
        self.drain(0)
        self.seen = b""

    def drain(self, seconds: float) -> None:
        ready, _, _ = select.select([self.fd], [], [], seconds)
        while ready:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return
            if not data:
                return
            self.seen += data
            ready, _, _ = select.select([self.fd], [], [], 0)

    def until(self, wanted: bytes, since: float) -> float:
        """Seconds from `since` until it is printed."""
        while wanted not in self.seen:
            if time.perf_counter() - since > PATIENCE:
                raise TooLate(f"{wanted!r} did not come; the last was {self.seen[-600:]!r}")
            self.drain(0.5)
        return time.perf_counter() - since


@contextmanager
def in_a_terminal(
    command: Sequence[str], env: dict[str, str] | None = None, columns: int = 160, lines: int = 40
) -> Iterator[Pty]:
    pid, fd = os.forkpty()
    if pid == 0:
        with contextlib.suppress(OSError):
            os.execvpe(command[0], list(command), {**clean_environment(), "TERM": "xterm-256color", **(env or {})})
        os._exit(127)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    try:
        yield Pty(fd, pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.close(fd)
        os.waitpid(pid, 0)
