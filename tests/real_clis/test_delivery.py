"""A small run of the proof with each real CLI: what `benchmarks/delivery` accumulates, in a few situations."""

from pathlib import Path

import pytest

from benchmarks.delivery_cast import PLAYERS
from benchmarks.delivery_show import Show, is_bad
from benchmarks.delivery_stage import staged
from tests.real_clis.homes import NEWEST

SITUATIONS = ("idle", "busy", "approval", "draft", "burst", "long", "nasty", "sidecar killed")

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", NEWEST)
async def test_each_message_reached_the_model_once_and_exactly(name: str, tmp_path: Path) -> None:
    player = PLAYERS[name]
    if player.missing:
        pytest.skip(player.missing)
    async with staged(player, tmp_path / "stage", seed=7) as stage:
        show = Show(stage, 7, tmp_path / "results.jsonl", tmp_path / "evidence")
        for number, situation in enumerate(SITUATIONS):
            await show.play(number, situation)
    bad = [
        f"{line.situation} #{line.number}: {line.fate} {line.why} {line.notes}" for line in show.lines if is_bad(line)
    ]
    assert bad == [], "\n".join([*bad, f"more in {tmp_path}"])
    assert {line.situation for line in show.lines} == set(SITUATIONS)
