"""Claims: a key in the chat is on the screen within 30 ms (p95) while 50 messages a second arrive; a message is in an
idle agent's composer within 0.3 s of Enter (p95); a room of a million messages opens as fast as one of a hundred.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks import million
from benchmarks.desk_pty import Pty, in_a_terminal
from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import gateway
from gateway import server
from gateway.client import Client, find_endpoint
from gateway.protocol.nouns import MemberKind

KEYS = 300
ECHO_MS, REACH_MS = 30.0, 300.0
A_SECOND = 50
OPENS = 5
SLOWER = 1.25
CHAT = (sys.executable, "-P", "-m", "controller.cli", "chat")
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


def echo(folder: Path, *, quick: bool) -> Outcome:
    keys = 50 if quick else KEYS
    with gateway(folder / "state") as house:
        assert house.pid
        env = {"GROUPCHAT_STATE": str(folder / "state")}
        with in_a_terminal(CHAT, env) as chat, in_a_terminal(("cat",)) as cat:
            chat.until(READY, time.perf_counter())
            bare = Spread.of(_keys(cat, keys))
            calm = Spread.of(_keys(chat, keys))
            with _talking(folder / "state"):
                busy = Spread.of(_keys(chat, keys))
    rows: tuple[dict[str, Cell], ...] = (
        {"where": "`cat` in a bare terminal", **bare.cells()},
        {"where": "the chat, at rest", **calm.cells()},
        {"where": f"the chat, {A_SECOND} messages a second", **busy.cells()},
    )
    verdict = Verdict(f"ms to a key's echo (p95) with {A_SECOND} messages a second", busy.p95, ECHO_MS, at_least=False)
    return Outcome("echo", (Table(f"From a key to its echo, {keys} keys", rows),), (verdict,))


def _keys(pty: Pty, count: int) -> list[float]:
    """A capital letter: nothing else that is printed has one."""
    found = []
    for number in range(count):
        if number % 40 == 0:
            pty.write(b"\x15")
            time.sleep(0.1)
        pty.forget()
        begun = time.perf_counter()
        pty.write(b"Q")
        found.append(pty.until(b"Q", begun))
        time.sleep(0.013)
    pty.write(b"\x15")
    return found


@contextmanager
def _talking(state: Path) -> Iterator[None]:
    """Somebody else says so many things a second, evenly."""
    ending = threading.Event()

    async def talk() -> None:
        async with Client(find_endpoint({}, state=state)) as client:
            due = time.perf_counter()
            while not ending.is_set():
                await client.send("one more line of about the length that lines in a chat have")
                due += 1 / A_SECOND
                await asyncio.sleep(max(0.0, due - time.perf_counter()))

    talking = threading.Thread(target=lambda: asyncio.run(talk()))
    talking.start()
    try:
        time.sleep(1)
        yield
    finally:
        ending.set()
        talking.join()


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
    asyncio.run(million.build(state / server.DATABASE, size))
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
