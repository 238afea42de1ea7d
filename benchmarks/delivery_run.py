"""The command: deliver messages to a real agent in every situation, and compare them with what its model received."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Annotated

import typer

from benchmarks import delivery_latency, machine, report
from benchmarks.delivery_cast import PLAYERS, Player
from benchmarks.delivery_results import RESULTS, file_of, outcome, read
from benchmarks.delivery_scenes import SCENES
from benchmarks.delivery_show import Show, console, is_bad
from benchmarks.delivery_stage import staged
from benchmarks.figures import Outcome
from benchmarks.processes import ROOT

SUMMARY = "delivery.json"
PAGE = ROOT / "docs" / "evidence.md"
EVIDENCE = Path(tempfile.gettempdir()) / "groupchat-delivery"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


async def deliver(player: Player, wanted: int, seed: int, only: list[str], places: tuple[Path, Path]) -> None:
    """Continues where an earlier run with this seed ended."""
    results, evidence = places
    before = [line for line in read(results) if line.seed == seed]
    scene, done = max((line.scene + 1 for line in before), default=0), len(before)
    if done >= wanted:
        return
    names = only or list(SCENES)
    folder = Path(tempfile.mkdtemp(prefix=f"gc-delivery-{player.name}-", dir="/var/tmp"))
    try:
        async with staged(player, folder, seed * 1000 + scene) as stage:
            show = Show(stage, seed, results, evidence)
            begun = time.monotonic()
            while done + len(show.lines) < wanted:
                name = Random(f"{seed}/{scene}").choices(names, [SCENES[one][1] for one in names])[0]
                started = time.monotonic()
                made = await show.play(scene, name)
                good = "" if not any(map(is_bad, made)) else "  BAD"
                count = done + len(show.lines)
                pace = (time.monotonic() - begun) / len(show.lines)
                console.print(
                    f"{count:5} {name:16} {len(made):3} in {time.monotonic() - started:5.1f} s, {pace:.2f} s each{good}"
                )
                scene += 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@app.command(help=__doc__)
def main(  # noqa: PLR0913, PLR0917  each parameter is an option of the command
    cli: Annotated[str, typer.Option(help=f"One of {', '.join(PLAYERS)}.")],
    n: Annotated[int, typer.Option("--n", help="How many messages this seed is to have in the end.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed goes on where it was interrupted.")] = 1,
    only: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(SCENES)}; repeat for more.")] = None,
    latency: Annotated[
        bool, typer.Option("--latency", help="Measure times instead: no faults, an idle agent.")
    ] = False,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where results accumulate.")] = RESULTS,
    evidence: Annotated[Path, typer.Option(help="Where what explains a failure is kept.")] = EVIDENCE,
    docs: Annotated[bool, typer.Option("--docs", help="Put the tables into docs/evidence.md.")] = False,
) -> None:
    player = PLAYERS[cli]
    if player.missing:
        raise typer.BadParameter(player.missing)
    with tempfile.TemporaryDirectory(prefix="groupchat-delivery-") as folder:
        about = machine.describe(Path(folder)) | {cli: player.version}
    report.show_machine(console, about)
    found: Outcome
    if latency:
        found = asyncio.run(delivery_latency.measure(player, n, seed))
    else:
        file = file_of(cli, results)
        asyncio.run(deliver(player, n, seed, only or [], (file, evidence)))
        found = outcome(cli, player.version, read(file))
    report.show(console, found)
    raise typer.Exit(report.keep(about, [found], results / SUMMARY, PAGE if docs else None))


if __name__ == "__main__":
    app()
