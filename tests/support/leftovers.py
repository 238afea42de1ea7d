"""Fails the run if a test leaves a process behind, such as a tmux server; names the test and ends the process. A
process that a test starts inherits the number of the run in its environment, or uses folders of the run. Without /proc
nothing is checked.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

RUN = "TEST_RUN_ID"
GRACE_S = 60.0  # a process that was told to end may still be ending
PROC = Path("/proc")
ENDED = {"Z", "X"}


@dataclass(frozen=True)
class Leftover:
    pid: int
    command: str
    test: str

    def __str__(self) -> str:
        return f"process {self.pid} of {self.test or 'a test that cannot be named'}: {self.command}"


def environment_of(raw: bytes) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in raw.decode(errors="replace").split("\0"))
    return {name: value for name, _, value in pairs if name}


def belongs(environment: dict[str, str], command: str, folder: str, run: str, base: str) -> bool:
    """Whether a process belongs to this run: by the run's number, or by a path in the folder of its tests."""
    within = f"{base}/"  # so that the folder of run 7 does not match that of run 71
    return environment.get(RUN) == run or any(within in text for text in (*environment.values(), command, folder))


def leftovers(run: str, base: str, proc: Path = PROC) -> list[Leftover]:
    found = []
    for folder in proc.glob("[0-9]*"):
        try:
            environment = environment_of((folder / "environ").read_bytes())
            command = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ").strip()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            if state not in ENDED and belongs(environment, command, os.readlink(folder / "cwd"), run, base):
                found.append(Leftover(int(folder.name), command, environment.get("PYTEST_CURRENT_TEST", "")))
        except OSError:  # it has ended, or is another user's
            continue
    return found


def _ancestors(proc: Path = PROC) -> Iterator[int]:
    pid = os.getpid()
    while pid > 1:
        yield pid
        try:
            pid = int((proc / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return


class LeftoverCheck:
    """Runs in the main process, after the workers of xdist have ended."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._found: list[Leftover] = []

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        base = str(session.config._tmp_path_factory.getbasetemp())  # type: ignore[attr-defined]
        own = set(_ancestors())
        until = time.monotonic() + GRACE_S
        while (found := [one for one in leftovers(self._run, base) if one.pid not in own]) and time.monotonic() < until:
            time.sleep(0.1)
        self._found = found
        for one in found:
            _end(one.pid)
        if found:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._found:
            terminalreporter.section("left behind by tests, now ended", red=True)
            for one in self._found:
                terminalreporter.line(str(one))


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
