"""Claim: a key in the chat is on the screen within 10 ms (p95) while 100 messages a second arrive in the room."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.desk_chat import CHAT, READY
from benchmarks.desk_pty import Pty, in_a_terminal
from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import clean_environment, gateway
from gateway.client import Client, find_endpoint
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import MessageList
from gateway.protocol.types.core_types import MemberKind

KEYS = 300
ECHO_MS = 10.0
A_SECOND = 100
FULL_LINE = 40
KEY_GAP_S = 0.013
WARM_UP_S = 2.0


def measure(folder: Path, *, quick: bool) -> Outcome:
    keys = 50 if quick else KEYS
    state = folder / "state"
    (token,) = asyncio.run(enroll(state, ("talker",), MemberKind.AGENT))
    with gateway(state), in_a_terminal(CHAT, {"GROUPCHAT_STATE": str(state)}) as chat, in_a_terminal(("cat",)) as cat:
        chat.until(READY, time.perf_counter())
        bare, calm = echo(cat, keys), echo(chat, keys)
        with _talking(state, token) as talk:
            time.sleep(WARM_UP_S)
            with talk.counted():
                bare_busy, busy = echo(cat, keys), echo(chat, keys)
    rows: tuple[dict[str, Cell], ...] = (
        {"where": "`cat` in a bare terminal, at rest", **bare.cells()},
        {"where": f"`cat`, {A_SECOND} messages a second", **bare_busy.cells()},
        {"where": "the chat, at rest", **calm.cells()},
        {"where": f"the chat, {A_SECOND} messages a second", **busy.cells()},
    )
    note = f"{talk.a_second:.0f} messages a second were in the room while it was measured."
    verdict = Verdict(f"ms to a key's echo (p95) with {A_SECOND} messages a second", busy.p95, ECHO_MS, at_least=False)
    return Outcome("keys", (Table(f"From a key to its echo, {keys} keys", rows, note),), (verdict,))


def echo(pty: Pty, count: int) -> Spread:
    """A capital letter that is nowhere else on the screen; the next line uses another one, so that each is printed."""
    found = []
    for number in range(count):
        letter = b"QX"[number // FULL_LINE % 2 :][:1]
        if number % FULL_LINE == 0:
            pty.write(b"\x15")
            time.sleep(0.1)
        pty.forget()
        begun = time.perf_counter()
        pty.write(letter)
        found.append(pty.until(letter, begun))
        time.sleep(KEY_GAP_S)
    pty.write(b"\x15")
    time.sleep(0.1)
    return Spread.of(found)


@dataclass
class Talk:
    """The messages that another member sends meanwhile, counted at the gateway."""

    state: Path
    a_second: float = 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        before, begun = asyncio.run(self._newest()), time.perf_counter()
        yield
        self.a_second = (asyncio.run(self._newest()) - before) / (time.perf_counter() - begun)

    async def _newest(self) -> int:
        async with Client(find_endpoint({}, state=self.state)) as client:
            page = await client.request(History(limit=1), MessageList)
        return page.messages[0].seq if page.messages else 0


@contextmanager
def _talking(state: Path, token: str) -> Iterator[Talk]:
    """In a separate process, so that it does not delay the measuring one."""
    command = [sys.executable, "-P", "-m", "benchmarks.desk_talker", str(state), str(A_SECOND)]
    talker = subprocess.Popen(command, env={**clean_environment(), "CSP_AUTH_TOKEN": token})
    try:
        yield Talk(state)
    finally:
        talker.terminate()
        talker.wait()
