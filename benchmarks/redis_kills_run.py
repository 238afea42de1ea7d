"""The command: kill -9 of a gateway, of its Redis, or of both, while clients send and listen; then count what is there.

Three people send without a pause, an agent confirms what it gets, an observer reads everything. Each round kills at a
random moment and starts again what was killed. At the end the senders' answers, the copy of the gateway and a copy that
another gateway makes from Redis must say the same.
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
    seed: Annotated[int, typer.Option(help="The same seed kills the same things.")] = 1,
    docs: Annotated[bool, typer.Option("--docs", help="Also write the table into docs/evidence.md.")] = False,
) -> None:
    console = Console()
    with tempfile.TemporaryDirectory(prefix="redis-kills-") as folder:
        about = machine.describe(Path(folder))
        report.show_machine(console, about)
        outcome = asyncio.run(kill_in(Path(folder), rounds, seed))
    report.show(console, outcome)
    raise typer.Exit(report.keep(about, [outcome], LATEST, PAGE if docs else None))


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


def _outcome(ledger: Ledger, copy: Said, again: Said, timed: Rounds) -> Outcome:
    stored = {message_id: seq for seq, message_id in copy.rows}
    lost = sum(stored.get(message_id) != seq for message_id, seq in ledger.accepted.items())
    doubled = len(copy.rows) - len(stored)
    misheard = sum(heard != copy.rows for heard in ledger.heard.values())
    unlike = int(copy.rows != again.rows)
    rows = [_row(victim, seconds) for victim, seconds in timed.seconds.items() if seconds]
    note = (
        f"{len(ledger.accepted)} messages accepted; {lost} lost, {doubled} doubled; {misheard} of {len(ledger.heard)} "
        f"listeners heard something twice, not at all or out of order; the copies are {'un' * unlike}like."
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
