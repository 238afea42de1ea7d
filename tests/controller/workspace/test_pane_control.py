"""The panes of a session, as the chat shows them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.team.team import AgentSpec, ChatSpec, LayoutSpec
from controller.team.workspace_record import WorkspaceRecord, write_workspace_record
from controller.wording.member_state_text import BorderText
from controller.workspace.pane_control import TmuxPaneControl
from controller.workspace.team_location import TeamLocation
from tests.fakes.retry import retry_until


class Workspace:
    def __init__(self) -> None:
        self.shown: list[list[str]] = []
        self.calls: list[str] = []
        self.gate = asyncio.Event()

    async def show_borders(self, borders: Mapping[str, BorderText]) -> None:
        self.shown.append(sorted(borders))
        await self.gate.wait()

    async def arrange_after_resize(self, spec: LayoutSpec) -> None:
        self.calls.append("arranging")
        await self.gate.wait()
        self.calls.append("arranged")

    async def zoom_chat(self) -> bool:
        self.calls.append("large")
        return True

    async def show_pane(self, name: str) -> None:
        self.calls.append(name)


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


async def test_a_pane_is_made_large_only_when_the_others_have_been_arranged(tmp_path: Path) -> None:
    """To arrange them is several calls of tmux, and each of them shows all panes."""
    agents = (AgentSpec("ada", ("true",)),)
    write_workspace_record(tmp_path, WorkspaceRecord("mine", "mine", "", None, agents, LayoutSpec(), ChatSpec()))
    workspace: Any = Workspace()
    panes = TmuxPaneControl(TeamLocation(tmp_path, workspace), "%1")
    panes.window_resized()
    await retry_until(lambda: workspace.calls)
    pressed = asyncio.gather(panes.make_large(), panes.show("ada"))
    await asyncio.sleep(0)
    workspace.gate.set()
    await pressed
    assert workspace.calls == ["arranging", "arranged", "large", "ada"]
