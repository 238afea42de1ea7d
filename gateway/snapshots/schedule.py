"""Takes a snapshot every so often while the gateway runs, and keeps the newest ones.

The work is done in a thread of its own with a low priority. A failure is logged and told to whoever asks how the
snapshots stand; then it is tried again soon.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.files.private_files import write_private
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError
from gateway.protocol.results import SnapshotStanding
from gateway.protocol.types.timestamps import iso_from_seconds, seconds_from_iso
from gateway.snapshots.manifest import Manifest
from gateway.snapshots.snapshot_folder import is_of_log, list_snapshots, read_manifest, remove_outdated
from gateway.snapshots.taking import SnapshotWish, take_snapshot
from gateway.store.sqlite_copy import describe_database

log = structlog.get_logger("gateway.snapshots.schedule")

FOLDER_NOTE = "snapshots-folder"  # where `groupchat snapshot` looks when no folder is named
LOW_PRIORITY = 10
LEAST_DELAY_S = 1.0
RETRY_DELAY_S = 300.0  # a copy of a large log is work; a full disk is not mended within a second


@dataclass(frozen=True)
class SnapshotPlan:
    folder: Path
    every_s: float
    keep: int


class SnapshotStopped(Exception):
    """The gateway ends; the snapshot that was being taken is given up."""


class SnapshotSchedule:
    """`wish` says what to copy, at the time when it is copied."""

    def __init__(self, plan: SnapshotPlan, wish: Callable[[], SnapshotWish], wall: Callable[[], float] = time.time):
        self._plan, self._wish, self._wall = plan, wish, wall
        self._thread = ThreadPoolExecutor(1, "snapshot", initializer=_lower_priority)
        self._stopping = threading.Event()
        self._store_id = ""
        self._newest, self._began = 0.0, 0.0  # 0: there is none, none is being taken
        self._failures, self._last_failure = 0, ""

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._seconds_to_wait())
            await self.take()

    def standing(self) -> SnapshotStanding:
        now = self._wall()
        return SnapshotStanding(
            every=self._plan.every_s,
            newest=iso_from_seconds(self._newest) if self._newest else "",
            age=max(0.0, round(now - self._newest, 3)) if self._newest else None,
            taking_for=max(0.001, round(now - self._began, 3)) if self._began else 0.0,
            failures=self._failures,
            last_failure=self._last_failure,
        )

    async def take(self) -> Path | None:
        """Take one now and remove those that are too many. None if that failed."""
        began, self._began = time.monotonic(), self._wall()
        try:
            path = await asyncio.get_running_loop().run_in_executor(self._thread, self._take_and_tidy)
        except SnapshotStopped:
            return None
        except (GroupChatError, OSError) as error:
            log.error("! no snapshot could be taken", folder=str(self._plan.folder), error=str(error))
            self._failures, self._last_failure = self._failures + 1, str(error)
            return None
        finally:
            self._began = 0.0
        self._last_failure = ""
        log.info("= took a snapshot", path=str(path), seconds=round(time.monotonic() - began, 1))
        return path

    def _take_and_tidy(self) -> Path:
        now = self._wall()
        path = take_snapshot(self._wish(), now, self._check_stopping, self._rest)
        self._newest, self._store_id = now, read_manifest(path).store_id
        remove_outdated(self._plan.folder, self._plan.keep, self._store_id)
        return path

    def _check_stopping(self, done: int, total: int) -> None:
        if self._stopping.is_set():
            raise SnapshotStopped

    def _rest(self, seconds: float) -> None:
        self._stopping.wait(seconds)

    def _seconds_to_wait(self) -> float:
        if self._last_failure:
            return min(self._plan.every_s, RETRY_DELAY_S)
        return max(LEAST_DELAY_S, self._seconds_until_next())

    def _seconds_until_next(self) -> float:
        """Counted from the newest snapshot of this log in the folder, so that a restart neither skips nor repeats
        one."""
        made: list[float] = []
        with contextlib.suppress(OSError):  # the folder cannot be read: taking one says why
            found = [one for _, one in list_snapshots(self._plan.folder) if isinstance(one, Manifest)]
            made = [seconds_from_iso(one.made) for one in found if is_of_log(one, self._own_log())]
        self._newest = max((one for one in made if one <= self._wall()), default=0.0)
        return self._newest + self._plan.every_s - self._wall()

    def _own_log(self) -> str:
        """The id of the log; empty while it cannot be read, and then the first snapshot is due."""
        if not self._store_id:
            with contextlib.suppress(GroupChatError, OSError):
                wish = self._wish()
                self._store_id = wish.store_id or describe_database(wish.database).store_id
        return self._store_id

    def close(self) -> None:
        self._stopping.set()
        self._thread.shutdown(wait=True)


@asynccontextmanager
async def scheduled_snapshots(plan: SnapshotPlan, wish: Callable[[], SnapshotWish]) -> AsyncIterator[SnapshotSchedule]:
    """For as long as the block runs."""
    write_private(wish().state / FOLDER_NOTE, f"{plan.folder.absolute()}\n")
    schedule = SnapshotSchedule(plan, wish)
    task = spawn(schedule.run(), "snapshots")
    try:
        yield schedule
    finally:
        task.cancel()
        await asyncio.get_running_loop().run_in_executor(None, schedule.close)


def _lower_priority() -> None:
    """On Linux a priority belongs to a thread; elsewhere this changes nothing."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOW_PRIORITY)
