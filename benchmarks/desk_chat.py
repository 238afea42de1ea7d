"""Claims: a message is in an idle agent's composer within 0.3 s of Enter (p95); a room of a million messages opens as
fast as one of a hundred.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks import million
from benchmarks.desk_pty import Pty, in_a_terminal
from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import gateway
from gateway.client import Client, find_endpoint
from gateway.protocol.types.core_types import MemberKind
from gateway.server.state_folder.open_store import DATABASE_FILE

REACH_MS = 300.0
OPENS = 5
SLOWER = 1.25
CHAT = (sys.executable, "-P", "-m", "controller.cli.main", "chat")
JOIN = (
    sys.executable,
    "-P",
    "-m",
    "sidecar.cli",
    "join",
    "ada",
    "--",
    sys.executable,
    "-P",
    "-m",
    "sidecar.demo_agent",
)
READY = b"/help"


def reach(folder: Path, *, quick: bool) -> Outcome:
    count = 15 if quick else 100
    with gateway(folder / "state"):
        env = {"GROUPCHAT_STATE": str(folder / "state")}
        with in_a_terminal(JOIN, env) as agent, in_a_terminal(CHAT, env) as chat:
            chat.until(READY, time.perf_counter())
            chat.until(b"ada", time.perf_counter())
            agent.until(b"? for help", time.perf_counter())
            time.sleep(2.5)
            found = Spread.of([_message(chat, agent, number) for number in range(count)])
    rows = ({"from Enter in the chat": "to the text in the composer", **found.cells()},)
    verdict = Verdict("ms from Enter to the composer of an idle agent (p95)", found.p95, REACH_MS, at_least=False)
    return Outcome("reach", (Table(f"A message for an idle agent, {count} times", rows),), (verdict,))


def _message(chat: Pty, agent: Pty, number: int) -> float:
    text = f"say word{number}end"
    chat.write(f"@ada {text}".encode())
    time.sleep(0.2)
    chat.forget()
    agent.forget()
    begun = time.perf_counter()
    chat.write(b"\r")
    taken = agent.until(f"word{number}end".encode(), begun)
    chat.until(b"answered", time.perf_counter())
    time.sleep(0.3)
    return taken


def opening(folder: Path, *, quick: bool) -> Outcome:
    sizes = (100, 20_000 if quick else 1_000_000)
    found = {size: _opened(folder / str(size), size) for size in sizes}
    rows: tuple[dict[str, Cell], ...] = tuple(
        {"messages": size, "median s": median(times), "slowest s": max(times)} for size, times in found.items()
    )
    ratio = median(found[sizes[1]]) / median(found[sizes[0]])
    verdict = Verdict(f"times as long for {sizes[1]:,} messages as for 100", ratio, SLOWER, at_least=False)
    return Outcome(
        "open", (Table(f"From the command to the room's newest page, {OPENS} times each", rows),), (verdict,)
    )


def _opened(state: Path, size: int) -> list[float]:
    asyncio.run(enroll(state, (*million.HUMANS, *million.AGENTS), MemberKind.HUMAN))
    asyncio.run(million.build(state / DATABASE_FILE, size))
    with gateway(state):
        asyncio.run(_last_words(state))
        return [_open(state) for _ in range(OPENS + 1)][1:]


async def _last_words(state: Path) -> None:
    async with Client(find_endpoint({}, state=state)) as client:
        await client.send("THE-NEWEST")


def _open(state: Path) -> float:
    begun = time.perf_counter()
    with in_a_terminal(CHAT, {"GROUPCHAT_STATE": str(state)}) as chat:
        return chat.until(b"THE-NEWEST", begun)
