"""Agents of a team start one after another, so that a machine with many of them lives.

The turn is a locked file in the state folder. Whoever has it gives it back when its agent has shown something that was
recognised, when it has ended, or after a bound; a killed process loses it by itself.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from gateway.files.private_files import open_private
from gateway.protocol.types.core_types import Activity

TURN_FILE = "starting.lock"
MAX_TURN_S = 15.0
RETRY_DELAY_S = 0.05
TELL_AFTER_S = 0.5
NOT_STARTED_ACTIVITIES = (Activity.STARTING, Activity.UNKNOWN)
log = structlog.get_logger("sidecar")


class Turn(Protocol):
    def give_back(self) -> None: ...


class StartTurn:
    """`say` is told once whom the agent waits for."""

    def __init__(self, state: Path, name: str, say: Callable[[str], None], bound_s: float = MAX_TURN_S) -> None:
        self._path, self._name, self._say, self._bound = state / TURN_FILE, name, say, bound_s
        self._fd = -1
        self._timer: asyncio.TimerHandle | None = None

    async def take(self) -> None:
        """Wait for the turn. A process that keeps it for longer than the bound is frozen, and is not waited for."""
        loop = asyncio.get_running_loop()
        began, holder, holder_since, is_told = loop.time(), "", loop.time(), False
        fd = open_private(self._path, os.O_RDWR | os.O_CREAT)
        while not _try_lock(fd):
            now, found = loop.time(), _read_holder(fd)
            if found != holder:
                holder, holder_since = found, now
            if now - holder_since > 2 * self._bound:
                log.warning("does not wait any longer for the agent that is starting", holder=holder)
                os.close(fd)
                return
            if not is_told and now - began > TELL_AFTER_S:
                is_told = True
                self._say(f"{self._name} starts when {holder or 'another agent'} has started")
            await asyncio.sleep(RETRY_DELAY_S)
        os.truncate(fd, 0)
        os.pwrite(fd, self._name.encode(), 0)
        self._fd, self._timer = fd, loop.call_later(self._bound, self.give_back)

    def observe(self, activity: Activity) -> None:
        """Called at each change of the agent's activity."""
        if activity not in NOT_STARTED_ACTIVITIES:
            self.give_back()

    def give_back(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_holder(fd: int) -> str:
    return os.pread(fd, 100, 0).decode(errors="replace")
