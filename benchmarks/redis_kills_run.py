"""The command: kill -9 of a gateway, of its Redis, or of both, while clients send and listen; then count what is there.

Three people send without a pause, an agent confirms what it gets, an observer reads everything. Each round kills at a
random moment and starts again what was killed. At the end the senders' answers, the copy of the gateway and a copy that
another gateway makes from Redis must say the same.

Then a gateway is killed beside a standby, and the time to the next message that the standby accepts is taken.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import machine, report
from benchmarks.figures import Outcome, Row, Spread, Table, Verdict
from benchmarks.processes import ROOT
from gateway.client import Client
from gateway.process_basics.tasks import spawn
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.server.state_folder.open_store import COPY_FILE
from tests.fakes.retry import retry_until
from tests.support.gateways import GatewayProcess
from tests.support.kills import Ledger, send_while_killing
from tests.support.redis_server import RedisServer

LATEST = ROOT / "benchmarks" / "results" / "redis-kills.json"
PAGE = ROOT / "docs" / "evidence.md"
VICTIMS = ("gateway", "redis", "both")
PATIENCE_S = 120.0
TAKEOVER_MEDIAN_MS, TAKEOVER_LONGEST_MS = 3_000, 6_000

app = typer.Typer(add_completion=False)


@dataclass
class Rounds:
    """How long it took from each kill to the next accepted message, by what was killed."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {victim: [] for victim in VICTIMS})


@dataclass(frozen=True)
class Said:
    """The messages of a database, in order."""

    rows: Sequence[tuple[int, str]]

    @staticmethod
    def of(database: Path) -> Said:
        connection = sqlite3.connect(database)
        events = [codec.decode_durable(row[0]) for row in connection.execute("SELECT event FROM log ORDER BY seq")]
        connection.close()
        return Said([(event.seq, event.id) for event in events if isinstance(event, Message)])


@app.command()
def run(
    rounds: Annotated[int, typer.Option(help="How often something is killed.")] = 200,
    takeovers: Annotated[int, typer.Option(help="How often a standby takes over.")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed kills the same things.")] = 1,
    docs: Annotated[bool, typer.Option("--docs", help="Also write the table into docs/evidence.md.")] = False,
) -> None:
    console = Console()
    with tempfile.TemporaryDirectory(prefix="redis-kills-") as folder:
        about = machine.describe(Path(folder))
        report.show_machine(console, about)
        outcomes = [
            asyncio.run(kill_in(Path(folder), rounds, seed)),
            asyncio.run(take_over_in(Path(folder), takeovers)),
        ]
    for one in outcomes:
        report.show(console, one)
    raise typer.Exit(report.keep(about, outcomes, LATEST, PAGE if docs else None))


async def kill_in(folder: Path, rounds: int, seed: int) -> Outcome:
    timed = Rounds()
    with RedisServer(folder / "redis").running() as server:
        process = GatewayProcess(folder / "state", "--store", server.url)
        ledger = await _with_kills(process, server, rounds, seed, timed)
        again = GatewayProcess(folder / "again", "--store", server.url)
        with again.running():
            again.stop()
    return _outcome(ledger, Said.of(folder / "state" / COPY_FILE), Said.of(folder / "again" / COPY_FILE), timed)


async def _with_kills(process: GatewayProcess, server: RedisServer, rounds: int, seed: int, timed: Rounds) -> Ledger:
    chance = random.Random(seed)
    ledger = Ledger()

    async def kill() -> None:
        victim = chance.choice(VICTIMS)
        if victim != "redis":
            process.kill()
        if victim != "gateway":
            server.kill()
        before, begun = len(ledger.accepted), time.monotonic()
        if victim != "gateway":
            await asyncio.to_thread(server.start)
        if victim != "redis":
            await asyncio.to_thread(process.start)
        await retry_until(lambda: len(ledger.accepted) > before, PATIENCE_S)
        timed.seconds[victim].append(time.monotonic() - begun)

    return await send_while_killing(process, rounds, kill, seed, ledger)


async def take_over_in(folder: Path, rounds: int) -> Outcome:
    """Two gateways take turns: one serves and is killed, the other stands by and goes on."""
    seconds: list[float] = []
    with RedisServer(folder / "takeovers").running() as server:
        gateways = [GatewayProcess(folder / name, "--store", server.url, "--standby") for name in ("one", "two")]
        serving = gateways[0].start()
        try:
            for number in range(1, rounds + 1):
                standby = gateways[number % 2]
                starting = spawn(asyncio.to_thread(standby.start), "standby")
                await retry_until(lambda standby=standby: _stands_by(standby), PATIENCE_S)  # type: ignore[misc]
                await _say(serving, f"message {number}")
                serving.kill()
                begun = time.monotonic()
                serving = await starting
                await _say(serving, f"message {number} once more")
                seconds.append(time.monotonic() - begun)
        finally:
            serving.kill()
    title = "kill -9 of the gateway beside a standby: to the next accepted message"
    spread = Spread.of(seconds)
    verdicts = (
        Verdict("median of the takeovers, ms", spread.p50, TAKEOVER_MEDIAN_MS, at_least=False),
        Verdict("longest takeover, ms", spread.worst, TAKEOVER_LONGEST_MS, at_least=False),
    )
    return Outcome("redis-takeover", (Table(title, ({"takeovers": rounds, **spread.cells()},)),), verdicts)


def _stands_by(gateway: GatewayProcess) -> bool:
    """Whether the last thing that it has said is that it stands by."""
    lines = gateway.log.splitlines() if gateway.has_log else []
    return bool(lines) and "= standing by" in lines[-1]


async def _say(gateway: GatewayProcess, text: str) -> None:
    async with Client(gateway.operator, patient=True) as client:
        await client.send(text)


def _outcome(ledger: Ledger, copy: Said, again: Said, timed: Rounds) -> Outcome:
    stored = {message_id: seq for seq, message_id in copy.rows}
    lost = sum(stored.get(message_id) != seq for message_id, seq in ledger.accepted.items())
    doubled = len(copy.rows) - len(stored)
    misheard = sum(heard != copy.rows for heard in ledger.heard.values())
    unlike = int(copy.rows != again.rows)
    rows = [_row(victim, seconds) for victim, seconds in timed.seconds.items() if seconds]
    note = (
        f"{len(ledger.accepted)} messages accepted; {lost} lost, {doubled} doubled; {misheard} of {len(ledger.heard)} "
        f"listeners heard something twice, not at all or out of order; the copies are {'not ' * unlike}alike."
    )
    title = "kill -9 under load: from the kill to the next accepted message, starting what was killed included"
    return Outcome("redis-kills", (Table(title, tuple(rows), note),), tuple(_verdicts(lost, doubled, misheard, unlike)))


def _row(victim: str, seconds: Sequence[float]) -> Row:
    return {"killed": victim, "rounds": len(seconds), **Spread.of(seconds).cells()}


def _verdicts(lost: int, doubled: int, misheard: int, unlike: int) -> list[Verdict]:
    counts: Mapping[str, int] = {
        "accepted messages lost": lost,
        "messages doubled": doubled,
        "listeners that did not hear each message once, in order": misheard,
        "copies that differ": unlike,
    }
    return [Verdict(claim, count, 0, at_least=False) for claim, count in counts.items()]


if __name__ == "__main__":
    app()
