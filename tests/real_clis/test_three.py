"""As a new user: one command, three real CLIs, one room; they talk to the person and to each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.models.script import Reply
from tests.real_clis.three import THREE, three_in_a_session

pytestmark = pytest.mark.slow


async def test_three_real_clis_talk_in_one_session(tmp_path: Path) -> None:
    async with three_in_a_session(tmp_path) as three:
        session, models = three.session, three.models
        models["claude"].script(
            Reply("Good morning from claude."), Reply("I wrote it.\n@codex Does it hold for empty input?")
        )
        models["codex"].script(Reply("Good morning from codex."), Reply("It does not."))
        models["gemini"].script(Reply("Good morning from gemini."), Reply("Once is enough."))
        up = session.groupchat("up", "--yes", "--detach", "--json", "--port", "0")
        assert up.code == 0, up
        assert (up.json["agents"], up.json["problems"]) == (list(THREE), {})

        session.say("@all Good morning.")
        await session.shows("✓ claude answered  ✓ codex answered  ✓ gemini answered")
        for name in THREE:
            assert session.said_by(name) == [f"Good morning from {name}."]
            assert len(models[name].prompts) == 1
            assert "Good morning." in models[name].prompts[0]

        session.say("@claude Who looks at the parser?")
        await session.until(lambda: "It does not." in session.said_by("codex"))
        asked = next(one for one in session.messages() if one["content"] == "Does it hold for empty input?")
        answered = next(one for one in session.messages() if one["content"] == "It does not.")
        assert (asked["from"], asked["recipients"]) == ("claude", ["codex"])
        assert (answered["reply_to"], answered["recipients"]) == (asked["seq"], ["claude"])
        assert "Does it hold for empty input?" in models["codex"].prompts[1]
        await session.until(lambda: any("It does not." in prompt for prompt in models["claude"].prompts))
        assert len(models["gemini"].prompts) == 1
        assert [one for model in models.values() for one in model.strangers] == []
