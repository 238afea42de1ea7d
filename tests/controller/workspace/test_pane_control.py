"""The borders of a session's panes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.commands.state_text import BorderText
from controller.workspace.pane_control import TmuxPaneControl
from controller.workspace.team_location import TeamLocation
from tests.fakes.retry import retry_until


class Workspace:
    def __init__(self) -> None:
        self.shown: list[list[str]] = []
        self.gate = asyncio.Event()

    async def show_borders(self, borders: Mapping[str, BorderText]) -> None:
        self.shown.append(sorted(borders))
        await self.gate.wait()


async def test_a_pane_that_is_new_gets_its_border_though_others_were_just_being_shown() -> None:
    async def restarted(site: TeamLocation, name: str) -> None:
        return None

    workspace: Any = Workspace()
    panes = TmuxPaneControl(TeamLocation(Path(), workspace), "%1", restarted)
    borders: Any = {"ada": "idle", "ben": "idle"}
    panes.show_borders(borders)
    await retry_until(lambda: workspace.shown)
    await panes.restart("ada")
    workspace.gate.set()
    await retry_until(lambda: len(workspace.shown) == 2)
    assert workspace.shown == [["ada", "ben"], ["ada"]]
