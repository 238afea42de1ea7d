"""A connector of a team file: `up` starts it in a pane, it answers, its pane shows a plain log, `down` ends it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.end_to_end.desk_session import a_session
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.models.without_tools import ChatWithoutTools
from tests.fakes.retry import retry_until

TEAM = """
[gateway]
port = 0

[[agents]]
name = "ada"
role = "reviewer"
connector = "openai-compatible"
base_url = "{url}/v1"
model = "fake"
"""


async def test_a_team_with_a_connector(tmp_path: Path) -> None:
    async with (
        Model(ChatWithoutTools(), default=Reply("I would take the second one")) as model,
        a_session(tmp_path) as session,
    ):
        file = tmp_path / "team.toml"
        file.write_text(TEAM.format(url=model.url))
        done = await asyncio.to_thread(session.groupchat, "up", "--detach", "--json", "--team", str(file))
        assert done.code == 0, done
        await session.until(lambda: session.doing().get("ada") == "idle", "ada")
        session.say("@ada which one?")
        await session.shows("I would take the second one", "read by 127.0.0.1")
        await session.shows("asks", "answered in", name="ada")
        await retry_until(lambda: session.said_by("ada") == ["I would take the second one"])
        down = await asyncio.to_thread(session.groupchat, "down")
        assert "ada" in down.out
    assert "You are ada, the reviewer" in model.seen[0].body["messages"][0]["content"]
