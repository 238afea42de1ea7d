"""Claims: a message sent with a tool ends another agent's `peer_wait` within 30 ms; waiting costs almost nothing; the
first call is answered within two seconds; the list of tools is small; calls of one agent delay another's by at most 50
ms, whatever they contain."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import Server, gateway
from gateway.client import Client, Endpoint
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.types.core_types import MemberKind
from tests.end_to_end.desk_session import children_of
from tests.support.mcp_clients import Peer, peer

ROUNDS = 200
PARKED = 200
WATCH = 60.0
WAIT, LONG_WAIT = 50.0, 290.0
WAKES, RESTS, FIRST, SIZE, BESIDE = 30.0, 1.0, 2.0, 8000.0, 50.0
LONGEST_TEXT = 60_000
BUSY = tuple(
    (one * LONGEST_TEXT)[:LONGEST_TEXT] for one in ("token", "secret=", "a='", "password: ", "eyJ-", "\u202e\x1b[")
)


def measure(folder: Path, *, quick: bool) -> Outcome:
    names = ["ada", "ben", *(f"parked-{number}" for number in range(PARKED))]
    state = folder / "tools"
    tokens = asyncio.run(enroll(state, names, MemberKind.AGENT))
    with gateway(state) as server:
        return asyncio.run(_measured(server, [Endpoint(server.url, token) for token in tokens], quick=quick))


async def _measured(server: Server, ends: list[Endpoint], *, quick: bool) -> Outcome:
    begun = time.perf_counter()
    async with peer(ends[0]) as ada, peer(ends[1]) as ben:
        await ada("peer_list")
        first = time.perf_counter() - begun
        size = len((await ada.session.list_tools()).model_dump_json(by_alias=True, exclude_none=True))
        woken = Spread.of([await _wake(ada, ben) for _ in range(ROUNDS // 10 if quick else ROUNDS)])
        alone = Spread.of(await _asked(ben, ROUNDS // 10 if quick else ROUNDS))
    heard = Spread.of(await _heard(ends, ROUNDS // 10 if quick else ROUNDS))
    watch = WATCH / 10 if quick else WATCH
    percent = await _parked(server, ends[2:], watch, LONG_WAIT)
    again = await _parked(server, ends[2:], watch, WAIT)
    async with peer(ends[0]) as ada, peer(ends[1]) as ben:  # last: its content goes to all inboxes
        beside = Spread.of(await _beside(ada, ben))
    rows: tuple[dict[str, Cell], ...] = (
        {"from": "a send to the event on a WebSocket, without tools", **heard.cells()},
        {"from": "`peer_send` to the end of another's `peer_wait`", **woken.cells()},
        {"from": "`peer_status`, alone", **alone.cells()},
        {"from": "`peer_status`, while another shows 60 000 characters made to be masked slowly", **beside.cells()},
    )
    costs: tuple[dict[str, Cell], ...] = (
        {"what": f"CPU of gateway and tools, {PARKED} parked in `peer_wait`, % of a core", "figure": percent},
        {"what": f"the same, where clients bear a minute and call again after {WAIT:g} s", "figure": again},
        {"what": "s until the first call is answered, with the start of the process", "figure": first},
        {"what": "bytes of the list of tools", "figure": size},
    )
    return Outcome(
        "tools",
        (Table("Said with a tool, until it is heard", rows), Table("What tools cost", costs)),
        (
            Verdict("ms from peer_send to the end of peer_wait (p95)", woken.p95, WAKES, at_least=False),
            Verdict(f"% of a core for {PARKED} that wait", percent, RESTS, at_least=False),
            Verdict("s until the first call is answered", first, FIRST, at_least=False),
            Verdict("ms that another's call waits longer (p95)", beside.p95 - alone.p95, BESIDE, at_least=False),
            Verdict("bytes of the list of tools", size, SIZE, at_least=False),
        ),
    )


async def _wake(ada: Peer, ben: Peer) -> float:
    waiting = asyncio.gather(ben("peer_wait", timeout=30))
    await asyncio.sleep(0.05)
    begun = time.perf_counter()
    sent, _ = await asyncio.gather(ada("peer_send", to="ben", message="hello"), waiting)
    assert sent.startswith("Sent"), sent
    return time.perf_counter() - begun


async def _asked(ben: Peer, rounds: int) -> list[float]:
    found: list[float] = []
    for _ in range(rounds):
        begun = time.perf_counter()
        await ben("peer_status")
        found.append(time.perf_counter() - begun)
    return found


async def _beside(ada: Peer, ben: Peer) -> list[float]:
    """The duration of another agent's calls while one sends content that is slow to process."""
    found: list[float] = []
    for text in BUSY:
        showing = asyncio.gather(*(ada("peer_context", file="a.py", text=text) for _ in range(3)))
        while not showing.done():
            found += await _asked(ben, 1)
        await showing
    return found


async def _heard(ends: list[Endpoint], rounds: int) -> list[float]:
    found: list[float] = []
    async with Client(ends[0], Hello()) as ada, Client(ends[1], Hello()) as ben:
        events = ben.events()
        for _ in range(rounds):
            begun = time.perf_counter()
            await ada.send("hello", to="@ben")
            async for event in events:
                if isinstance(event, Message):
                    break
            found.append(time.perf_counter() - begun)
    return found


async def _parked(server: Server, ends: list[Endpoint], seconds: float, wait: float) -> float:
    """The processor time of gateway and tools while many wait, without that of the clients in this process."""
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(peer(end, patience=wait + 10)) for end in ends]
        waiting = [asyncio.gather(_waits(one, wait)) for one in peers]
        await asyncio.sleep(3)
        pids = [server.pid, *children_of(server.pid)]
        before = sum(Server("", pid, "").cpu_seconds() for pid in pids)
        await asyncio.sleep(seconds)
        spent = sum(Server("", pid, "").cpu_seconds() for pid in pids) - before
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    return spent / seconds * 100


async def _waits(one: Peer, wait: float) -> None:
    while True:
        await one("peer_wait", timeout=wait)
