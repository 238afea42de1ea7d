"""What it costs a sidecar that people watch its terminal while the agent repaints it sixty times a second.

The same agent is watched and not watched, in turns. It paints the time, so that a watcher sees how old each picture is.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from benchmarks import processes, sidecar_ways
from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.sidecar_rest import drained
from benchmarks.sidecar_ways import Window, sidecar, window
from gateway.client import Client, find_endpoint
from gateway.protocol.events import TerminalPicture
from gateway.protocol.requests.agent_requests import UnwatchTerminal, WatchTerminal
from gateway.protocol.results import Done, Watching

SECONDS, ROUNDS = 10.0, 4
SETTLED = 2.0
MAX_PERCENT, MAX_PER_SECOND, MAX_LAG_S = 2.0, 10.5, 1.0
PAINTER = """
import os, sys, time, tty
tty.setraw(0)
rows = int(sys.argv[1])
frame = 0
while True:
    frame += 1
    out = ["\\x1b[1;1Hpainted at %.4f\\x1b[K" % time.monotonic()]
    for y in range(1, rows):
        words = "".join("\\x1b[38;5;%dmword %04d " % ((frame + y + x) % 256, (frame * 7 + x) % 9999) for x in range(10))
        out.append("\\x1b[%d;1H%s\\x1b[0m\\x1b[K" % (y + 1, words))
    data = "".join(out).encode()
    while data:
        data = data[os.write(1, data):]
    time.sleep(1 / 60)
"""
SCENES = {"one row changes": 1, "all 30 rows change, in colour": 30}


@dataclass
class _Seen:
    """What a watcher got."""

    pictures: int = 0
    lags: list[float] = field(default_factory=list)

    def take(self, picture: TerminalPicture) -> None:
        self.pictures += 1
        for row in picture.changed:
            if row.y == 0 and row.runs:
                self.lags.append(time.monotonic() - float(row.runs[0].text.split()[-1]))


def measure(folder: Path, *, quick: bool) -> Outcome:
    seconds, rounds = (SECONDS / 4, 2) if quick else (SECONDS, ROUNDS)
    env = sidecar_ways.environment(folder / "state")
    rows: list[dict[str, Cell]] = []
    verdicts: list[Verdict] = []
    with processes.gateway(folder / "state"):
        for number, (what, painted) in enumerate(SCENES.items()):
            name = f"watch{number}"
            with _painting(name, painted, env) as one:
                found = asyncio.run(_compare(folder / "state", name, one, seconds, rounds))
            rows += [{"what": what, **row} for row in found.rows]
            verdicts += found.verdicts(what)
    return Outcome("watch", (Table("A terminal that repaints 60 times a second", tuple(rows)),), tuple(verdicts))


@contextmanager
def _painting(name: str, rows: int, env: dict[str, str]) -> Iterator[Window]:
    program = (sys.executable, "-c", PAINTER, str(rows))
    with window(sidecar(name)(program), env) as one:
        one.until(b"painted at")
        with drained([one]):
            time.sleep(SETTLED)
            yield one


@dataclass
class _Compared:
    alone: list[float]
    watched: list[float]
    seen: _Seen
    seconds: float

    @property
    def more(self) -> float:
        return fmean(self.watched) - fmean(self.alone)

    @property
    def rows(self) -> list[dict[str, Cell]]:
        came = {"pictures/s": round(self.seen.pictures / self.seconds, 1), **self._ages()}
        return [
            {"watched": "no", "% of a core": round(fmean(self.alone), 2), **dict.fromkeys(came)},
            {"watched": "yes", "% of a core": round(fmean(self.watched), 2), **came},
        ]

    def _ages(self) -> dict[str, Cell]:
        return {f"age {name}": cell for name, cell in Spread.of(self.seen.lags).cells().items()}

    def verdicts(self, what: str) -> list[Verdict]:
        return [
            Verdict(f"{what}: % of a core more while watched", self.more, MAX_PERCENT, False),
            Verdict(f"{what}: pictures a second", self.seen.pictures / self.seconds, MAX_PER_SECOND, False),
            Verdict(f"{what}: age of a picture, at most, in seconds", max(self.seen.lags), MAX_LAG_S, False),
        ]


async def _compare(state: Path, name: str, one: Window, seconds: float, rounds: int) -> _Compared:
    server, seen = one.sidecar(), _Seen()
    found = _Compared([], [], seen, seconds * rounds)
    async with Client(find_endpoint({}, state=state)) as client:
        for _ in range(rounds):
            found.alone.append(await _percent(server, seconds))
            await client.request(WatchTerminal(member=name), Watching)
            reading = asyncio.get_running_loop().create_task(_read(client, seen), name="read")
            found.watched.append(await _percent(server, seconds))
            reading.cancel()
            await client.request(UnwatchTerminal(member=name), Done)
            await asyncio.sleep(0.5)
    return found


async def _read(client: Client, seen: _Seen) -> None:
    async for event in client.events():
        if isinstance(event, TerminalPicture):
            seen.take(event)


async def _percent(server: processes.Server, seconds: float) -> float:
    """The processor time of the sidecar, in hundredths of a core."""
    before, begun = server.cpu_seconds(), time.monotonic()
    await asyncio.sleep(seconds)
    return 100 * (server.cpu_seconds() - before) / (time.monotonic() - begun)
