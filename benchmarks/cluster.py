"""Claims for several gateways on one Redis, beside one gateway on SQLite in alternating rounds on the same disk.

- Senders at a gateway that follows get at least half as many messages accepted as at a gateway on SQLite; one sender
  waits at most 4 ms (p50).
- Bringing a message to a member at a follower takes at most 1.2 times the processor time of the single gateway.
- The processor time of the gateway that decides does not grow with the members at followers.
- With the same members split among 4 gateways, the busiest of them brings at least 3 times as many messages to members
  for each second of processor time as one gateway alone.

All gateways run on this machine, so what is compared is processor time of each process, not messages a second.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from msgspec.structs import replace

from benchmarks.append import AGENTS, SENDERS, SIZE, Measured, middle
from benchmarks.client import client
from benchmarks.figures import Outcome, Row, Spread, Table, Verdict
from benchmarks.jobs import Job, Report, Role
from benchmarks.machine import fdatasync_time
from benchmarks.members import enroll
from benchmarks.processes import Server, gateway
from gateway.protocol.types.core_types import MemberKind
from tests.support.redis_server import RedisServer

ROUNDS = 3
SENDERS_CLAIM = 0.5
QUIET_SENDER_MS = 4.0
FANOUT_CLAIM = 1.2
DECIDER_CLAIM = 1.1  # a tenth is what two rounds of the same differ
SPLIT_CLAIM = 3.0
WATCHERS = 500
MANY_SOCKETS = 2_000
MEMBERS = 100  # so that what is measured is messages, and not 2 000 members who come and go
GATEWAYS = (1, 2, 4)
SQLITE, FOLLOWER = "SQLite, one gateway", "Redis, through a follower"
INTERVAL_S = 0.02
IN_FLIGHT = 16
MS = 1000


@dataclass(frozen=True)
class Room:
    """A gateway on SQLite and several on one Redis, of which the first decides; with tokens of the same members."""

    alone: Server
    shared: Sequence[Server]
    tokens_alone: Sequence[str]
    tokens_shared: Sequence[str]


def measure(folder: Path, *, quick: bool) -> Outcome:
    part = 4 if quick else 1
    with room(folder / "senders", SENDERS, 2) as found:
        senders, sender_verdicts = _measure_senders(folder, found, 12_000 // part, 1_200 // part)
    with room(folder / "fan-out", WATCHERS, 2) as found:
        fanout, fanout_verdicts = _measure_fanout(found, 2_000 // part)
        decider, decider_verdict = _measure_decider(found, 600 // part)
    split, split_verdict = _measure_split(folder, 1_000 // part)
    verdicts = (*sender_verdicts, *fanout_verdicts, decider_verdict, split_verdict)
    return Outcome("cluster", (senders, fanout, decider, split), verdicts)


@contextmanager
def room(folder: Path, members: int, gateways: int) -> Iterator[Room]:
    names = [f"member-{number}" for number in range(members)]
    alone, shared = folder / "alone", [folder / f"gateway-{number}" for number in range(gateways)]
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(folder / "redis").running())
        asyncio.run(enroll(alone, AGENTS, MemberKind.AGENT))
        asyncio.run(enroll(shared[0], AGENTS, MemberKind.AGENT, redis.url))
        tokens_alone = asyncio.run(enroll(alone, names, MemberKind.HUMAN))
        tokens_shared = asyncio.run(enroll(shared[0], names, MemberKind.HUMAN, redis.url))
        servers = [stack.enter_context(gateway(one, "--store", redis.url)) for one in shared]
        yield Room(stack.enter_context(gateway(alone)), servers, tokens_alone, tokens_shared)


# senders


def _measure_senders(folder: Path, found: Room, many: int, few: int) -> tuple[Table, Sequence[Verdict]]:
    rounds: dict[str, list[Measured]] = defaultdict(list)
    disk: list[Spread] = []
    for _ in range(ROUNDS):
        disk.append(fdatasync_time(folder))
        for where, server, tokens in _places(found):
            rounds[f"{where}: {SENDERS} senders"].append(_send(server, tokens, many))
            rounds[f"{where}: 1 sender"].append(_send(server, tokens[:1], few))
    rows = [_middle_of(measured).cells(what) for what, measured in sorted(rounds.items())]
    rows.append(
        {
            "what": "the disk's fdatasync",
            "accepted/s": None,
            "accepted per CPU s": None,
            **middle(disk, lambda one: one.p50).cells(),
        }
    )
    theirs, ours = rounds[f"{SQLITE}: {SENDERS} senders"], rounds[f"{FOLLOWER}: {SENDERS} senders"]
    ratio = median(one.per_second / other.per_second for one, other in zip(ours, theirs, strict=True))
    wait = _middle_of(rounds[f"{FOLLOWER}: 1 sender"]).waits.p50
    note = f"The middle one of {ROUNDS} rounds, by p50. CPU s: of the gateway that the senders are connected to."
    return (
        Table(
            f"Accepted messages of {SIZE} bytes over WebSocket, three deliveries each, synced to disk", (*rows,), note
        ),
        (
            Verdict(f"accepted/s with {SENDERS} senders, through a follower to SQLite", ratio, SENDERS_CLAIM),
            Verdict("one sender's p50 in ms, through a follower", wait, QUIET_SENDER_MS, at_least=False),
        ),
    )


def _middle_of(rounds: Sequence[Measured]) -> Measured:
    return middle(rounds, lambda one: one.waits.p50)


def _places(found: Room) -> Iterator[tuple[str, Server, Sequence[str]]]:
    yield SQLITE, found.alone, found.tokens_alone
    yield FOLLOWER, found.shared[-1], found.tokens_shared


def _send(server: Server, tokens: Sequence[str], messages: int) -> Measured:
    to = tuple(f"@{name}" for name in AGENTS)
    with client(Job(Role.SEND, server.port, len(tokens), messages, size=SIZE, tokens=tuple(tokens), to=to)) as choir:
        cpu = server.cpu_seconds()
        report = choir.run()
        cpu = server.cpu_seconds() - cpu
    if report.lost:
        raise RuntimeError(f"{report.lost} of {report.messages} messages were refused")
    return Measured(report.messages, report.seconds, cpu, Spread.of(report.latencies))


# watchers


@dataclass(frozen=True)
class Watched:
    """One run: the reports of all clients, and the processor time of each gateway."""

    reports: Sequence[Report]
    cpu: Sequence[float]

    @property
    def messages(self) -> int:
        return self.reports[0].messages

    @property
    def delivered(self) -> int:
        return sum(one.delivered for one in self.reports)

    @property
    def wrong(self) -> int:
        return sum(one.lost + one.out_of_order for one in self.reports)

    @property
    def busiest(self) -> float:
        return max(self.cpu)


def _job(server: Server, tokens: Sequence[str], messages: int) -> Job:
    return Job(Role.WATCH, server.port, len(tokens), messages, IN_FLIGHT, SIZE, tuple(tokens))


def _watch(jobs: Sequence[Job], servers: Sequence[Server]) -> Watched:
    """The first member of the first job says all messages, and everybody hears them."""
    with ExitStack() as stack:
        silent = [replace(job, is_silent=True) for job in jobs[1:]]
        crowds = [stack.enter_context(client(job)) for job in (jobs[0], *silent)]
        before = [one.cpu_seconds() for one in servers]
        for crowd in reversed(crowds):
            crowd.begin()
        reports = [crowd.report() for crowd in crowds]
        return Watched(reports, [one.cpu_seconds() - cpu for one, cpu in zip(servers, before, strict=True)])


def _measure_fanout(found: Room, messages: int) -> tuple[Table, Sequence[Verdict]]:
    rounds: dict[str, list[Watched]] = defaultdict(list)
    for _ in range(ROUNDS):
        for where, server, tokens in _places(found):
            rounds[where].append(_watch([_job(server, tokens, messages)], [server]))
    ratio = median(
        (ours.cpu[0] / ours.delivered) / (theirs.cpu[0] / theirs.delivered)
        for ours, theirs in zip(rounds[FOLLOWER], rounds[SQLITE], strict=True)
    )
    rows: list[Row] = [
        {
            "members at": where,
            "deliveries/s": median(one.delivered / one.reports[0].seconds for one in done),
            "deliveries per CPU s": median(one.delivered / one.cpu[0] for one in done),
            "lost or out of order": sum(one.wrong for one in done),
        }
        for where, done in rounds.items()
    ]
    wrong = sum(one.wrong for done in rounds.values() for one in done)
    return (
        Table(f"Fan-out to {WATCHERS} sockets, {IN_FLIGHT} messages of {SIZE} bytes in flight", (*rows,)),
        (
            Verdict("CPU per delivery, at a follower to the single gateway", ratio, FANOUT_CLAIM, at_least=False),
            Verdict("lost or out of order", wrong, 0, at_least=False),
        ),
    )


def _measure_decider(found: Room, messages: int) -> tuple[Table, Verdict]:
    """As many messages a second in both cases, so that each is an append of its own."""
    decider, follower = found.shared
    rounds: Mapping[int, list[Watched]] = {1: [], WATCHERS: []}
    for _ in range(ROUNDS):
        for watchers, done in rounds.items():
            job = _job(follower, found.tokens_shared[:watchers], messages)
            done.append(_watch([replace(job, interval_s=INTERVAL_S)], [decider]))
    per_message = {
        watchers: median(one.cpu[0] / one.messages * MS for one in done) for watchers, done in rounds.items()
    }
    rows: list[Row] = [
        {"sockets at a follower": watchers, "CPU ms per message": cost} for watchers, cost in per_message.items()
    ]
    ratio = per_message[WATCHERS] / per_message[1]
    return (
        Table("The gateway that decides, which has no members of its own", (*rows,)),
        Verdict(f"its CPU per message, {WATCHERS} sockets at a follower to 1", ratio, DECIDER_CLAIM, at_least=False),
    )


def _measure_split(folder: Path, messages: int) -> tuple[Table, Verdict]:
    """One gateway starts after another, and the same members spread among those that are there."""
    rounds: dict[int, Watched] = {}
    with room(folder / "split", MEMBERS, max(GATEWAYS)) as found:
        for gateways in GATEWAYS:
            servers = found.shared[:gateways]
            share = MANY_SOCKETS // gateways
            jobs = [replace(_job(one, found.tokens_shared, messages), sockets=share) for one in servers]
            rounds[gateways] = _watch(jobs, servers)
    rates = {gateways: done.delivered / done.busiest for gateways, done in rounds.items()}
    rows: list[Row] = [
        {
            "gateways": gateways,
            "deliveries per CPU s of the busiest": rates[gateways],
            "times one gateway": rates[gateways] / rates[1],
            "CPU ms per message, busiest": done.busiest / done.messages * MS,
            "CPU ms per message, idlest": min(done.cpu) / done.messages * MS,
            "lost or out of order": done.wrong,
        }
        for gateways, done in rounds.items()
    ]
    most = max(GATEWAYS)
    return (
        Table(f"The same {MANY_SOCKETS} sockets, of {MEMBERS} members, split among gateways of one Redis", (*rows,)),
        Verdict(f"deliveries per CPU s of the busiest, {most} gateways to 1", rates[most] / rates[1], SPLIT_CLAIM),
    )
