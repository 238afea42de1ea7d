"""A program prints 100 MB as fast as it can while a message waits: how fast that passes, what it costs the sidecar, and
that the message is delivered afterwards, once.

The terminal takes everything and draws nothing, so nothing but the way limits the speed.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import processes, sidecar_ways
from benchmarks.figures import Cell, Outcome, Table, Verdict
from benchmarks.sidecar_flood import LINES, PRINTER
from benchmarks.sidecar_ways import PATIENCE, Window, bare, proxied, sidecar, window
from gateway.client import Client, find_endpoint
from gateway.protocol.events import Message

MEGABYTES, QUICK_MEGABYTES = 100, 20
ROUNDS, QUICK_ROUNDS = 5, 1
NAME = "printer"
CURSOR_QUERY, CURSOR = b"\x1b[6n", b"\x1b[1;1R"
DEMO = f"exec {sys.executable} -P -m sidecar.demo_agent"
STARTS = "printf started; read go; "


def taking_all(one: Window) -> AbstractContextManager[None]:
    """A terminal that reads all the time and answers where the cursor is."""

    def take(data: bytes) -> None:
        one.seen = (one.seen + data)[-len(CURSOR_QUERY) :]  # the question may come in two pieces
        if one.seen == CURSOR_QUERY:
            one.press(CURSOR)

    return one.read_meanwhile(take, 1 << 20)


@dataclass(frozen=True)
class Passed:
    megabytes_per_s: float
    cpu_s: float = 0.0
    answered_s: float = 0.0
    answers: int = 0


def measure(folder: Path, *, quick: bool) -> Outcome:
    megabytes, rounds = (QUICK_MEGABYTES, QUICK_ROUNDS) if quick else (MEGABYTES, ROUNDS)
    ways: dict[str, Callable[[str], Passed]] = {
        "bare PTY": lambda what: _print(folder, bare(_printer(folder, what, megabytes))),
        "bare proxy": lambda what: _print(folder, proxied(_printer(folder, what, megabytes))),
        "sidecar": lambda what: asyncio.run(_print_behind_sidecar(folder, what, megabytes)),
    }
    found: dict[tuple[str, str], list[Passed]] = {(what, way): [] for what in LINES for way in ways}
    with processes.gateway(folder / "state"):
        for _ in range(rounds):
            for (what, way), taken in found.items():
                taken.append(ways[way](what))
    return _outcome(found, megabytes)


def _printer(folder: Path, what: str, megabytes: int) -> Sequence[str]:
    line = LINES[what].encode("unicode_escape").decode()
    return (sys.executable, "-c", PRINTER, line, str(megabytes * 1_000_000), str(folder / "speed"))


def _print(folder: Path, command: Sequence[str]) -> Passed:
    (folder / "speed").unlink(missing_ok=True)
    with window(command, sidecar_ways.environment(folder / "state")) as one, taking_all(one):
        return Passed(_speed(folder))


def _speed(folder: Path) -> float:
    until = time.monotonic() + PATIENCE
    while not (folder / "speed").exists():
        if time.monotonic() > until:
            raise TimeoutError(f"it did not print all within {PATIENCE:g} s")
        time.sleep(0.02)
    return float((folder / "speed").read_text())


async def _print_behind_sidecar(folder: Path, what: str, megabytes: int) -> Passed:
    """A message is sent when the program is about to print; after the last byte it becomes the demo agent."""
    (folder / "speed").unlink(missing_ok=True)
    env = sidecar_ways.environment(folder / "state")
    program = f"{STARTS}{shlex.join(_printer(folder, what, megabytes))}; {DEMO}"
    with window(sidecar(NAME)(("sh", "-c", program)), env) as one:
        await asyncio.to_thread(one.until, b"started")
        with taking_all(one):
            async with Client(find_endpoint(env)) as client:
                sent = await client.send("say passed", to=f"@{NAME}")
                before = one.sidecar().cpu_seconds()
                one.press(b"\r")
                speed = await asyncio.to_thread(_speed, folder)
                spent, ended = one.sidecar().cpu_seconds() - before, time.monotonic()
                answers = await _answers(client, sent.seq)
                return Passed(speed, spent, time.monotonic() - ended, answers)


async def _answers(client: Client, number: int) -> int:
    """How many answers come; a second one would come soon."""
    count, patience = 0, PATIENCE
    try:
        while True:
            async with asyncio.timeout(patience):
                async for event in client.events():
                    if isinstance(event, Message) and event.from_ == NAME and event.reply_to == number:
                        count, patience = count + 1, 0.5
                        break
    except TimeoutError:
        return count


def _outcome(found: dict[tuple[str, str], list[Passed]], megabytes: int) -> Outcome:
    rows: tuple[dict[str, Cell], ...] = tuple(
        {
            "what": what,
            "way": way,
            "MB/s, median": round(median(one.megabytes_per_s for one in taken), 1),
            "slowest": round(min(one.megabytes_per_s for one in taken), 1),
            "fastest": round(max(one.megabytes_per_s for one in taken), 1),
            "sidecar's cpu s": round(median(one.cpu_s for one in taken), 2) if way == "sidecar" else "-",
            "message answered": f"{sum(one.answers == 1 for one in taken)} of {len(taken)}"
            if way == "sidecar"
            else "-",
        }
        for (what, way), taken in found.items()
    )
    answered = [one.answers == 1 for (_, way), taken in found.items() if way == "sidecar" for one in taken]
    verdicts = (Verdict("messages answered once after it", sum(answered) / len(answered), 1.0),)
    note = f"{megabytes} MB each, in turns; a message that was sent before waits until an agent is at its prompt."
    return Outcome("long-flood", (Table("Into a terminal that takes everything", rows, note),), verdicts)
