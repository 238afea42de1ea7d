"""The socket between a process and the supervisor that started it: what the supervisor is told, and that it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator


class SupervisorSocket:
    """Our end of it. Without a supervisor there is none, and nobody is told anything."""

    def __init__(self, end: socket.socket | None = None) -> None:
        self._end = end

    def tell(self, line: str) -> None:
        """A supervisor that is gone is told nothing; that it is gone is seen by `watch_supervisor`."""
        if self._end is not None:
            with contextlib.suppress(OSError):
                self._end.sendall(f"{line}\n".encode())

    @contextlib.contextmanager
    def watch_supervisor(self, gone: Callable[[], None]) -> Iterator[None]:
        """`gone` when the supervisor is, as long as the block runs."""
        if self._end is None:
            yield
            return
        loop, fd = asyncio.get_running_loop(), self._end.fileno()

        def readable() -> None:
            loop.remove_reader(fd)
            gone()

        loop.add_reader(fd, readable)
        try:
            yield
        finally:
            loop.remove_reader(fd)


def inherited_socket(place: str) -> socket.socket | None:
    """`FD:PARENT` as a supervisor leaves it in the environment, if that is our own parent. A grandparent's is not ours:
    its number may stand for something else here."""
    fd, _, parent = place.partition(":")
    if not fd.isdecimal() or parent != str(os.getppid()):
        return None
    end = socket.socket(fileno=int(fd))
    end.set_inheritable(False)
    return end
