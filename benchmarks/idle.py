"""Claim: an idle gateway sleeps. Nothing wakes it more often than once a second, and it stays below 80 MB."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client import client
from benchmarks.figures import Cell, Outcome, Table, Verdict
from benchmarks.jobs import Job, Role
from benchmarks.members import enroll
from benchmarks.processes import Server, gateway
from gateway.protocol.types.core_types import MemberKind

WATCH = 20.0
REST = 3.0
MEMBERS = 100
CONNECTIONS = 1000
WAKEUPS_CLAIM = 1.0
RSS_CLAIM = 80.0


@dataclass(frozen=True)
class Sleep:
    """The wake-ups and memory of a process that gets no requests."""

    wakeups: float
    busiest: float
    cpu: float
    rss: float

    def cells(self, what: str) -> dict[str, Cell]:
        return {
            "gateway": what,
            "wake-ups/s, all threads": self.wakeups,
            "wake-ups/s, busiest thread": self.busiest,
            "CPU %": self.cpu * 100,
            "RSS MB": self.rss,
        }


def measure(folder: Path, *, quick: bool) -> Outcome:
    seconds = WATCH / 4 if quick else WATCH
    state = folder / "idle"
    names = [f"member-{number}" for number in range(MEMBERS)]
    tokens = tuple(asyncio.run(enroll(state, names, MemberKind.HUMAN)))
    with gateway(state) as server:
        time.sleep(REST)
        alone = _watch(server, seconds)
        job = Job(Role.WATCH, server.port, CONNECTIONS, 1, tokens=tokens)
        with client(job) as crowd:
            time.sleep(REST)
            crowded = _watch(server, seconds)
            report = crowd.run()
    if report.lost:
        raise RuntimeError(f"{report.lost} of {CONNECTIONS} idle connections did not hear the message at the end")
    rows = (alone.cells("alone"), crowded.cells(f"{CONNECTIONS} idle connections of {MEMBERS} members"))
    verdicts = (
        Verdict("wake-ups/s of all threads, nobody connected", alone.wakeups, WAKEUPS_CLAIM, at_least=False),
        Verdict("RSS in MB, nobody connected", alone.rss, RSS_CLAIM, at_least=False),
    )
    note = f"Watched for {seconds:.0f} s. With connections there is one ping to each every 25 s."
    return Outcome("idle", (Table("At rest", rows, note),), verdicts)


def _watch(server: Server, seconds: float) -> Sleep:
    before, cpu, begun = server.wakeups(), server.cpu_seconds(), time.perf_counter()
    time.sleep(seconds)
    after, passed = server.wakeups(), time.perf_counter() - begun
    rates = [(count - before.get(thread, 0)) / passed for thread, count in after.items()]
    return Sleep(sum(rates), max(rates), (server.cpu_seconds() - cpu) / passed, server.rss())
