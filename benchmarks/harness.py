"""One command for all suites: choose what to measure, measure it, print and keep the figures."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import machine, report
from benchmarks.figures import Outcome
from benchmarks.processes import ROOT
from gateway.server import log_setup

Measure = Callable[..., Outcome]
RESULTS = ROOT / "benchmarks" / "results"
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Suite:
    """`figures` is a file of `benchmarks/results`, `page` one of `docs`, where the suite has one."""

    about: str
    benchmarks: Mapping[str, Measure]
    figures: str
    page: str | None = None

    def chosen(self, names: list[str] | None) -> list[str]:
        if unknown := sorted(set(names or ()) - set(self.benchmarks)):
            raise typer.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(self.benchmarks)}")
        return names or list(self.benchmarks)


def run_suite(suite: Suite) -> None:
    suite_command(suite)()


def suite_command(suite: Suite) -> typer.Typer:
    """The command line of a suite."""
    app = typer.Typer(add_completion=False)

    @app.command(help=suite.about)
    def measure(
        only: Annotated[
            list[str] | None, typer.Option(help=f"One of {', '.join(suite.benchmarks)}; repeat for more.")
        ] = None,
        quick: Annotated[bool, typer.Option("--quick", help="Less of everything: a look, not a measurement.")] = False,
        json: Annotated[Path, typer.Option(metavar="FILE", help="Where the figures go.")] = RESULTS / suite.figures,
        docs: Annotated[bool, typer.Option("--docs", help="Also put the tables into the page in docs.")] = False,
        folder: Annotated[
            Path | None, typer.Option(metavar="DIR", help="On which disk; a temporary folder in it is used.")
        ] = None,
    ) -> None:
        if docs and suite.page is None:
            raise typer.BadParameter("these figures have no page in docs")
        page = DOCS / suite.page if docs and suite.page else None
        raise typer.Exit(_measure(suite, suite.chosen(only), folder, quick=quick, kept=(json, page)))

    return app


def _measure(suite: Suite, names: list[str], disk: Path | None, *, quick: bool, kept: tuple[Path, Path | None]) -> int:
    """The exit code: 0 if every claim was met. Each benchmark has a folder of its own."""
    log_setup.configure_logging("warning")
    console = Console()
    with tempfile.TemporaryDirectory(prefix="groupchat-benchmark-", dir=disk) as folder:
        about = machine.describe(Path(folder))
    report.show_machine(console, about)
    outcomes = []
    for name in names:
        with tempfile.TemporaryDirectory(prefix="groupchat-benchmark-", dir=disk) as folder:
            outcomes.append(suite.benchmarks[name](Path(folder), quick=quick))
        report.show(console, outcomes[-1])
    return report.keep(about, outcomes, *kept, quick=quick)
