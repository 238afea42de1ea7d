"""The demo agent asks in a low pane and in a wide one: each time a card appears and the answer takes effect."""

from pathlib import Path

from benchmarks.approvals_options import templates_of
from benchmarks.approvals_play import Play
from benchmarks.approvals_results import is_bad
from benchmarks.approvals_scene import AT_TERMINAL, PLAIN, TWO
from benchmarks.approvals_sizes import SIZES
from benchmarks.approvals_truth import oracle_of
from benchmarks.delivery_cast import PLAYERS
from benchmarks.delivery_stage import staged

LATE_S = 10.0


async def test_a_card_at_each_size_and_what_is_answered_happens(tmp_path: Path) -> None:
    player, (low, wide) = PLAYERS["demo"], (SIZES[1], SIZES[-1])
    oracle = oracle_of(player, tmp_path / "stage", 1)
    async with staged(player, tmp_path / "stage", 1, oracle, low.pane) as stage:
        play = Play(stage, oracle, templates_of(player), 1, tmp_path / "results.jsonl", tmp_path / "evidence")
        for number, situation in enumerate((PLAIN, PLAIN, AT_TERMINAL)):
            await play.play(number, low, situation=situation)
        for number, situation in enumerate((PLAIN, TWO)):
            await play.play(10 + number, wide, situation=situation)
    bad = [f"{line.pane} {line.answer}: {line.fate} {line.why}" for line in play.lines if is_bad(line, LATE_S)]
    assert bad == [], "\n".join([*bad, f"more in {tmp_path}"])
