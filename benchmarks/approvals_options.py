"""Records the vendors' own options: each kind of question in the bare CLI, in a terminal that shows all of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from benchmarks.approvals_questions import DEMO, Ground, Question, prepare, question, shapes
from benchmarks.approvals_sizes import WIDE
from benchmarks.approvals_truth import AskingModel
from benchmarks.approvals_verdict import Templates, options_on, template
from benchmarks.delivery_cast import Player
from benchmarks.delivery_results import RESULTS
from tests.fakes.models.model import Model
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import Place

FILE = RESULTS / "approvals-options.json"
FIRST_MARK = 9000
DEMO_OPTIONS = {DEMO: (("1", "Yes"), ("2", "No"))}


class Known(msgspec.Struct, frozen=True):
    version: str
    options: dict[str, tuple[tuple[str, str], ...]]


def read(file: Path = FILE) -> dict[str, Known]:
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Known]) if file.exists() else {}


def templates_of(player: Player) -> Templates:
    if player.cli is None:
        return DEMO_OPTIONS
    known = read().get(player.name)
    if known is None or known.version != player.version:
        raise SystemExit(f"The options of {player.name} {player.version} are not known yet: run with --options first.")
    return known.options


async def measure(player: Player, folder: Path) -> None:
    assert player.cli is not None
    ground = Ground(folder / "work", folder / "beside")
    for path in (folder / "home", ground.work):
        path.mkdir(parents=True)
    oracle = AskingModel(player, 1)
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    async with Model(player.cli.dialect(), choose=oracle.choose) as model, outside() as world:
        oracle.model = model
        launch = player.launch(Place(folder / "home", ground.work, model.url))
        env = {**launch.env, **world.env}
        async with terminal(launch.argv, env, cwd=ground.work, columns=WIDE[0], lines=WIDE[1]) as pane:
            await pane.shows(player.cli.ready, 60)
            await asyncio.sleep(2)
            for number, name in enumerate(shapes(player.name)):
                asked = question(player.name, name, str(FIRST_MARK + number), ground)
                prepare(ground, asked)
                options = await _asked(pane, oracle, asked)
                work = str(ground.work)
                found[name] = tuple((key, template(text, asked.mark, work)) for key, text in options)
    kept = read() | {player.name: Known(player.version, found)}
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(kept)) + b"\n")


async def _asked(pane: Terminal, oracle: AskingModel, asked: Question) -> list[tuple[str, str]]:
    """Read the options like a person, then answer no."""
    word = f"plan-{asked.mark}"
    oracle.plan(word, [asked])
    before = len(oracle.calls)
    await pane.submit(f"please do {word}")
    await retry_until(lambda: len(oracle.calls) > before, describe=pane.describe)
    await retry_until(lambda: options_on(pane.rows), describe=pane.describe)
    await asyncio.sleep(1.0)
    options = options_on(pane.rows)
    pane.write("\x1b")
    await asyncio.sleep(1.0)
    return options
