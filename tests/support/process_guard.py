"""Fails a test that starts a process without being known to: else `bin/run-tests --fast` would run it."""

from __future__ import annotations

import sys
from collections.abc import Generator

import pytest

STARTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn")


class UnexpectedProcess(AssertionError):
    def __init__(self) -> None:
        super().__init__("This test starts a process. Mark it with @pytest.mark.processes, then --fast leaves it out.")


class ProcessGuard:
    """Hears of each process that this interpreter starts.

    The interpreter calls the hook thousands of times in each test, with the name of what happens and its arguments. So
    the hook is no function of ours but `dict.pop`: it takes a name away from those that wait, and costs nearly nothing.
    """

    def __init__(self) -> None:
        self._unheard: dict[str, object] = {}
        sys.addaudithook(self._unheard.pop)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        self._unheard.clear()
        if item.get_closest_marker("processes") is None:
            self._unheard.update(dict.fromkeys(STARTS))
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            started = item.get_closest_marker("processes") is None and len(self._unheard) < len(STARTS)
            self._unheard.clear()
            if started:
                raise UnexpectedProcess
