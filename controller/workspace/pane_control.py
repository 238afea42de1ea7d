"""Controls the team's session for the chat in it: show states in borders, restart a pane, detach the client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from controller.team import workspace_record
from controller.team.team import CHAT_PANE
from controller.wording.member_state_text import BorderText
from controller.workspace import launcher
from controller.workspace.team_location import TeamLocation
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError


class TmuxPaneControl:
    panes = True
    remedy = f"try /restart {launcher.GATEWAY_PANE}"

    def __init__(
        self,
        site: TeamLocation,
        pane: str,
        again: Callable[[TeamLocation, str], Awaitable[None]] = launcher.restart_pane,
    ) -> None:
        self._site, self._pane, self._again = site, pane, again
        self._wanted: dict[str, BorderText] = {}
        self._shown: dict[str, BorderText] = {}
        self._new_panes: set[str] = set()  # created while borders were being updated
        self._task: asyncio.Task[None] | None = None
        self._arranging: asyncio.Task[None] | None = None
        self._resized = False
        self._layout = asyncio.Lock()  # tmux shows all panes when it arranges them: a large one would be small again

    async def restart(self, name: str) -> str | None:
        if name == CHAT_PANE:
            return "This is the chat; Ctrl-D leaves it."
        await self._again(self._site, name)
        self._shown.pop(name, None)
        self._new_panes.add(name)
        return f"{name} is restarted."

    async def leave(self) -> bool:
        """The chat stays in its pane; the person's client leaves the session."""
        await self._site.workspace.detach()
        return True

    async def show(self, name: str) -> None:
        async with self._layout:
            await self._site.workspace.show_pane(name)

    async def make_large(self) -> str:
        async with self._layout:
            return _ZOOM_TEXT[await self._site.workspace.zoom_chat()]

    def window_resized(self) -> None:
        """Lay out the panes for the new size, one resize at a time."""
        self._resized = True
        if self._arranging is None or self._arranging.done():
            self._arranging = spawn(self._arrange(), "arrange")

    async def _arrange(self) -> None:
        while self._resized:
            self._resized = False
            record = workspace_record.read_workspace_record(self._site.state)
            if record is not None:
                async with self._layout:
                    with contextlib.suppress(GroupChatError):
                        await self._site.workspace.arrange_after_resize(record.layout)

    def show_borders(self, borders: Mapping[str, BorderText]) -> None:
        """Update the borders with one call of tmux at a time; meanwhile only the newest update is kept."""
        self._wanted = dict(borders)
        if self._wanted != self._shown and (self._task is None or self._task.done()):
            self._task = spawn(self._show(), "borders")

    async def _show(self) -> None:
        while self._wanted != self._shown:
            wanted = dict(self._wanted)
            self._new_panes.clear()
            changed = {name: border for name, border in wanted.items() if self._shown.get(name) != border}
            with contextlib.suppress(GroupChatError):
                await self._site.workspace.show_borders(changed)
            self._shown = {name: border for name, border in wanted.items() if name not in self._new_panes}

    async def mark_ready(self) -> None:
        with contextlib.suppress(GroupChatError):
            await self._site.workspace.mark_ready(self._pane)


_ZOOM_TEXT = {
    True: "The chat fills the window; F5 shows the agents again.",
    False: "The agents are shown again; F5 makes the chat large.",
    None: "The chat has this window to itself; /terminal NAME shows an agent.",
}


def find_pane_control(state: Path, env: Mapping[str, str]) -> TmuxPaneControl | None:
    """Only for the chat in a session's own pane: its script says which session that is."""
    session, pane = env.get("GROUPCHAT_SESSION"), env.get("TMUX_PANE")
    if session is None or pane is None:
        return None
    return TmuxPaneControl(TeamLocation.of(state, session, env.get("GROUPCHAT_SOCKET")), pane)
