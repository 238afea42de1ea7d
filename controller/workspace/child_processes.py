"""Checks and ends processes that we started. A reused pid is recognised by its start time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

CHECK_INTERVAL_S = 0.02


def process_start_time(pid: int) -> str:
    """The start time of a process, which tells it from a later one with the same pid; empty if unknown."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def is_alive(pid: int, started: str = "") -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return not started
    return not _is_zombie(pid) and (not started or process_start_time(pid) in ("", started))


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


async def wait_until_ended(pid: int, started: str, seconds: float) -> bool:
    """Whether it ended in time."""
    deadline = time.monotonic() + seconds
    while is_alive(pid, started):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(CHECK_INTERVAL_S)
    return True


async def end_process(pid: int, started: str, seconds: float) -> bool:
    """Ask it to end, and wait."""
    if not is_alive(pid, started):
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    return await wait_until_ended(pid, started, seconds)
