"""Ends the processes that a crashed run left alive, and no others. Standard library only: the supervisor imports it.

A process belongs to the run if it is the recorded leader (number, start time and boot agree), or if it carries the
run's mark in its environment. So do all members of the leader's group and session, as long as a proven member keeps
that number in use, and all descendants of proven processes.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from sidecar.supervision.process_table import ProcessInfo, boot_id, list_processes, send_signal
from sidecar.supervision.run_record import MARK_VARIABLE, RunRecord, forget_run, read_run

SIGNAL_STEPS = ((signal.SIGHUP, 1.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 3.0))
CHECK_INTERVAL_S = 0.02
LOCK_FILE = "lock"
KnownProcesses = frozenset[tuple[int, str]]


def left_over_processes(
    run: RunRecord, known: KnownProcesses, there: Collection[ProcessInfo], spared: Collection[int]
) -> list[ProcessInfo]:
    """Which of the processes `there` belong to the run. `known` were found before. Pure."""
    proven = [one for one in there if one.marked or _is_leader(run, one) or (one.pid, one.started) in known]
    if any(run.pid in (one.group, one.session) for one in proven):
        proven = [*proven, *(one for one in there if run.pid in (one.group, one.session))]
    found = {one.pid: one for one in (*proven, *_descendants({one.pid for one in proven}, there))}
    return [one for pid, one in found.items() if pid not in spared]


def _is_leader(run: RunRecord, one: ProcessInfo) -> bool:
    return one.pid == run.pid and one.started == run.started


def _descendants(pids: set[int], there: Collection[ProcessInfo]) -> list[ProcessInfo]:
    found: list[ProcessInfo] = []
    while new := [one for one in there if one.parent in pids and one.pid not in pids]:
        pids |= {one.pid for one in new}
        found += new
    return found


def reap_orphans(
    folder: Path,
    there: Callable[[bytes], list[ProcessInfo]] = list_processes,
    signalled: Callable[[ProcessInfo, signal.Signals], None] = send_signal,
) -> int:
    """End what the run recorded in `folder` left alive; return the number of processes. The caller holds the lock."""
    run = read_run(folder)
    if run is None:
        return 0
    ended = _end_run(run, there, signalled) if run.boot == boot_id() else frozenset()
    forget_run(folder, run.mark)
    return len(ended)


def _end_run(
    run: RunRecord,
    there: Callable[[bytes], list[ProcessInfo]],
    signalled: Callable[[ProcessInfo, signal.Signals], None],
) -> KnownProcesses:
    known: KnownProcesses = frozenset()
    mark = f"{MARK_VARIABLE}={run.mark}".encode()

    def found() -> list[ProcessInfo]:
        nonlocal known
        now = there(mark)
        ours = left_over_processes(run, known, now, _own_ancestors(now))
        known |= {(one.pid, one.started) for one in ours}
        return ours

    for number, patience in SIGNAL_STEPS:
        if not _signal_until_gone(found, number, patience, signalled):
            break
    return known


def _signal_until_gone(
    found: Callable[[], list[ProcessInfo]],
    number: signal.Signals,
    patience: float,
    signalled: Callable[[ProcessInfo, signal.Signals], None],
) -> bool:
    """Return whether any are left. Each process gets the signal once; a stopped one is continued so that it receives
    it."""
    until, told = time.monotonic() + patience, set[tuple[int, str]]()
    while ours := found():
        for one in ours:
            if (one.pid, one.started) not in told:
                signalled(one, number)
                signalled(one, signal.SIGCONT)
                told.add((one.pid, one.started))
        if time.monotonic() > until:
            return True
        time.sleep(CHECK_INTERVAL_S)
    return False


def _own_ancestors(there: Iterable[ProcessInfo]) -> set[int]:
    """This process and all its ancestors: a new run may have been started from inside what the old one left."""
    parents = {one.pid: one.parent for one in there}
    spared, pid = set[int](), os.getpid()
    while pid and pid not in spared:
        spared.add(pid)
        pid = parents.get(pid, 0)
    return spared


def reap_if_name_is_free(folder: Path) -> int:
    """As `reap_orphans`, unless the name is held: then the recorded run is alive and must stay."""
    try:
        lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return 0
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return reap_orphans(folder)
    except BlockingIOError:
        return 0
    finally:
        os.close(lock)
