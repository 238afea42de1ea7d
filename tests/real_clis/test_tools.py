"""What a real CLI makes of the room's tools, in a room and where there is none."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from gateway.protocol.types.core_types import Rung
from sidecar.agents.adapter.adapter import LaunchContext as SidecarPlace
from sidecar.agents.gemini_hooks import extension_files
from tests.fakes.models.script import Reply, ToolCall
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import ALL, CLIS, among
from tests.real_clis.running import STARTS_WITHIN_S, prepared
from tests.real_clis.test_limits import in_the_room

pytestmark = pytest.mark.slow


async def alone_for(seconds: float, pane: Terminal) -> None:
    """Long enough for a server that is tried to be missed."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert "issues" not in pane.screen and "rror" not in pane.screen, pane.describe()
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("name", among("vibe"))
async def test_its_model_calls_a_tool_without_a_question(name: str, tmp_path: Path) -> None:
    """Vibe's model reaches tools of servers by a program."""
    code = 'async function main() { return await tools.mcp_groupchat.peer_send({to: "*", message: "By a tool."}) }'
    async with in_the_room(ALL[name], tmp_path) as scene:
        scene.model.script(Reply("I tell them.", tool=ToolCall("run_typescript", {"code": code})), Reply("Told."))
        await scene.reaches(await scene.say("Tell everybody."), Rung.ANSWERED)
        said = [one.content for one in await scene.history() if one.from_ == name]
        assert sorted(said) == ["By a tool.", "Told."]


@pytest.mark.parametrize("name", among("gemini"))
async def test_outside_a_sidecar_gemini_is_told_nothing_of_them(name: str, tmp_path: Path) -> None:
    """The extension stays in the user's home, where their plain Gemini finds it."""
    cli = CLIS[name]
    async with prepared(cli, tmp_path) as alone:
        place = SidecarPlace(alone.place.work, tmp_path, "", "", {"HOME": str(alone.place.home)})
        for path, text in extension_files(("gemini",), place).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        async with terminal(alone.argv, alone.env, cwd=alone.place.work) as pane:
            await pane.shows(cli.ready, STARTS_WITHIN_S)
            await pane.shows("1 MCP server")  # it counts the one that it passes over
            await alone_for(3, pane)
