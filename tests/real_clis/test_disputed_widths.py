"""Texts whose width is disputed, in a session of tmux, whose own terminal counts letters as no other does: they arrive,
and disturb no later text. OpenCode and Cline move to columns behind such letters.

Neither is installed by the default run; without `bin/prove-clis opencode cline` this is skipped.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.models.script import Reply
from tests.real_clis.five import UP, command
from tests.real_clis.homes import among
from tests.real_clis.three import three_in_a_session

pytestmark = pytest.mark.slow
TEXTS = (
    *("👩‍👩‍👧 and 🏳️‍🌈", "I ❤️ it, 1️⃣", "🧑🏽‍🚀 🇩🇪", "short"),
    *("नमस्ते दुनिया, यह एक परीक्षण है", "தமிழ் மொழி", "short", "ภาษาไทย น้ำ", "שלום\u200f!", "Tie\u0302\u0301ng", "short"),
)


@pytest.mark.parametrize("name", among("opencode", "cline"))
async def test_texts_of_disputed_width_are_answered_and_those_after_them(name: str, tmp_path: Path) -> None:
    async with three_in_a_session(tmp_path, {name: "coder"}) as one:
        up = await command(one, *UP)
        assert up.code == 0, up
        for number, text in enumerate(TEXTS):
            one.models[name].script(Reply(f"Read number {number}."))
            await command(one, "send", f"@{name} {text}", "--wait-reply", "--timeout", "60")
            assert f"Read number {number}." in one.said_by(name), (text, one.session.text())
            assert text in one.models[name].prompts[-1]
