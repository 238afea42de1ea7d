"""The makers of docs/pictures/day, on the first scene of it, and of docs/pictures/agents, on one agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.draw_agents import draw_agent
from tests.support.draw_day import DAY, SIZES, SMALL, play

pytestmark = pytest.mark.slow


async def test_the_morning_is_played_and_kept(tmp_path: Path) -> None:
    await play(tmp_path, SIZES[0], DAY[:1])
    name = DAY[0].name
    kept = {f"{name}-{size}.txt" for size in (*SMALL, SIZES[0])} | {f"{name}.svg"}
    assert {one.name for one in tmp_path.iterdir()} == kept
    screen = (tmp_path / f"{name}-120x40.txt").read_text(encoding="utf-8")
    for needed in ("❯ [alice -> claude #", "› [alice -> codex #", "Good morning. I read the grammar.", "#general"):
        assert needed in screen


async def test_an_agent_is_drawn_where_it_answers(tmp_path: Path) -> None:
    await draw_agent("claude", tmp_path)
    (picture,) = tmp_path.iterdir()
    drawn = picture.read_text(encoding="utf-8")
    for needed in (">✓<", "> claude answered<", "Claude Code", ">test_parser.py<", ">claude 2."):
        assert needed in drawn
