"""Reads the system's process table. Only the standard library and small, because the supervisor imports it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROC_FOLDER = Path("/proc")
HAS_PROC = (PROC_FOLDER / "self" / "stat").exists()
PS_TIMEOUT_S = 5.0


class ProcessInfo(NamedTuple):
    """`started` distinguishes a process from a later one with the same number. `marked`: it carries the mark that was
    searched for."""

    pid: int
    parent: int
    group: int
    session: int
    started: str
    marked: bool = False


def age_of_process(one: ProcessInfo) -> float:
    """Seconds since it was started."""
    if HAS_PROC:
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(one.started) / os.sysconf("SC_CLK_TCK")
    return time.time() - time.mktime(time.strptime(one.started, "%a %b %d %H:%M:%S %Y"))


def boot_id() -> str:
    if HAS_PROC:
        return (PROC_FOLDER / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return _ps_output("sysctl", "-n", "kern.boottime")


def find_process(pid: int) -> ProcessInfo | None:
    """None if there is no such process, or if it has ended and waits to be reaped."""
    if HAS_PROC:
        return _read_proc(PROC_FOLDER / str(pid), b"")
    return next(iter(_read_ps("-p", str(pid))), None)


def list_processes(mark: bytes) -> list[ProcessInfo]:
    """All processes that are alive. `mark` can be seen only in processes of our own user."""
    if not HAS_PROC:
        return list(_read_ps("-ax"))
    found = (_read_proc(folder, mark) for folder in PROC_FOLDER.iterdir() if folder.name.isdecimal())
    return [one for one in found if one]


def _read_proc(folder: Path, mark: bytes) -> ProcessInfo | None:
    try:
        fields = (folder / "stat").read_bytes().rpartition(b") ")[2].split()
    except OSError:
        return None
    if not fields or fields[0] in (b"Z", b"X"):
        return None
    parent, group, session = map(int, fields[1:4])
    return ProcessInfo(
        int(folder.name), parent, group, session, fields[19].decode(), bool(mark) and _has_mark(folder, mark)
    )


def _has_mark(folder: Path, mark: bytes) -> bool:
    try:
        return mark in (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _read_ps(*which: str) -> Iterator[ProcessInfo]:
    """Used where there is no /proc. Environments are not searched there; the group, the session and the children
    are."""
    for line in _ps_output("ps", *which, "-o", "pid=,ppid=,pgid=,sess=,stat=,lstart=").splitlines():
        pid, parent, group, session, state, started = line.split(None, 5)
        if not state.startswith("Z"):
            own_session = int(session) if session.isdecimal() else 0
            yield ProcessInfo(int(pid), int(parent), int(group), own_session, started.strip())


def _ps_output(*command: str) -> str:
    import subprocess  # noqa: PLC0415  a megabyte, and only where there is no /proc

    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PS_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def send_signal(one: ProcessInfo, number: signal.Signals) -> None:
    """Signal exactly this process. Between the look and the signal, its number may have been reused."""
    try:
        fd = os.pidfd_open(one.pid) if hasattr(os, "pidfd_open") else -1
    except OSError:
        return
    try:
        now = find_process(one.pid)
        if now is not None and now.started == one.started:
            signal.pidfd_send_signal(fd, number) if fd >= 0 else os.kill(one.pid, number)
    except (ProcessLookupError, PermissionError):
        return
    finally:
        if fd >= 0:
            os.close(fd)
