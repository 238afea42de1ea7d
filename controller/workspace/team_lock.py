"""A lock: one command at a time changes a team, so that none stops what another is starting."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.files.private_files import check_path_owners, open_private
from gateway.protocol.errors import Unavailable

LOCK_FILE = "workspace.lock"
LOCK_TIMEOUT_S = 60.0
CHECK_INTERVAL_S = 0.05


@asynccontextmanager
async def hold_team_lock(state: Path, within_s: float = LOCK_TIMEOUT_S) -> AsyncIterator[None]:
    """Held by the process, so the lock ends when the process is killed. Without a folder there is no team and no
    lock."""
    if not state.is_dir():
        yield
        return
    check_path_owners(state / LOCK_FILE)
    handle = open_private(state / LOCK_FILE, os.O_RDWR | os.O_CREAT)
    try:
        await _acquire_lock(handle, state, within_s)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


async def _acquire_lock(handle: int, state: Path, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
                raise Unavailable(
                    f"Another command (process {holder}) is starting or ending the team of {state}, and is not done "
                    f"within {within_s:g} s. Wait for it or stop it, then try again."
                ) from None
        await asyncio.sleep(CHECK_INTERVAL_S)
