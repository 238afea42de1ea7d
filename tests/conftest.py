"""What the tests start finds itself where a person would start it; what one test changes is not there for the next.

The kinds of tests, and what a run checks beside them, are in docs/design/0008-tests.md.
"""

from __future__ import annotations

import gc
import logging
import os
import re
import signal
import sys
import uuid
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import pytest
import structlog
from xdist.remote import Producer  # type: ignore[import-untyped]

from tests.support import examples, ordering, tables, warm
from tests.support.leftovers import RUN, LeftoverCheck
from tests.support.process_guard import ProcessGuard
from tests.support.process_use import starts_processes
from tests.support.scheduling import FromBothEnds

# Gemini does not talk to a person where CI is set; a job in the background of a shell starts with Ctrl-C ignored.
os.environ.pop("CI", None)
signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent
SLOW_FOLDERS = frozenset({"real_clis", "end_to_end"})  # not even imported with --fast
GARBAGE_THRESHOLDS = (100_000, 20, 20)
LOGGER = type(structlog.get_logger())
# The mark of a whole file: `pytestmark = pytest.mark.slow`, or a list that holds it.
LEFT_OUT_WHOLLY = re.compile(r"^pytestmark = (?:\[[^]]*?)?pytest\.mark\.(?:slow|processes)\b", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="Only tests that start no process and are not marked slow.")
    parser.addoption("--each-row", action="store_true", help="Each row of a table as a test of its own.")
    parser.addoption("--shuffle", type=int, metavar="SEED", help="Run files, and the tests of each, in another order.")


def pytest_configure(config: pytest.Config) -> None:
    examples.load(examples.profile_of(os.environ, config.getoption("--fast")))
    config.pluginmanager.register(ProcessGuard())
    if not tables.single_rows_are_meant(config):
        config.pluginmanager.register(tables.Tables(_starts_processes))
    if not hasattr(config, "workerinput"):  # a worker of xdist has its run from the process that started it
        os.environ[RUN] = uuid.uuid4().hex
        config.pluginmanager.register(LeftoverCheck(os.environ[RUN]))
        config.pluginmanager.register(tables.RowCount())


def pytest_sessionfinish() -> None:
    warm.end_servers()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What --fast leaves out wholly it does not import either: that saves what only such files need."""
    left_out = config.getoption("--fast") and (_is_in_a_slow_folder(collection_path) or _is_marked(collection_path))
    return True if left_out else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """The tests and what they import stay until the end: the garbage collector need not look at them each time. After
    that it works in larger steps than for a program that has to answer at once."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        gc.enable()


def _is_marked(path: Path) -> bool:
    return path.suffix == ".py" and LEFT_OUT_WHOLLY.search(path.read_text(encoding="utf-8")) is not None


@cache
def _is_in_a_slow_folder(path: Path) -> bool:
    return path.is_relative_to(TESTS) and path.relative_to(TESTS).parts[:1] in {(one,) for one in SLOW_FOLDERS}


def _starts_processes(item: pytest.Item) -> bool:
    return _is_in_a_slow_folder(item.path) or starts_processes(item)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if _starts_processes(item):
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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FromBothEnds | None:
    if config.getvalue("dist") != "loadscope":
        return None
    config.option.loadscopereorder = False  # the collection is in order; xdist would put files with many tests first
    return FromBothEnds(config, log)


@pytest.fixture(scope="module")
def commands_let_go() -> Iterator[None]:
    """For modules that run commands in this process: what they hold at their end goes now, and not in another test."""
    yield
    gc.collect()


def forget_streams() -> None:
    """A logger keeps the stream of its first line, which may be one that a test has closed since."""
    for module in [*sys.modules.values()]:
        if isinstance(logger := vars(module).get("log"), LOGGER):
            vars(logger).pop("bind", None)


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A gateway or a sidecar that a test starts in its own process sets up the logs of all of it."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    forget_streams()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
