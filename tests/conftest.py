"""What the tests start finds itself where a person would start it; what one test changes is not there for the next.

The kinds of tests, and what a run checks beside them, are in docs/design/0008-tests.md.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.support import examples, ordering, warm
from tests.support.leftovers import RUN, LeftoverCheck
from tests.support.process_guard import ProcessGuard
from tests.support.process_use import starts_processes

# Gemini does not talk to a person where CI is set; a job in the background of a shell starts with Ctrl-C ignored.
os.environ.pop("CI", None)
signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent
SLOW_FOLDERS = frozenset({"real_clis", "end_to_end"})  # not even imported with --fast


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="Only tests that start no process and are not marked slow.")
    parser.addoption("--shuffle", type=int, metavar="SEED", help="Run files, and the tests of each, in another order.")


def pytest_configure(config: pytest.Config) -> None:
    examples.load(examples.profile_of(os.environ, config.getoption("--fast")))
    config.pluginmanager.register(ProcessGuard())
    if not hasattr(config, "workerinput"):  # a worker of xdist has its run from the process that started it
        os.environ[RUN] = uuid.uuid4().hex
        config.pluginmanager.register(LeftoverCheck(os.environ[RUN]))


def pytest_sessionfinish() -> None:
    warm.end_servers()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if config.getoption("--fast") and _is_in_a_slow_folder(collection_path) else None


def _is_in_a_slow_folder(path: Path) -> bool:
    return path.is_relative_to(TESTS) and path.relative_to(TESTS).parts[:1] in {(one,) for one in SLOW_FOLDERS}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if _is_in_a_slow_folder(item.path) or starts_processes(item):
            item.add_marker("processes")
    if config.getoption("--fast"):
        _leave_out_the_slow(config, items)
    seed = config.getoption("--shuffle")
    if seed is None:
        ordering.longest_first(items)
    else:
        ordering.shuffle(items, seed)


def _leave_out_the_slow(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = {item for item in items if any(item.get_closest_marker(name) for name in ("processes", "slow"))}
    items[:] = [item for item in items if item not in slow]
    config.hook.pytest_deselected(items=list(slow))


@pytest.fixture(scope="module")
def commands_let_go() -> Iterator[None]:
    """For modules that run commands in this process: what they hold at their end goes now, and not in another test."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A gateway or a sidecar that a test starts in its own process sets up the logs of all of it."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
