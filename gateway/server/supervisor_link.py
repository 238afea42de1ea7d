"""The gateway's end of its supervisor, if it has one: what it is told, and that it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.server.supervisor import CRASHES_VARIABLE, LINK_VARIABLE, LISTENING_LINE

FEW_CRASHES = 3
TELL_EVERY_CRASHES = 10


@dataclass(frozen=True)
class LastCrash:
    """How the gateway ended before this life, how many times it did in the last ten minutes, and when."""

    how: str
    times: int
    at: float

    def text(self, now: float) -> str:
        """What is said of it in the chat; nothing each time if it comes again and again."""
        if self.times > FEW_CRASHES and self.times % TELL_EVERY_CRASHES:
            return ""
        often = f" That was {self.times} times within ten minutes; its log says more." if self.times > 1 else ""
        return (
            f"The gateway ended unexpectedly ({self.how}) and is back after {now - self.at:.1f} s. "
            f"Nothing that was accepted is lost.{often}"
        )


class GatewaySupervisorLink:
    def __init__(self, end: socket.socket | None = None, death: LastCrash | None = None) -> None:
        self._end, self.death = end, death

    def report_listening(self, port: int) -> None:
        if self._end is not None:
            with contextlib.suppress(OSError):
                self._end.sendall(f"{LISTENING_LINE} {port}\n".encode())

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


NO_SUPERVISOR = GatewaySupervisorLink()


def gateway_link_from(env: Mapping[str, str]) -> GatewaySupervisorLink:
    """The one that our own parent gave us; one that a grandparent left in the environment is not ours."""
    fd, _, parent = env.get(LINK_VARIABLE, "").partition(":")
    if not fd.isdecimal() or parent != str(os.getppid()):
        return GatewaySupervisorLink()
    end = socket.socket(fileno=int(fd))
    end.set_inheritable(False)
    return GatewaySupervisorLink(end, parse_last_crash(env.get(CRASHES_VARIABLE, "")))


def parse_last_crash(text: str) -> LastCrash | None:
    at, _, rest = text.partition(" ")
    times, _, how = rest.partition(" ")
    return LastCrash(how, int(times), float(at)) if how else None


def monotonic_now() -> float:
    """The clock that supervisor and gateway share."""
    return time.monotonic()
