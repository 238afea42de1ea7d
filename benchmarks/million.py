"""Claim: with a million messages stored, the last 50 and a word in all of them are found in less than 5 ms at the
store, whatever the filter and whoever asks; and the gateway starts in less than a second.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.corpus import COMMON, texts, vocabulary
from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.members import config, enroll
from benchmarks.processes import gateway
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.types.core_types import Delivery, MemberKind, MessageKind, Rung
from gateway.server.state_folder.open_hub import open_hub
from gateway.server.state_folder.open_store import DATABASE_FILE
from gateway.store import LogEntry, MessageQuery, Viewer
from gateway.store.sqlite import SqliteStore

ROOMS = ("general", "backend", "frontend", "review", "ops", "random", "planning", "attic")
SHARES = (50, 15, 10, 8, 7, 5, 4, 1)
HUMANS = ("alice", "bob", "carol", "dave")
AGENTS = ("claude", "gemini", "codex", "aider")
SIZE = 200
DIRECT = 0.1
BATCH = 2_000
STILL_OPEN = 1_000
LIMIT = 51
REPEATS = 100
CLAIM_MS = 5.0
START_MS = 1_000.0
STAMP = "2026-01-01T12:00:00.000Z"

MEMBER = Viewer("alice", rooms=frozenset(ROOMS[:6]))
OBSERVER = Viewer("dave", observer=True)


@dataclass(frozen=True)
class Words:
    common: tuple[str, ...] = tuple(COMMON[:20])
    middling: tuple[str, ...] = tuple(vocabulary()[300:400])
    rare: tuple[str, ...] = tuple(vocabulary()[-2000:])


def measure(folder: Path, *, quick: bool) -> Outcome:
    count = 100_000 if quick else 1_000_000
    state = folder / "million"
    asyncio.run(enroll(state, (*HUMANS, *AGENTS), MemberKind.HUMAN))
    building = asyncio.run(build(state / DATABASE_FILE, count))
    size = (state / DATABASE_FILE).stat().st_size / 2**20
    answers = asyncio.run(_ask_everything(state / DATABASE_FILE))
    start, starts = _starts(state)
    shutil.rmtree(state)
    title = f"{count:,} messages ({size:.0f} MB, stored in {building:.0f} s): {LIMIT - 1} newest, at the store"
    kinds = f"{len(answers)} kinds of question, {count:,} messages"
    rows = tuple(one.cells() for one in answers)
    verdicts = (
        Verdict(f"p50 in ms, slowest of {kinds}", max(one.clock.p50 for one in answers), CLAIM_MS, False),
        Verdict(f"CPU p95 in ms, slowest of {kinds}", max(one.processor.p95 for one in answers), CLAIM_MS, False),
        Verdict("opening the hub in ms", start, START_MS, False),
    )
    return Outcome("million", (Table(title, rows), Table("Start-up", tuple(starts))), verdicts)


# building


async def build(path: Path, count: int) -> float:
    begun = time.perf_counter()
    store = SqliteStore(path, synchronous="OFF")
    first = (await store.load()).last_seq + 1
    source = _entries(first, count)
    while batch := [entry for entry, _ in zip(source, range(BATCH), strict=False)]:
        await store.append(batch)
    await store.close()
    return time.perf_counter() - begun


def _entries(first: int, count: int) -> Iterator[LogEntry]:
    chance, lines = random.Random(3), texts(SIZE)
    speakers = (*HUMANS, *AGENTS)
    for seq in range(first, first + count):
        room = chance.choices(ROOMS, SHARES)[0]
        sender, other = chance.sample(speakers, 2)
        open_still = seq >= first + count - STILL_OPEN
        yield _entry(_message(seq, room, sender, next(lines)), other, open_still, chance.random() < DIRECT)


def _message(seq: int, room: str, sender: str, text: str) -> Message:
    return Message(seq, f"c-{seq}", room, sender, ("@all",), MessageKind.CHAT, text, STAMP)


def _entry(said: Message, other: str, open_still: bool, direct: bool) -> LogEntry:
    rung = Rung.QUEUED if open_still else Rung.ANSWERED
    return LogEntry(
        seq=said.seq,
        kind="message",
        event=codec.encode(said),
        room=said.room,
        sender=said.from_,
        client_id=said.id,
        ends=(said.from_, other) if direct else None,
        text=said.content,
        deliveries=(Delivery(said.seq, other, rung, at=STAMP),) if direct or other in AGENTS else (),
    )


# asking


def questions() -> Iterator[tuple[str, list[MessageQuery]]]:
    """Each kind of question, with many wordings of it."""
    for who, view in (("member", MEMBER), ("observer", OBSERVER)):
        last = MessageQuery(view, limit=LIMIT)
        yield f"{who}: last 50 of a room", _in_rooms(last)
        yield f"{who}: last 50 of all rooms", [last]
        yield f"{who}: last 50 to one", [replace(last, recipient=name) for name in (*AGENTS, "bob")]
        yield f"{who}: last 50 from one to another", [replace(last, sender="bob", recipient=name) for name in AGENTS]
        yield f"{who}: last 50 from one in the smallest room", [replace(last, sender="bob", room="attic")]
        for kind, known in (("common", Words.common), ("middling", Words.middling), ("rare", Words.rare)):
            asked = [replace(last, words=word) for word in known]
            yield f"{who}: {kind} word", asked
            yield f"{who}: {kind} word in a room", [one for query in asked[:20] for one in _in_rooms(query)]
            yield f"{who}: {kind} word in the smallest room", [replace(query, room="attic") for query in asked]
            yield f"{who}: {kind} word to one", [replace(query, recipient="claude") for query in asked]
            yield f"{who}: {kind} word from one to one", [replace(q, sender="bob", recipient="alice") for q in asked]


def _in_rooms(query: MessageQuery) -> list[MessageQuery]:
    return [replace(query, room=room) for room in ROOMS[:6]]


@asynccontextmanager
async def _opened(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path)
    await store.load()
    await store.at_rest()  # like a gateway some seconds after its last message
    try:
        yield store
    finally:
        await store.close()


@dataclass(frozen=True)
class Answered:
    """The median number of found messages, wall time and processor time."""

    question: str
    found: int
    clock: Spread
    processor: Spread

    def cells(self) -> dict[str, Cell]:
        return {
            "question": self.question,
            "found": self.found,
            **self.clock.cells(),
            "CPU p95 ms": round(self.processor.p95, 3),
        }


async def _ask_everything(path: Path) -> list[Answered]:
    async with _opened(path) as store:
        return [await _ask(store, what, queries) for what, queries in questions()]


async def _ask(store: SqliteStore, what: str, queries: list[MessageQuery]) -> Answered:
    clock: list[float] = []
    processor: list[float] = []
    found: list[int] = []
    for number in range(REPEATS):
        begun, used = time.perf_counter(), time.process_time()
        records = await store.messages(queries[number % len(queries)])
        clock.append(time.perf_counter() - begun)
        processor.append(time.process_time() - used)
        found.append(min(len(records), LIMIT - 1))
    return Answered(what, sorted(found)[len(found) // 2], Spread.of(clock), Spread.of(processor))


# starting


def _starts(state: Path) -> tuple[float, list[dict[str, Cell]]]:
    opened = [asyncio.run(_open(state)) for _ in range(5)]
    _forget(state)
    cold = asyncio.run(_open(state))
    begun = time.perf_counter()
    with gateway(state):
        process = (time.perf_counter() - begun) * 1000
    warm = sorted(opened)[len(opened) // 2]
    rows: list[dict[str, Cell]] = [
        {"what": "open the hub", "ms": warm},
        {"what": "open the hub, file not in memory", "ms": cold},
        {"what": "process start to listening", "ms": process},
    ]
    return max(warm, cold), rows


def _forget(state: Path) -> None:
    """Ask the kernel to drop its cache of the files."""
    for path in state.glob(f"{DATABASE_FILE}*"):
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


async def _open(state: Path) -> float:
    begun = time.perf_counter()
    async with open_hub(config(state)):
        return (time.perf_counter() - begun) * 1000
