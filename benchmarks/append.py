"""Claim: the gateway's own path - rules, deliveries, index, commit - accepts at least 10 000 messages a second.

64 members send at the same time, each waiting for its answer before it sends again, as programs do. Every message has
an id of its client, goes to three agents, and is on disk (synchronous FULL) before it counts. Also measured: the same
through WebSockets to a gateway process, and a single sender's waiting time beside the disk's own.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.client import client
from benchmarks.corpus import texts
from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.jobs import Job, Role
from benchmarks.machine import fdatasync_time
from benchmarks.members import config, enroll
from benchmarks.processes import gateway
from gateway.access.permissions import Actor
from gateway.client import new_id
from gateway.operations.dispatch import run_operation
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted
from gateway.protocol.types.core_types import MemberKind
from gateway.runtime.config import Config
from gateway.runtime.hub import Hub
from gateway.server import gateway_process
from gateway.server.state_folder.open_hub import open_hub

SENDERS = 64
AGENTS = ("claude", "gemini", "codex")
SIZE = 200
ROUNDS = 3
CLAIM = 10_000
QUIET_SENDER_MS = 2.0
OWN = f"own append path, {SENDERS} senders"
ALONE = "own append path, 1 sender"
NO_RATE: dict[str, Cell] = {"accepted/s": None, "accepted per CPU s": None}
T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """The result of one run; `cpu` is the processor time of the process that holds the hub."""

    accepted: int
    seconds: float
    cpu: float
    waits: Spread

    @property
    def per_second(self) -> float:
        return self.accepted / self.seconds

    def cells(self, what: str) -> dict[str, Cell]:
        rate = {"accepted/s": self.per_second, "accepted per CPU s": self.accepted / self.cpu}
        return {"what": what, **rate, **self.waits.cells()}


def measure(folder: Path, *, quick: bool) -> Outcome:
    many, few = (8_000, 300) if quick else (40_000, 2_000)
    state = folder / "append"
    names = [f"sender-{number}" for number in range(SENDERS)]
    asyncio.run(enroll(state, AGENTS, MemberKind.AGENT))
    tokens = asyncio.run(enroll(state, names, MemberKind.HUMAN))
    rounds: dict[str, list[Measured]] = defaultdict(list)
    disk: list[Spread] = []
    for _ in range(ROUNDS):
        disk.append(fdatasync_time(folder))
        rounds[OWN].append(asyncio.run(measure_inside(config(state), names, many)))
        rounds[ALONE].append(asyncio.run(measure_inside(config(state), names[:1], few)))
        rounds[f"over WebSocket, {SENDERS} senders"].append(_outside(state, tokens, many // 2))
        rounds["over WebSocket, 1 sender"].append(_outside(state, tokens[:1], few))
    rows = [middle(measured, lambda one: one.per_second).cells(what) for what, measured in rounds.items()]
    rows.append({"what": "the disk's fdatasync", **NO_RATE, **middle(disk, lambda one: one.p50).cells()})
    title = f"Accepted messages of {SIZE} bytes, three deliveries each, committed (FULL) and indexed"
    note = f"The middle one of {ROUNDS} rounds."
    return Outcome("append", (Table(title, tuple(rows), note),), tuple(_verdicts(rounds)))


def middle(measured: Sequence[T], key: Callable[[T], float]) -> T:
    return sorted(measured, key=key)[len(measured) // 2]


def _verdicts(rounds: Mapping[str, Sequence[Measured]]) -> Iterator[Verdict]:
    rate = middle(rounds[OWN], lambda one: one.per_second).per_second
    yield Verdict(f"accepted/s with {SENDERS} senders", rate, CLAIM)
    wait = middle(rounds[ALONE], lambda one: one.waits.p50).waits.p50
    yield Verdict("one sender's p50 in ms, own append path", wait, QUIET_SENDER_MS, at_least=False)


async def measure_inside(settings: Config, names: list[str], messages: int) -> Measured:
    """Through the hub in this process."""
    gateway_process.freeze_garbage()  # as `serve` does
    async with open_hub(settings) as hub:
        source = _wishes(messages)
        begun, cpu = time.perf_counter(), time.process_time()
        waits = await asyncio.gather(*(_sender(hub, Actor(name, MemberKind.HUMAN), source) for name in names))
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return Measured(messages, seconds, cpu, Spread.of([one for part in waits for one in part]))


def _wishes(messages: int) -> Iterator[Send]:
    source = texts(SIZE)
    to = tuple(f"@{name}" for name in AGENTS)
    made = [Send(content=next(source), id=new_id(), to=to) for _ in range(messages)]
    return iter(made)


async def _sender(hub: Hub, actor: Actor, source: Iterator[Send]) -> list[float]:
    waits: list[float] = []
    for wish in source:
        begun = time.perf_counter()
        result = await run_operation(hub, actor, wish)
        waits.append(time.perf_counter() - begun)
        assert isinstance(result, Accepted) and len(result.deliveries) == len(AGENTS) and not result.duplicate
    return waits


def _outside(state: Path, tokens: list[str], messages: int) -> Measured:
    """Through WebSockets, from a process of clients to a process of the gateway."""
    to = tuple(f"@{name}" for name in AGENTS)
    with gateway(state) as found:
        job = Job(Role.SEND, found.port, len(tokens), messages, size=SIZE, tokens=tuple(tokens), to=to)
        with client(job) as choir:
            cpu = found.cpu_seconds()
            report = choir.run()
            cpu = found.cpu_seconds() - cpu
    if report.lost:
        raise RuntimeError(f"{report.lost} of {report.messages} messages were refused")
    return Measured(report.messages, report.seconds, cpu, Spread.of(report.latencies))
