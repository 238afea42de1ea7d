"""The command: measure what the desk claims: its start, its keys, its reach, its history, and print what was found."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import desk_chat, desk_keys, desk_start, machine, report
from benchmarks.figures import Outcome
from benchmarks.processes import ROOT
from gateway.server import log_setup

BENCHMARKS: dict[str, Callable[..., Outcome]] = {
    "start": desk_start.measure,
    "keys": desk_keys.measure,
    "reach": desk_chat.reach,
    "open": desk_chat.opening,
}
LATEST = ROOT / "benchmarks" / "results" / "desk.json"
PAGE = ROOT / "docs" / "desk-numbers.md"

app = typer.Typer(add_completion=False)


@app.command(help=__doc__)
def main(
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(BENCHMARKS)}; repeat for more.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything: a look, not a measurement.")] = False,
    json: Annotated[Path, typer.Option(metavar="FILE", help="Where the figures go.")] = LATEST,
    docs: Annotated[bool, typer.Option("--docs", help="Also put the tables into docs/desk-numbers.md.")] = False,
) -> None:
    log_setup.configure_logging("warning")
    console = Console()
    names = only or list(BENCHMARKS)
    if unknown := sorted(set(names) - set(BENCHMARKS)):
        raise typer.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}")
    with tempfile.TemporaryDirectory(prefix="groupchat-desk-") as folder:
        about = machine.describe(Path(folder))
    report.show_machine(console, about)
    outcomes = []
    for wanted in names:
        with tempfile.TemporaryDirectory(prefix="groupchat-desk-") as folder:
            outcomes.append(BENCHMARKS[wanted](Path(folder), quick=quick))
        report.show(console, outcomes[-1])
    raise typer.Exit(report.keep(about, outcomes, json, PAGE if docs else None, quick=quick))


if __name__ == "__main__":
    app()
