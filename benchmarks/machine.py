"""The machine and the versions on which the figures were measured."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import Cell, Spread

BLOCK = 4096
SYNCS = 200


def fdatasync_time(folder: Path, count: int = SYNCS) -> Spread:
    """How long this disk takes to make one appended block durable."""
    path = folder / "fdatasync.probe"
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        return Spread.of([_one_sync(handle, number) for number in range(count)])
    finally:
        os.close(handle)
        path.unlink()


def _one_sync(handle: int, number: int) -> float:
    os.pwrite(handle, b"x" * BLOCK, number * BLOCK)
    begun = time.perf_counter()
    os.fdatasync(handle)
    return time.perf_counter() - begun


def describe(folder: Path) -> dict[str, Cell]:
    disk = fdatasync_time(folder)
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory GB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "fdatasync": f"p50 {disk.p50:.2f} ms, p95 {disk.p95:.2f} ms",
        "load before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in ("aiohttp", "msgspec")},
        "node": _said("node", "--version"),
        "commit": commit(),
    }


def commit() -> str:
    return _said("git", "rev-parse", "--short", "HEAD")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _said(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return "not installed"
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
