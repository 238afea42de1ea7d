"""One gateway for each state folder and for each store."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from gateway.client.discovery.running_gateway import LOCK_FILE
from gateway.client.files.private_files import open_private, own_file, private_folder
from gateway.protocol.errors import Unavailable

LOOKED_AT = 0.2


@contextlib.contextmanager
def sole_owner(state: Path) -> Iterator[None]:
    """One gateway per state folder; the lock goes with the process."""
    private_folder(state)
    with _held(state / LOCK_FILE, f"owns {state}. Stop it, or use another folder with --state."):
        yield


@contextlib.contextmanager
def sole_writer(database: Path) -> Iterator[None]:
    """One gateway per store, by whichever name and from whichever state folder it is reached."""
    real = database.resolve()
    lock = real.with_name(f"{real.name}.lock")
    own_file(lock)
    with _held(lock, f"keeps its log in {real}. Stop it, or use another --store."):
        yield


@contextlib.contextmanager
def _held(lock: Path, why_not: str) -> Iterator[None]:
    """The lock of a file, with who holds it written in."""
    handle = open_private(lock, os.O_RDWR | os.O_CREAT)
    try:
        if not _locked(handle):
            holder = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
            raise Unavailable(f"Another gateway (process {holder}) {why_not}")
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    """Whoever only looks whether a gateway lives here holds the lock for a moment."""
    until = time.monotonic() + LOOKED_AT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(LOOKED_AT / 20)
        else:
            return True
