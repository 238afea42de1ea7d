"""The command: let a real agent ask for permission in panes of five sizes, answer from the room, and compare with what
its model requested and what was carried out."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import approvals_options, machine, report
from benchmarks.approvals_play import BLOCK, Play, size_at
from benchmarks.approvals_results import Line, file_of, is_bad, outcome, read
from benchmarks.approvals_sizes import SIZES, Size
from benchmarks.approvals_truth import oracle_of
from benchmarks.delivery_cast import PLAYERS, Player
from benchmarks.delivery_results import RESULTS
from benchmarks.delivery_run import PAGE
from benchmarks.delivery_show import console
from benchmarks.delivery_stage import staged

SUMMARY = "approvals.json"
EVIDENCE = Path(tempfile.gettempdir()) / "groupchat-approvals"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


async def ask(  # noqa: PLR0913, PLR0917  what the options of the command say
    player: Player,
    wanted: int,
    seed: int,
    minutes: float,
    chosen: tuple[Sequence[Size], Sequence[str]],
    places: tuple[Path, Path],
) -> None:
    """Continues where an earlier run with this seed ended."""
    (sizes, only), (results, evidence) = chosen, places
    before = [line for line in read(results) if line.seed == seed]
    scene, done, begun = max((line.scene + 1 for line in before), default=0), len(before), time.monotonic()
    if done >= wanted:
        return
    vendor = approvals_options.templates_of(player)
    folder = Path(tempfile.mkdtemp(prefix=f"gc-approvals-{player.name}-", dir="/var/tmp"))
    oracle = oracle_of(player, folder, seed * 1000 + scene)
    try:
        async with staged(player, folder, seed * 1000 + scene, oracle, size_at(done, sizes).pane) as stage:
            play = Play(stage, oracle, vendor, seed, results, evidence, only)
            while done < wanted and time.monotonic() - begun < minutes * 60:
                started, size = time.monotonic(), size_at(done, sizes)
                made = await play.play(scene, size, min(wanted, (done // BLOCK + 1) * BLOCK) - done)
                done, scene = done + len(made), scene + 1
                _print(done, size.pane_name, made, time.monotonic() - started)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _print(done: int, pane: str, made: Sequence[Line], took: float) -> None:
    for line in made:
        seconds = "  unseen" if line.seconds is None else f"{line.seconds * 1000:5.0f} ms"
        bad = "  BAD" if is_bad(line) else ""
        console.print(
            f"{done:5} {pane:6} {line.name:28} {line.situation:16} {line.answer:16} {seconds} {line.options:9} "
            f"{line.fate}{bad}  ({took:.1f} s)",
            markup=False,
        )


@app.command(help=__doc__)
def main(  # noqa: PLR0913, PLR0917  each parameter is an option of the command
    cli: Annotated[str, typer.Option(help=f"One of {', '.join(PLAYERS)}.")],
    n: Annotated[int, typer.Option("--n", help="How many questions this seed is to have in the end.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed goes on where it was interrupted.")] = 1,
    minutes: Annotated[float, typer.Option(help="Stop after so long; the same seed goes on another time.")] = 60,
    only: Annotated[
        list[str] | None, typer.Option(help="Such as `command short`, `edit new file`, `fetch short address`; repeat.")
    ] = None,
    session: Annotated[
        list[str] | None, typer.Option(help=f"Of {', '.join(one.name for one in SIZES)}; repeat for more.")
    ] = None,
    options: Annotated[
        bool, typer.Option("--options", help="Measure the vendor's own options first, in a terminal with room.")
    ] = False,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Where results accumulate.")] = RESULTS,
    evidence: Annotated[Path, typer.Option(help="Where what explains a failure is kept.")] = EVIDENCE,
    docs: Annotated[bool, typer.Option("--docs", help="Put the tables into docs/evidence.md.")] = False,
) -> None:
    player = PLAYERS[cli]
    if player.missing:
        raise typer.BadParameter(player.missing)
    with tempfile.TemporaryDirectory(prefix="groupchat-approvals-", dir="/var/tmp") as folder:
        about = machine.describe(Path(folder)) | {cli: player.version}
        if options:
            asyncio.run(approvals_options.measure(player, Path(folder)))
    report.show_machine(console, about)
    sizes = [one for one in SIZES if one.name in (session or (one.name,))]
    file = file_of(cli, results)
    asyncio.run(ask(player, n, seed, minutes, (sizes, only or []), (file, evidence)))
    found = outcome(cli, player.version, read(file))
    report.show(console, found)
    raise typer.Exit(report.keep(about, [found], results / SUMMARY, PAGE if docs else None))


if __name__ == "__main__":
    app()
