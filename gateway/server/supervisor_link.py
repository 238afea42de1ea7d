"""The gateway's end of its supervisor, if it has one: what it is told, and that it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.server.supervisor import DIED, LEASH, LISTENING

FEW = 3
EVERY = 10


@dataclass(frozen=True)
class Death:
    """How the gateway ended before this life, how many times it did in the last ten minutes, and when."""

    how: str
    times: int
    at: float

    def told(self, now: float) -> str:
        """What is said of it in the chat; nothing each time if it comes again and again."""
        if self.times > FEW and self.times % EVERY:
            return ""
        often = f" That was {self.times} times within ten minutes; its log says more." if self.times > 1 else ""
        return (
            f"The gateway ended unexpectedly ({self.how}) and is back after {now - self.at:.1f} s. "
            f"Nothing that was accepted is lost.{often}"
        )


class Leash:
    def __init__(self, end: socket.socket | None = None, death: Death | None = None) -> None:
        self._end, self.death = end, death

    def listening(self, port: int) -> None:
        if self._end is not None:
            with contextlib.suppress(OSError):
                self._end.sendall(f"{LISTENING} {port}\n".encode())

    @contextlib.contextmanager
    def watched(self, gone: Callable[[], None]) -> Iterator[None]:
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


NO_LEASH = Leash()


def leash_in(env: Mapping[str, str]) -> Leash:
    """The one that our own parent gave us; one that a grandparent left in the environment is not ours."""
    fd, _, parent = env.get(LEASH, "").partition(":")
    if not fd.isdecimal() or parent != str(os.getppid()):
        return Leash()
    end = socket.socket(fileno=int(fd))
    end.set_inheritable(False)
    return Leash(end, death_in(env.get(DIED, "")))


def death_in(text: str) -> Death | None:
    at, _, rest = text.partition(" ")
    times, _, how = rest.partition(" ")
    return Death(how, int(times), float(at)) if how else None


def seconds() -> float:
    """The clock that supervisor and gateway share."""
    return time.monotonic()
