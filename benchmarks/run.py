"""The command: measure every claim, or one, and print what was found."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import (
    append,
    command_line,
    fanout,
    floor,
    floor_turns,
    idle,
    loops,
    machine,
    million,
    report,
    restart,
    tools,
)
from benchmarks.figures import Outcome
from benchmarks.processes import ROOT
from gateway.server import log_setup

BENCHMARKS: dict[str, Callable[..., Outcome]] = {
    "fanout": fanout.measure,
    "append": append.measure,
    "million": million.measure,
    "idle": idle.measure,
    "tools": tools.measure,
    "loops": loops.measure,
    "floor": floor.measure,
    "turns": floor_turns.measure,
    "restart": restart.measure,
    "cli": command_line.measure,
}
LATEST = ROOT / "benchmarks" / "results" / "latest.json"
PAGE = ROOT / "docs" / "benchmarks.md"

app = typer.Typer(add_completion=False)


@app.command(help=__doc__)
def main(
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(BENCHMARKS)}; repeat for more.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything: a look, not a measurement.")] = False,
    json: Annotated[Path, typer.Option(metavar="FILE", help="Where the figures go.")] = LATEST,
    docs: Annotated[bool, typer.Option("--docs", help="Also put the figures into docs/benchmarks.md.")] = False,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="On which disk; a temporary folder in it is used.")
    ] = None,
) -> None:
    log_setup.configure_logging("warning")
    console = Console()
    names = only or list(BENCHMARKS)
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}")
    with tempfile.TemporaryDirectory(prefix="groupchat-benchmark-", dir=folder) as name:
        about = machine.describe(Path(name))
        report.show_machine(console, about)
        outcomes = []
        for wanted in names:
            outcome = BENCHMARKS[wanted](Path(name), quick=quick)
            report.show(console, outcome)
            outcomes.append(outcome)
    raise typer.Exit(report.keep(about, outcomes, json, PAGE if docs else None, quick=quick))


if __name__ == "__main__":
    app()
