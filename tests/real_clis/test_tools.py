"""What a real CLI makes of the room's tools where there is no room."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from sidecar.agents.adapter.adapter import LaunchContext as SidecarPlace
from sidecar.agents.gemini_hooks import extension_files
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import CLIS
from tests.real_clis.running import prepared

pytestmark = pytest.mark.slow


async def alone_for(seconds: float, pane: Terminal) -> None:
    """Long enough for a server that is tried to be missed."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert "issues" not in pane.screen and "rror" not in pane.screen, pane.describe()
        await asyncio.sleep(0.2)


async def test_outside_a_sidecar_gemini_is_told_nothing_of_them(tmp_path: Path) -> None:
    """The extension stays in the user's home, where their plain Gemini finds it."""
    cli = CLIS["gemini"]
    async with prepared(cli, tmp_path) as alone:
        place = SidecarPlace(alone.place.work, tmp_path, "", "", {"HOME": str(alone.place.home)})
        for path, text in extension_files(("gemini",), place).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        async with terminal(alone.argv, alone.env, cwd=alone.place.work) as pane:
            await pane.shows(cli.ready, 60)
            await pane.shows("1 MCP server")  # it counts the one that it passes over
            await alone_for(3, pane)
