"""Claim: while 500,000 messages are removed from a room, no message waits more than 50 ms for its acceptance."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import quantiles

from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.members import config, enroll
from benchmarks.million import AGENTS, HUMANS, build
from benchmarks.paced_senders import connected, send_paced, waits_between
from benchmarks.processes import gateway
from gateway.client import Client, Endpoint
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.room_requests import RoomRetention, SetRetention
from gateway.protocol.results import Done, RetentionStanding
from gateway.protocol.types.core_types import MemberKind, Scope
from gateway.server.state_folder.open_hub import open_hub
from gateway.server.state_folder.open_store import DATABASE_FILE
from gateway.server.state_folder.startup_tokens import ensure_token

SENDERS = 20
PER_SECOND = 200
QUIET_S = 15.0
CLAIM_MS = 50.0


def measure(folder: Path, *, quick: bool) -> Outcome:
    count = 120_000 if quick else 1_200_000
    state = folder / "retention"
    asyncio.run(enroll(state, AGENTS, MemberKind.AGENT))
    tokens = asyncio.run(enroll(state, (*HUMANS, *(f"sender-{one}" for one in range(SENDERS))), MemberKind.HUMAN))
    asyncio.run(build(state / DATABASE_FILE, count))
    admin = asyncio.run(_admin(state))
    with gateway(state) as server:
        before = _messages(state)
        seconds, said, quiet, busy = asyncio.run(_measured(server.port, server.url, tokens[-SENDERS:], admin))
        removed = before + said - _messages(state)
    shutil.rmtree(state)
    rows: tuple[dict[str, Cell], ...] = (
        {"while": "nothing else", **_cells(quiet)},
        {"while": f"{removed:,} messages are removed, in {seconds:.0f} s", **_cells(busy)},
    )
    title = f"Acceptance of {PER_SECOND:,} messages a second beside {count:,} stored ones"
    verdict = Verdict(f"longest wait in ms while {removed:,} messages are removed", max(busy) * 1000, CLAIM_MS, False)
    return Outcome("retention", (Table(title, rows),), (verdict,))


def _messages(state: Path) -> int:
    with closing(sqlite3.connect(f"file:{state / DATABASE_FILE}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT count(*) FROM log WHERE kind = 'message'").fetchone()[0])


async def _admin(state: Path) -> str:
    async with open_hub(config(state)) as hub:
        return await ensure_token(hub, state, CreateToken(name="root", kind=MemberKind.HUMAN, scopes=(Scope.ADMIN,)))


async def _measured(
    port: int, url: str, tokens: Sequence[str], admin: str
) -> tuple[float, int, list[float], list[float]]:
    voices = await connected(port, tokens)
    stop = asyncio.Event()
    sending = asyncio.get_running_loop().create_task(send_paced(voices, PER_SECOND, stop), name="senders")
    await asyncio.sleep(3)
    began = time.perf_counter()
    await asyncio.sleep(QUIET_S)
    quiet = waits_between(voices, began, time.perf_counter())
    began = time.perf_counter()
    async with Client(Endpoint(url, admin)) as client:
        await client.request(SetRetention(room="general", keep="20000"), Done)
        found = await client.request(RoomRetention(room="general"), RetentionStanding)
        while not 0 < found.cut == found.reached:
            await asyncio.sleep(0.2)
            found = await client.request(RoomRetention(room="general"), RetentionStanding)
        ended = time.perf_counter()
        busy = waits_between(voices, began, ended)
        stop.set()
        await sending
    return ended - began, sum(len(voice.waits) for voice in voices), quiet, busy


def _cells(seconds: Sequence[float]) -> dict[str, Cell]:
    p99 = quantiles(seconds, n=100)[-1] * 1000
    over = sum(one * 1000 > CLAIM_MS for one in seconds)
    return {"messages": len(seconds), **Spread.of(seconds).cells(), "p99 ms": round(p99, 3), "over 50 ms": over}
