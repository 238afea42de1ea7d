"""The command: three gateways on one Redis; kill -9 of any of them, of two, of Redis, or of Redis and the gateway that
decides, or SIGSTOP of that one, while clients send and listen at all of them; then count what is there.

A person sends at each gateway without a pause, an observer reads everything at each, an agent confirms what it gets.
Each round does harm at a random moment. What was killed is started again; a decider that was killed or stopped stays so
until another gateway has gone on. At the end the senders' answers, what each listener heard, and the copies of all
gateways must say the same.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import machine, report
from benchmarks.figures import Outcome, Row, Spread, Table, Verdict
from benchmarks.processes import ROOT
from gateway.protocol import codec
from gateway.protocol.events import Message
from tests.support.cluster_kills import Cluster, Victim
from tests.support.kills import Ledger
from tests.support.redis_server import RedisServer

LATEST = ROOT / "benchmarks" / "results" / "redis-kills.json"
PAGE = ROOT / "docs" / "evidence.md"
TAKEOVER_MEDIAN_MS, TAKEOVER_LONGEST_MS = 3_000, 6_000

app = typer.Typer(add_completion=False)


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
    with RedisServer(folder / "redis").running() as server:
        cluster = Cluster.at(server, folder)
        await cluster.run(rounds, seed)
    return _outcome(cluster, [Said.of(copy) for copy in cluster.copies])


def _outcome(cluster: Cluster, copies: Sequence[Said]) -> Outcome:
    ledger = cluster.ledger
    rows = copies[0].rows
    misheard = sum(heard != rows for heard in ledger.heard.values())
    note = (
        f"{len(ledger.accepted)} messages accepted; {len(ledger.heard)} listeners. {cluster.ended} times a gateway "
        "ended by itself, because another one had taken over, and was started again."
    )
    title = "kill -9 of gateways and Redis under load: from the kill to the next accepted message"
    table = Table(title, tuple(_row(victim, seconds) for victim, seconds in cluster.seconds.items() if seconds), note)
    verdicts = [*_counts(ledger, copies, misheard), *_takeovers(cluster)]
    return Outcome("redis-kills", (table,), tuple(verdicts))


def _row(victim: str, seconds: Sequence[float]) -> Row:
    return {"killed": victim, "rounds": len(seconds), **Spread.of(seconds).cells()}


def _counts(ledger: Ledger, copies: Sequence[Said], misheard: int) -> Iterator[Verdict]:
    rows = copies[0].rows
    stored = {message_id: seq for seq, message_id in rows}
    counts: Mapping[str, int] = {
        "accepted messages lost": sum(stored.get(one) != seq for one, seq in ledger.accepted.items()),
        "messages doubled": len(rows) - len(stored),
        "listeners that did not hear each message once, in order": misheard,
        "copies that differ from the first one": sum(copy.rows != rows for copy in copies),
    }
    for claim, count in counts.items():
        yield Verdict(claim, count, 0, at_least=False)


def _takeovers(cluster: Cluster) -> Iterator[Verdict]:
    if seconds := cluster.seconds[Victim.DECIDER]:
        spread = Spread.of(seconds)
        yield Verdict("decider killed, median in ms", spread.p50, TAKEOVER_MEDIAN_MS, at_least=False)
        yield Verdict("decider killed, longest in ms", spread.worst, TAKEOVER_LONGEST_MS, at_least=False)


if __name__ == "__main__":
    app()
