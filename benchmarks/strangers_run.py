"""The command: measure how long members wait while many connections without tokens use up a gateway's few
descriptors."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.harness import Suite, run_suite
from benchmarks.members import enroll
from benchmarks.processes import ROOT, Server, clean_environment, serving
from gateway.client import Client, Endpoint
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.types.core_types import MemberKind

DESCRIPTORS = 512
STRANGERS = 900
NEWCOMERS = 60
CROWDS = ("silent", "half", "refused")
IDLE = ("silent", "half")
SERVED_WITHIN_MS = 1000.0
LOG_MB = 50.0
PAUSE = 0.05


@dataclass(frozen=True)
class Waits:
    """The waiting times of a connected member, one that reconnects, and a new one."""

    there: Spread
    back: Spread
    new: Spread
    log: float

    def rows(self, crowd: str) -> Iterator[dict[str, Cell]]:
        for who, spread in (("connected", self.there), ("comes back", self.back), ("is new", self.new)):
            yield {"at the door": crowd, "a member that": who, **spread.cells(), "log MB": self.log}


@contextmanager
def limited_gateway(state: Path) -> Iterator[Server]:
    serve = [sys.executable, "-P", "-m", "gateway.cli", "serve", "--json", "--port", "0", "--rate", "0"]
    options = ["--state", str(state), "--log-file", str(state / "gateway.log")]
    with serving("gateway", ["sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "sh", *serve, *options]) as server:
        yield server


@contextmanager
def crowd(server: Server, kind: str) -> Iterator[None]:
    command = [sys.executable, "-P", "-m", "benchmarks.strangers_crowd"]
    place = ["127.0.0.1", str(server.port), str(STRANGERS), kind]
    process = subprocess.Popen(
        [*command, *place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment(), cwd=ROOT
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdout.readline()
        yield
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(20)


async def _sent(endpoint: Endpoint) -> float:
    """The time from no connection to a message on the gateway's disk."""
    begun = time.perf_counter()
    async with asyncio.timeout(60), Client(endpoint, Hello()) as client:
        await client.send("hello")
    return time.perf_counter() - begun


async def _waits(state: Path, server: Server, endpoints: list[Endpoint]) -> Waits:
    there: list[float] = []
    back: list[float] = []
    new: list[float] = []
    _, old, *newcomers = endpoints
    async with Client(endpoints[0], Hello()) as client:
        for newcomer in newcomers:
            begun = time.perf_counter()
            await client.send("hello")
            there.append(time.perf_counter() - begun)
            back.append(await _sent(old))
            new.append(await _sent(newcomer))
            await asyncio.sleep(PAUSE)
    log = sum(path.stat().st_size for path in state.glob("gateway.log*")) / 1e6
    return Waits(Spread.of(there), Spread.of(back), Spread.of(new), log)


def measured(folder: Path, kind: str | None, newcomers: int) -> Waits:
    state = folder / (kind or "nobody")
    names = ["watcher", "regular", *(f"newcomer-{number}" for number in range(newcomers))]
    tokens = asyncio.run(enroll(state, names, MemberKind.HUMAN))
    with limited_gateway(state) as server:
        endpoints = [Endpoint(server.url, token) for token in tokens]
        if kind is None:
            return asyncio.run(_waits(state, server, endpoints))
        with crowd(server, kind):
            return asyncio.run(_waits(state, server, endpoints))


def measure(folder: Path, *, quick: bool = False) -> Outcome:
    newcomers = NEWCOMERS // 4 if quick else NEWCOMERS
    found = {kind or "nobody": measured(folder, kind, newcomers) for kind in (None, *CROWDS)}
    rows = tuple(row for kind, waits in found.items() for row in waits.rows(kind))
    idle = [found[kind] for kind in IDLE]
    worst = max(spread.worst for waits in idle for spread in (waits.there, waits.back, waits.new))
    title = f"{STRANGERS} strangers who come back when they are closed; {DESCRIPTORS} descriptors"
    return Outcome(
        "strangers",
        (Table(title, rows, "Until a message of that member is on the disk; the first rows are the baseline."),),
        (
            Verdict(
                "longest wait of a member in ms, strangers who say nothing", worst, SERVED_WITHIN_MS, at_least=False
            ),
            Verdict("largest log in MB", max(waits.log for waits in found.values()), LOG_MB, at_least=False),
        ),
    )


STRANGERS_SUITE = Suite(__doc__ or "", {"strangers": measure}, figures="strangers.json")

if __name__ == "__main__":
    run_suite(STRANGERS_SUITE)
