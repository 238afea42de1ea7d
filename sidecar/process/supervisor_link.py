"""The sidecar's end of its supervisor, made at the first start by a fork, found in the environment at each later."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sidecar.process import supervisor
from sidecar.process.supervisor import AFRESH, DIED, ENDED, GO_ON, LEASH, ORDERED, REFUSED


class Leash:
    """What the supervisor is told before we end; `go_on` is what it wants done with the agent's conversation."""

    def __init__(self, end: socket.socket | None = None, go_on: str = "") -> None:
        self._end, self.go_on = end, go_on

    def ended(self, status: int) -> None:
        """The agent, with this exit status."""
        self._tell(f"{ENDED} {status}")

    def died(self, status: int) -> None:
        """The agent, by a crash."""
        self._tell(f"{DIED} {status}")

    def refused(self) -> None:
        """A sentence on the screen says why; trying again would not help."""
        self._tell(REFUSED)

    def afresh(self) -> None:
        """The agent did not take up its earlier conversation."""
        self._tell(AFRESH)

    def ordered(self) -> None:
        """Somebody wants the agent to be started again, whatever the policy says."""
        self._tell(ORDERED)

    def _tell(self, word: str) -> None:
        if self._end is not None:
            with contextlib.suppress(OSError):
                self._end.sendall(f"{word}\n".encode())

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


def hang_up() -> None:
    """As if our terminal were gone."""
    os.kill(os.getpid(), signal.SIGHUP)


def leash_in(env: Mapping[str, str]) -> Leash | None:
    """The one that our own parent gave us; one that a grandparent left in the environment is not ours."""
    fd, _, parent = env.get(LEASH, "").partition(":")
    if not fd.isdecimal() or parent != str(os.getppid()):
        return None
    end = socket.socket(fileno=int(fd))
    end.set_inheritable(False)
    return Leash(end, env.get(GO_ON, ""))


def supervised(name: str, folder: Path, policy: str, again: Sequence[str]) -> Leash:
    """Returns in a child that is the first sidecar; this process becomes its supervisor. A fork, because starting a
    second interpreter would make everybody wait for the same imports twice."""
    ours, theirs = socket.socketpair()
    signal.pthread_sigmask(signal.SIG_BLOCK, supervisor.STOPS)
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, supervisor.STOPS)
        ours.close()
        return Leash(theirs)
    theirs.close()
    ours.set_inheritable(True)
    file = str(Path(supervisor.__file__).resolve())
    own = (name, str(folder), policy, str(pid), str(ours.fileno()), "--")
    os.execv(sys.executable, [sys.executable, "-I", "-S", file, *own, *again])
