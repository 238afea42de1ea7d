"""What the system knows of the running processes. Standard library only; small, because the supervisor imports it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
HAS_PROC = (PROC / "self" / "stat").exists()
PS_PATIENCE = 5.0


class Process(NamedTuple):
    """`started` tells a process from a later one with the same number; `marked`: it carries the mark asked for."""

    pid: int
    parent: int
    group: int
    session: int
    started: str
    marked: bool = False


def age_of(one: Process) -> float:
    """In seconds, since it was started."""
    if HAS_PROC:
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(one.started) / os.sysconf("SC_CLK_TCK")
    return time.time() - time.mktime(time.strptime(one.started, "%a %b %d %H:%M:%S %Y"))


def boot_id() -> str:
    if HAS_PROC:
        return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return _told("sysctl", "-n", "kern.boottime")


def process(pid: int) -> Process | None:
    """None if there is no such process, or it has ended and waits to be fetched."""
    if HAS_PROC:
        return _from_proc(PROC / str(pid), b"")
    return next(iter(_from_ps("-p", str(pid))), None)


def processes(mark: bytes) -> list[Process]:
    """All that are alive. Whether one carries `mark` can be seen for our own user's only."""
    if not HAS_PROC:
        return list(_from_ps("-ax"))
    found = (_from_proc(folder, mark) for folder in PROC.iterdir() if folder.name.isdecimal())
    return [one for one in found if one]


def _from_proc(folder: Path, mark: bytes) -> Process | None:
    try:
        fields = (folder / "stat").read_bytes().rpartition(b") ")[2].split()
    except OSError:
        return None
    if not fields or fields[0] in (b"Z", b"X"):
        return None
    parent, group, session = map(int, fields[1:4])
    return Process(int(folder.name), parent, group, session, fields[19].decode(), bool(mark) and _has(folder, mark))


def _has(folder: Path, mark: bytes) -> bool:
    try:
        return mark in (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _from_ps(*which: str) -> Iterator[Process]:
    """Where there is no /proc. Environments are not looked at there: the group, the session and the children count."""
    for line in _told("ps", *which, "-o", "pid=,ppid=,pgid=,sess=,stat=,lstart=").splitlines():
        pid, parent, group, session, state, started = line.split(None, 5)
        if not state.startswith("Z"):
            own_session = int(session) if session.isdecimal() else 0
            yield Process(int(pid), int(parent), int(group), own_session, started.strip())


def _told(*command: str) -> str:
    import subprocess  # noqa: PLC0415  a megabyte, and only where there is no /proc

    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PS_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def send(one: Process, number: signal.Signals) -> None:
    """To exactly this process: between the look and the signal its number may have become somebody else's."""
    try:
        fd = os.pidfd_open(one.pid) if hasattr(os, "pidfd_open") else -1
    except OSError:
        return
    try:
        now = process(one.pid)
        if now is not None and now.started == one.started:
            signal.pidfd_send_signal(fd, number) if fd >= 0 else os.kill(one.pid, number)
    except (ProcessLookupError, PermissionError):
        return
    finally:
        if fd >= 0:
            os.close(fd)
