"""Count in how many rounds three real CLIs come back to the same conversations, and how long that takes."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import machine, report
from benchmarks.figures import Outcome, Row, Spread, Table, Verdict
from benchmarks.processes import ROOT
from gateway.server import log_setup
from tests.real_clis.comeback_rounds import WAYS, Round, rounds
from tests.real_clis.three import THREE, three_at_work

LATEST = ROOT / "benchmarks" / "results" / "comeback.json"
ROUNDS = 20

app = typer.Typer(add_completion=False)


async def measured(folder: Path, count: int, console: Console) -> list[Round]:
    found = []
    async with three_at_work(folder) as three:
        async for one in rounds(three, count):
            console.print(f"{one.number}: {one.way}, up in {one.seconds:.1f} s, the same: {', '.join(one.same)}")
            for remark in one.remarks:
                console.print(f"   {remark}")
            found.append(one)
    return found


def outcome_of(found: list[Round]) -> Outcome:
    rows = tuple(_row(way, [one for one in found if one.way == way]) for way in WAYS)
    same = sum(len(one.same) for one in found)
    wanted = len(found) * len(THREE)
    verdict = Verdict(f"conversations of {wanted} that were the same", same, wanted)
    table = Table(f"{', '.join(THREE)}: {len(found)} rounds", rows, "From `up` until all three take messages.")
    return Outcome("comeback", (table,), (verdict,))


def _row(way: str, found: list[Round]) -> Row:
    same = f"{sum(len(one.same) for one in found)} of {len(found) * len(THREE)}"
    seconds = [one.seconds for one in found] or [0.0]
    return {"after": way, "rounds": len(found), "the same": same, **Spread.of(seconds).cells()}


@app.command(help=__doc__)
def main(
    count: Annotated[int, typer.Option(min=1, help="So many rounds.")] = ROUNDS,
    json: Annotated[Path, typer.Option(metavar="FILE", help="Where the figures go.")] = LATEST,
) -> None:
    log_setup.configure_logging("warning")
    console = Console()
    with tempfile.TemporaryDirectory(prefix="groupchat-comeback-", dir="/var/tmp") as folder:
        about = machine.describe(Path(folder))
        report.show_machine(console, about)
        outcome = outcome_of(asyncio.run(measured(Path(folder), count, console)))
    report.show(console, outcome)
    raise typer.Exit(report.keep(about, [outcome], json, quick=count < ROUNDS))


if __name__ == "__main__":
    app()
