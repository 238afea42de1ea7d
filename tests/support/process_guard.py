"""Fails a test that starts a process without being known to: else `bin/run-tests --fast` would run it."""

from __future__ import annotations

import sys
from collections.abc import Generator

import pytest

STARTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn"})


class UnexpectedProcess(AssertionError):
    def __init__(self) -> None:
        super().__init__("This test starts a process. Mark it with @pytest.mark.processes, then --fast leaves it out.")


class ProcessGuard:
    """Hears of each process that this interpreter starts."""

    def __init__(self) -> None:
        self._watching = self._started = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: object) -> None:
        if self._watching and event in STARTS:
            self._started = True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        self._watching, self._started = item.get_closest_marker("processes") is None, False
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            self._watching = False
            if self._started:
                raise UnexpectedProcess
