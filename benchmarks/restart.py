"""Claim: a team's gateway that is killed with SIGKILL listens again, on the same port, within two seconds in 95 of 100
cases, with an empty store and with a million messages.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.members import enroll
from benchmarks.million import AGENTS, HUMANS, build
from gateway.client.discovery.running_gateway import read_running
from gateway.protocol.types.core_types import MemberKind
from gateway.server.state_folder.open_store import DATABASE_FILE

KILLS, FEW_KILLS = 25, 5
LIVES_S = 1.2  # between two kills, so that it restarts without a pause
WITHIN_S = 60.0
CLAIM_MS = 2_000.0
IMPORTS = (sys.executable, "-P", "-c", "import gateway.cli, gateway.server.gateway_process")


def measure(folder: Path, *, quick: bool) -> Outcome:
    kills = FEW_KILLS if quick else KILLS
    bare = Spread.of([_seconds_of_bare_start() for _ in range(kills)])
    rows: list[dict[str, Cell]] = [{"what": "bare process start: the same imports, then nothing", **bare.cells()}]
    verdicts = []
    for count in (0, 100_000 if quick else 1_000_000):
        state = folder / f"restart-{count}"
        asyncio.run(enroll(state, (*HUMANS, *AGENTS), MemberKind.HUMAN))
        if count:
            asyncio.run(build(state / DATABASE_FILE, count))
        spread = Spread.of(_kills(state, kills))
        rows.append({"what": f"kill -9 until it answers, {count:,} messages", **spread.cells()})
        verdicts.append(Verdict(f"p95 in ms, {count:,} messages", spread.p95, CLAIM_MS, False))
    return Outcome("restart", (Table(f"{kills} kills each", tuple(rows)),), tuple(verdicts))


def _seconds_of_bare_start() -> float:
    begun = time.perf_counter()
    subprocess.run(IMPORTS, check=True)
    return time.perf_counter() - begun


def _kills(state: Path, count: int) -> list[float]:
    with supervised(state) as url:
        return [_killed(state, url) for _ in range(count)]


@contextmanager
def supervised(state: Path) -> Iterator[str]:
    """As `groupchat up` starts it."""
    serve = [sys.executable, "-P", "-m", "gateway.cli", "serve", "--json", "--state", str(state), "--port", "0"]
    command = [
        sys.executable,
        "-P",
        "-m",
        "gateway.server.supervisor",
        str(state),
        str(state / "gateway.log"),
        "--",
        *serve,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield str(json.loads(process.stdout.readline())["url"])
        finally:
            process.terminate()


def _killed(state: Path, url: str) -> float:
    """The time from the kill to the first answer of the next process."""
    time.sleep(LIVES_S)
    before = read_running(state)
    assert before is not None
    begun = time.perf_counter()
    os.kill(before.pid, signal.SIGKILL)
    while time.perf_counter() - begun < WITHIN_S:
        after = read_running(state)
        if after is not None and after.pid != before.pid and _answers(url):
            return time.perf_counter() - begun
        time.sleep(0.002)
    raise TimeoutError(f"the gateway did not come back within {WITHIN_S:g} s")


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/health", timeout=5)
    except urllib.error.HTTPError:  # it requires a token, so it answers with an error
        return True
    except (OSError, urllib.error.URLError):
        return False
    return True
