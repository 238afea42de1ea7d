"""Takes a snapshot every so often while the gateway runs, and keeps the newest ones.

The work is done in a thread of its own with a low priority. A failure is logged, and the next one is tried in its turn.
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
from gateway.protocol.types.timestamps import seconds_from_iso
from gateway.snapshots.manifest import Manifest
from gateway.snapshots.snapshot_folder import is_of_log, list_snapshots, read_manifest, remove_outdated
from gateway.snapshots.taking import SnapshotWish, take_snapshot
from gateway.store.sqlite_copy import describe_database

log = structlog.get_logger("gateway.snapshots.schedule")

FOLDER_NOTE = "snapshots-folder"  # where `groupchat snapshot` looks when no folder is named
LOW_PRIORITY = 10
LEAST_DELAY_S = 1.0


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

    async def run(self) -> None:
        while True:
            await asyncio.sleep(max(LEAST_DELAY_S, self._seconds_until_next()))
            await self.take()

    async def take(self) -> Path | None:
        """Take one now and remove those that are too many. None if that failed."""
        began = time.monotonic()
        try:
            path = await asyncio.get_running_loop().run_in_executor(self._thread, self._take_and_tidy)
        except SnapshotStopped:
            return None
        except (GroupChatError, OSError) as error:
            log.error("! no snapshot could be taken", folder=str(self._plan.folder), error=str(error))
            return None
        log.info("= took a snapshot", path=str(path), seconds=round(time.monotonic() - began, 1))
        return path

    def _take_and_tidy(self) -> Path:
        path = take_snapshot(self._wish(), self._wall(), self._check_stopping, self._rest)
        self._store_id = read_manifest(path).store_id
        remove_outdated(self._plan.folder, self._plan.keep, self._store_id)
        return path

    def _check_stopping(self, done: int, total: int) -> None:
        if self._stopping.is_set():
            raise SnapshotStopped

    def _rest(self, seconds: float) -> None:
        self._stopping.wait(seconds)

    def _seconds_until_next(self) -> float:
        """Counted from the newest snapshot of this log in the folder, so that a restart neither skips nor repeats
        one."""
        found = [one for _, one in list_snapshots(self._plan.folder) if isinstance(one, Manifest)]
        made = [seconds_from_iso(one.made) for one in found if is_of_log(one, self._own_log())]
        newest = max((one for one in made if one <= self._wall()), default=0.0)
        return newest + self._plan.every_s - self._wall()

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
async def scheduled_snapshots(plan: SnapshotPlan, wish: Callable[[], SnapshotWish]) -> AsyncIterator[None]:
    """For as long as the block runs."""
    write_private(wish().state / FOLDER_NOTE, f"{plan.folder.absolute()}\n")
    schedule = SnapshotSchedule(plan, wish)
    task = spawn(schedule.run(), "snapshots")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.get_running_loop().run_in_executor(None, schedule.close)


def _lower_priority() -> None:
    """On Linux a priority belongs to a thread; elsewhere this changes nothing."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOW_PRIORITY)
