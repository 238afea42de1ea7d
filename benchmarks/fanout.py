"""Claim: one message to many watching sockets, with every message on disk and in the search index, costs the server
at most half of what a bare broadcast costs that stores nothing. A second claim: to clients of Skynet it makes at least
half as many deliveries per CPU second as to those of the full protocol.

Rounds of gateway and baselines alternate, so that a busy machine disturbs all of them alike; servers are compared by
their processor time, as the kernel counts it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.baselines import Baseline, bare_aiohttp, bare_ws
from benchmarks.client import client
from benchmarks.figures import Cell, Outcome, Table, Verdict
from benchmarks.jobs import Job, Report, Role, Wire
from benchmarks.members import enroll
from benchmarks.processes import Server, gateway
from gateway.protocol.types.core_types import MemberKind

ROUNDS = 3
MESSAGE = 200
CLAIM = 2.0


@dataclass(frozen=True)
class Setting:
    sockets: int
    in_flight: int
    messages: int

    def __str__(self) -> str:
        return f"{self.sockets} sockets, {self.in_flight} in flight"


@dataclass(frozen=True)
class Round:
    report: Report
    cpu: float

    @property
    def per_second(self) -> float:
        return self.report.delivered / self.report.seconds

    @property
    def per_cpu_second(self) -> float:
        return self.report.delivered / self.cpu


@dataclass(frozen=True)
class Subject:
    server: Server
    tokens: tuple[str, ...] = ()
    wire: Wire = Wire.FULL


SKYNET_CLAIM = 0.5  # of what a socket of the full protocol costs
SKYNET = Setting(1000, 16, 600)
SETTINGS = (Setting(100, 16, 8000), Setting(100, 1, 3000), Setting(500, 16, 2000), Setting(500, 1, 800))


def measure(folder: Path, *, quick: bool) -> Outcome:
    baselines = [bare_aiohttp(), bare_ws()]
    tables, ratios = [], {}
    for setting in SETTINGS:
        shorter = Setting(setting.sockets, setting.in_flight, setting.messages // 4) if quick else setting
        with subjects(folder / f"fanout-{setting.sockets}-{setting.in_flight}", setting, baselines) as found:
            rounds = _alternate(shorter, found)
        tables.append(_table(setting, rounds, baselines))
        ratios[setting] = _ratio(rounds)
    skynet = _measure_skynet(folder / "fanout-skynet", quick=quick)
    tables.append(_table(SKYNET, skynet, ()))
    wrong = sum(int(row["lost"] or 0) + int(row["out of order"] or 0) for table in tables for row in table.rows)
    verdicts = [
        Verdict(f"deliveries per CPU second over bare aiohttp, {one}", ratio, CLAIM)
        for one, ratio in ratios.items()
        if one.in_flight > 1
    ]
    verdicts.append(
        Verdict(f"deliveries per CPU second of Skynet over /v1/ws, {SKYNET}", _skynet_ratio(skynet), SKYNET_CLAIM)
    )
    return Outcome("fanout", tuple(tables), (*verdicts, Verdict("lost or out of order", wrong, 0, at_least=False)))


@contextmanager
def subjects(folder: Path, setting: Setting, baselines: Sequence[Baseline]) -> Iterator[list[Subject]]:
    """The gateway with a member for each socket, then the baselines, all running side by side."""
    names = [f"watcher-{number}" for number in range(setting.sockets)]
    tokens = asyncio.run(enroll(folder, names, MemberKind.HUMAN))
    with ExitStack() as stack:
        found = [Subject(stack.enter_context(gateway(folder)), tuple(tokens))]
        found += [Subject(stack.enter_context(one.start())) for one in baselines if one.start is not None]
        yield found


def _measure_skynet(folder: Path, *, quick: bool) -> dict[str, list[Round]]:
    """The same people in the same room, once over the full protocol and once as Skynet's clients."""
    names = [f"watcher-{number}" for number in range(SKYNET.sockets + 1)]
    tokens = tuple(asyncio.run(enroll(folder, names, MemberKind.HUMAN)))
    setting = Setting(SKYNET.sockets, SKYNET.in_flight, SKYNET.messages // 4) if quick else SKYNET
    with gateway(folder, "--listen", "skynet=0") as server:
        full = Subject(server, tokens)
        return _alternate(setting, [full, Subject(server.at("skynet"), tokens, Wire.SKYNET)])


def _skynet_ratio(rounds: dict[str, list[Round]]) -> float:
    full, skynet = rounds.values()
    return median(theirs.per_cpu_second / ours.per_cpu_second for ours, theirs in zip(full, skynet, strict=True))


def _alternate(setting: Setting, found: Sequence[Subject]) -> dict[str, list[Round]]:
    rounds: dict[str, list[Round]] = {one.server.name: [] for one in found}
    for _ in range(ROUNDS):
        for one in found:
            rounds[one.server.name].append(run_round(setting, one))
    return rounds


def run_round(setting: Setting, subject: Subject) -> Round:
    server = subject.server
    job = Job(
        Role.WATCH,
        server.port,
        setting.sockets,
        setting.messages,
        setting.in_flight,
        MESSAGE,
        subject.tokens,
        wire=subject.wire,
    )
    with client(job) as crowd:
        before = server.cpu_seconds()
        report = crowd.run()
        return Round(report, server.cpu_seconds() - before)


def _table(setting: Setting, rounds: dict[str, list[Round]], baselines: Sequence[Baseline]) -> Table:
    rows = [_row(name, measured) for name, measured in rounds.items()]
    note = "; ".join(f"{one.name} skipped: {one.missing}" for one in baselines if one.missing)
    return Table(f"Fan-out to {setting}, {MESSAGE}-byte messages", tuple(rows), note)


def _row(name: str, measured: Sequence[Round]) -> dict[str, Cell]:
    return {
        "server": name,
        "messages/s": median(one.report.messages / one.report.seconds for one in measured),
        "deliveries/s": median(one.per_second for one in measured),
        "deliveries per CPU s": median(one.per_cpu_second for one in measured),
        "lost": sum(one.report.lost for one in measured),
        "out of order": sum(one.report.out_of_order for one in measured),
    }


def _ratio(rounds: dict[str, list[Round]]) -> float:
    """The median ratio of the rounds: each gateway round divided by the baseline round that followed it."""
    pairs = zip(rounds["gateway"], rounds["bare aiohttp"], strict=True)
    return median(ours.per_cpu_second / theirs.per_cpu_second for ours, theirs in pairs)
