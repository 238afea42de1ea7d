"""Agents of one state folder start one after another, and none waits for ever."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.process_basics.tasks import spawn
from gateway.protocol.types.core_types import Activity
from sidecar.run_files.startup_lock import TURN_FILE, StartTurn
from tests.fakes.retry import retry_until

HOLD = """
import asyncio, sys
from pathlib import Path
from sidecar.run_files.startup_lock import StartTurn
async def main():
    await StartTurn(Path(sys.argv[1]), "ada", print, 600.0).take()
    print("taken", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def turn(folder: Path, name: str, said: list[str] | None = None, bound_s: float = 60.0) -> StartTurn:
    return StartTurn(folder, name, (said if said is not None else []).append, bound_s)


@pytest.mark.parametrize(
    ("activity", "goes_on"),
    [
        (Activity.STARTING, False),
        (Activity.UNKNOWN, False),
        (Activity.IDLE, True),
        (Activity.ASKING, True),  # it waits for a person, which may take days
        (Activity.BUSY, True),
        (Activity.ERROR, True),
        (Activity.GONE, True),
    ],
)
async def test_the_next_one_starts_when_this_one_shows_something(
    activity: Activity, goes_on: bool, tmp_path: Path
) -> None:
    first, second = turn(tmp_path, "ada"), turn(tmp_path, "ben")
    await first.take()
    waiting = spawn(second.take(), "waits")
    first.observe(activity)
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert bool(done) is goes_on
    first.give_back()
    await waiting
    second.give_back()
    assert stat.S_IMODE(os.stat(tmp_path / TURN_FILE).st_mode) == 0o600


async def test_who_waits_longer_says_for_whom(tmp_path: Path) -> None:
    said: list[str] = []
    first = turn(tmp_path, "ada")
    await first.take()
    waiting = spawn(turn(tmp_path, "ben", said).take(), "waits")
    await retry_until(lambda: bool(said))
    assert said == ["ben starts when ada has started"]
    first.give_back()
    await waiting


async def test_one_that_shows_nothing_gives_way_after_the_bound(tmp_path: Path) -> None:
    first = turn(tmp_path, "ada", bound_s=0.2)
    await first.take()
    began = time.monotonic()
    await turn(tmp_path, "ben").take()
    assert 0.1 < time.monotonic() - began < 30
    first.give_back()


async def test_a_frozen_process_is_not_waited_for(tmp_path: Path) -> None:
    with holding(tmp_path) as frozen:
        await turn(tmp_path, "ben", bound_s=0.2).take()
        assert frozen.poll() is None


async def test_a_killed_process_holds_nobody_up(tmp_path: Path) -> None:
    with holding(tmp_path) as killed:
        waiting = spawn(turn(tmp_path, "ben").take(), "waits")
        await asyncio.sleep(0)
        killed.kill()
        await waiting


@contextlib.contextmanager
def holding(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-P", "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == "taken\n"
        try:
            yield one
        finally:
            one.kill()
