"""Claims: with 12 agents, 5 rooms and 10 000 messages the chat takes less than 120 MB, another room is on the screen
within 50 ms (p95), and a key within 10 ms (p95).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path

from benchmarks.desk_chat import CHAT, READY
from benchmarks.desk_crowd import MARK_BY_ROOM
from benchmarks.desk_keys import ECHO_MS, KEYS, echo
from benchmarks.desk_pty import Pty, in_a_terminal
from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import Server, clean_environment, gateway
from gateway.protocol.types.core_types import MemberKind

AGENTS = ("ada", "ben", "cleo", "dan", "eva", "fay", "gus", "hal", "ivy", "jon", "kim", "leo")
MESSAGES = 10_000
SWITCHES = 100
PAGES_BACK = 60
MEMORY_MB, SWITCH_MS = 120.0, 50.0


def measure(folder: Path, *, quick: bool) -> Outcome:
    messages, switches, keys = (1_000, 20, 50) if quick else (MESSAGES, SWITCHES, KEYS)
    state = folder / "state"
    tokens = asyncio.run(enroll(state, AGENTS, MemberKind.AGENT))
    env = {"GROUPCHAT_STATE": str(state)}
    with (
        gateway(state),
        _crowd(state, tokens, messages),
        in_a_terminal(("cat",)) as cat,
        in_a_terminal(CHAT, env) as chat,
    ):
        chat.until(READY, time.perf_counter())
        _join_all(chat)
        switched = _switch(chat, switches)
        bare, typed = echo(cat, keys), echo(chat, keys)
        _look_back(chat)
        memory = Server("chat", chat.pid, "").rss()
    times: tuple[dict[str, Cell], ...] = (
        {"what": "from Enter after `/room NAME` to that room's newest message", **switched.cells()},
        {"what": "from a key to its echo, in the chat", **typed.cells()},
        {"what": "from a key to its echo, `cat` in a bare terminal", **bare.cells()},
    )
    size: tuple[dict[str, Cell], ...] = (
        {"what": f"the chat, after {switches} switches and {PAGES_BACK} pages back", "RSS MB": memory},
    )
    title = f"{len(AGENTS)} agents, {len(MARK_BY_ROOM)} rooms, {messages:,} messages"
    return Outcome(
        "rooms",
        (Table(title, times), Table("Memory", size)),
        (
            Verdict("ms to another room (p95)", switched.p95, SWITCH_MS, at_least=False),
            Verdict("ms to a key's echo (p95)", typed.p95, ECHO_MS, at_least=False),
            Verdict("MB of memory", memory, MEMORY_MB, at_least=False),
        ),
    )


@contextmanager
def _crowd(state: Path, tokens: list[str], messages: int) -> Iterator[None]:
    """In a separate process, so that it does not delay the measuring one."""
    command = [sys.executable, "-P", "-m", "benchmarks.desk_crowd", str(state), str(messages)]
    crowd = subprocess.Popen(command, env=clean_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert crowd.stdin is not None
    assert crowd.stdout is not None
    try:
        crowd.stdin.write("\n".join(tokens))
        crowd.stdin.close()
        if crowd.stdout.readline() != "ready\n":
            raise AssertionError("the agents did not say everything")
        yield
    finally:
        crowd.terminate()
        crowd.wait()
        crowd.stdout.close()


def _join_all(chat: Pty) -> None:
    for room, mark in list(MARK_BY_ROOM.items())[1:]:
        chat.forget()
        chat.write(f"/join {room}\r".encode())
        chat.until(mark.encode(), time.perf_counter())


def _switch(chat: Pty, count: int) -> Spread:
    found = []
    for room, mark in islice(cycle(MARK_BY_ROOM.items()), count):
        chat.write(f"/room {room}".encode())
        time.sleep(0.1)
        chat.forget()
        begun = time.perf_counter()
        chat.write(b"\r")
        found.append(chat.until(mark.encode(), begun))
        time.sleep(0.05)
    return Spread.of(found)


def _look_back(chat: Pty) -> None:
    for _ in range(PAGES_BACK):
        chat.write(b"\x1b[5~")
        time.sleep(0.05)
        chat.drain(0)
