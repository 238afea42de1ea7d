"""Locks that allow one gateway per state folder and per store."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from gateway.client.discovery.running_gateway import LOCK_FILE
from gateway.files.private_files import make_own_file, make_private_folder, open_private
from gateway.protocol.errors import Unavailable

LOCK_CHECK_S = 0.2


@contextlib.contextmanager
def lock_state_folder(state: Path) -> Iterator[None]:
    """Lock the state folder. The lock ends with the process."""
    make_private_folder(state)
    with _hold_lock(state / LOCK_FILE, f"owns {state}. Stop it, or use another folder with --state."):
        yield


@contextlib.contextmanager
def lock_database(database: Path) -> Iterator[None]:
    """Lock the database, whatever path or state folder leads to it."""
    real = database.resolve()
    lock = real.with_name(f"{real.name}.lock")
    make_own_file(lock)
    with _hold_lock(lock, f"keeps its log in {real}. Stop it, or use another --store."):
        yield


@contextlib.contextmanager
def _hold_lock(lock: Path, why_not: str) -> Iterator[None]:
    """Hold the lock of a file, and write the holder into it."""
    handle = open_private(lock, os.O_RDWR | os.O_CREAT)
    try:
        if not _try_lock(handle):
            holder = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
            raise Unavailable(f"Another gateway (process {holder}) {why_not}")
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    """Try for a moment, because a process that only checks for a running gateway holds the lock briefly."""
    until = time.monotonic() + LOCK_CHECK_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(LOCK_CHECK_S / 20)
        else:
            return True
