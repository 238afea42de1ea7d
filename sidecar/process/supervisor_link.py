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
from sidecar.process.supervisor import AFRESH, CONVERSATION_VARIABLE, DIED, ENDED, LINK_VARIABLE, ORDERED, REFUSED


class SidecarSupervisorLink:
    """What the supervisor is told before we end; `go_on` is what it wants done with the agent's conversation."""

    def __init__(self, end: socket.socket | None = None, go_on: str = "") -> None:
        self._end, self.go_on = end, go_on

    def report_exit(self, status: int) -> None:
        """The agent, with this exit status."""
        self._tell(f"{ENDED} {status}")

    def report_crash(self, status: int) -> None:
        """The agent, by a crash."""
        self._tell(f"{DIED} {status}")

    def report_refusal(self) -> None:
        """A sentence on the screen says why; trying again would not help."""
        self._tell(REFUSED)

    def report_fresh_conversation(self) -> None:
        """The agent did not take up its earlier conversation."""
        self._tell(AFRESH)

    def report_restart_order(self) -> None:
        """Somebody wants the agent to be started again, whatever the policy says."""
        self._tell(ORDERED)

    def _tell(self, word: str) -> None:
        if self._end is not None:
            with contextlib.suppress(OSError):
                self._end.sendall(f"{word}\n".encode())

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


def signal_hang_up() -> None:
    """As if our terminal were gone."""
    os.kill(os.getpid(), signal.SIGHUP)


def sidecar_link_from(env: Mapping[str, str]) -> SidecarSupervisorLink | None:
    """The one that our own parent gave us; one that a grandparent left in the environment is not ours."""
    fd, _, parent = env.get(LINK_VARIABLE, "").partition(":")
    if not fd.isdecimal() or parent != str(os.getppid()):
        return None
    end = socket.socket(fileno=int(fd))
    end.set_inheritable(False)
    return SidecarSupervisorLink(end, env.get(CONVERSATION_VARIABLE, ""))


def fork_under_supervisor(name: str, folder: Path, policy: str, again: Sequence[str]) -> SidecarSupervisorLink:
    """Returns in a child that is the first sidecar; this process becomes its supervisor. A fork, because starting a
    second interpreter would make everybody wait for the same imports twice."""
    ours, theirs = socket.socketpair()
    signal.pthread_sigmask(signal.SIG_BLOCK, supervisor.STOP_SIGNALS)
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, supervisor.STOP_SIGNALS)
        ours.close()
        return SidecarSupervisorLink(theirs)
    theirs.close()
    ours.set_inheritable(True)
    file = str(Path(supervisor.__file__).resolve())
    own = (name, str(folder), policy, str(pid), str(ours.fileno()), "--")
    os.execv(sys.executable, [sys.executable, "-I", "-S", file, *own, *again])
