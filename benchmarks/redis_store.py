"""Claim: with the log in Redis the gateway accepts at least half as many messages a second as with SQLite.

The same path as in `append`: 64 members send through the hub, each waits for its answer, every message has an id of its
client, goes to three agents, and is synced to disk before it counts (SQLite: synchronous FULL; Redis: appendfsync
always). Both are measured in alternating rounds on the same disk. Also: one sender's waiting time, how fast a gateway
makes its copy anew, and the memory that Redis needs.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.append import AGENTS, ALONE, OWN, SENDERS, SIZE, Measured, measure_inside, middle
from benchmarks.figures import Outcome, Row, Table, Verdict
from benchmarks.members import config, enroll
from gateway.protocol.types.core_types import MemberKind
from gateway.runtime.config import Config
from gateway.server.state_folder.open_hub import open_hub
from gateway.server.state_folder.open_store import COPY_FILE
from tests.support.redis_server import RedisServer

ROUNDS = 3
CLAIMED_PART = 0.5
QUIET_SENDER_MS = 4.0
MIB = 2**20
STREAM = "groupchat:{main}:log"


def measure(folder: Path, *, quick: bool) -> Outcome:
    many, few = (8_000, 300) if quick else (40_000, 2_000)
    with RedisServer(folder / "redis").running() as server:
        stores = {
            "SQLite": config(folder / "on-sqlite"),
            "Redis": config(folder / "on-redis", server.url),
        }
        names = [f"sender-{number}" for number in range(SENDERS)]
        for one in stores.values():
            asyncio.run(enroll(one.state, AGENTS, MemberKind.AGENT, one.store))
            asyncio.run(enroll(one.state, names, MemberKind.HUMAN, one.store))
        crowd: dict[str, list[Measured]] = {store: [] for store in stores}
        alone: dict[str, list[Measured]] = {store: [] for store in stores}
        for _ in range(ROUNDS):
            for store, one in stores.items():
                crowd[store].append(asyncio.run(measure_inside(one, names, many)))
                alone[store].append(asyncio.run(measure_inside(one, names[:1], few)))
        rows = [middle(done, _rate).cells(f"{store}: {OWN}") for store, done in crowd.items()]
        rows += [middle(done, _rate).cells(f"{store}: {ALONE}") for store, done in alone.items()]
        sizes = _sizes(server, stores["Redis"])
    ratio = _rate(middle(crowd["Redis"], _rate)) / _rate(middle(crowd["SQLite"], _rate))
    wait = middle(alone["Redis"], lambda one: one.waits.p50).waits.p50
    title = f"Accepted messages of {SIZE} bytes, three deliveries each, synced to disk and indexed"
    return Outcome(
        "redis",
        (Table(title, tuple(rows), f"The middle one of {ROUNDS} rounds."), sizes),
        (
            Verdict(f"accepted/s with {SENDERS} senders, Redis to SQLite", ratio, CLAIMED_PART),
            Verdict("one sender's p50 in ms, Redis", wait, QUIET_SENDER_MS, at_least=False),
        ),
    )


def _rate(measured: Measured) -> float:
    return measured.per_second


def _sizes(server: RedisServer, store: Config) -> Table:
    """What all that was sent takes in Redis, and how long a gateway without a copy needs to start."""
    entries = int(server.ask("XLEN", STREAM).strip(":\r\n"))
    taken = int(server.ask("MEMORY", "USAGE", STREAM, "SAMPLES", "0").strip(":\r\n"))
    for path in store.state.glob(f"{COPY_FILE}*"):
        path.unlink()
    seconds = asyncio.run(_start_anew(store))
    row: Row = {
        "entries": entries,
        "bytes per entry": round(taken / entries),
        "MiB per million": round(taken / entries * 1_000_000 / MIB),
        "copy made anew, s": round(seconds, 1),
        "entries/s": round(entries / seconds),
    }
    return Table("The stream in Redis, and the copy of it", (row,))


async def _start_anew(store: Config) -> float:
    begun = time.perf_counter()
    async with open_hub(store):
        return time.perf_counter() - begun
