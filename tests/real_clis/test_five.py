"""A day in short with five different CLIs in one room: all answer, one reaches a usage limit and goes on by itself, two
write one file, everything is killed, and all come back to their conversations.

Two of them are not installed by the default run; without `bin/prove-clis opencode copilot` this is skipped.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real_clis.five import day, five_at_work

pytestmark = pytest.mark.slow


async def test_a_day_with_five_clis(tmp_path: Path) -> None:
    async with five_at_work(tmp_path) as five:
        await day(five)
