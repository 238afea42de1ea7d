"""What a chat can do to the panes of its session, and a chat without a session. Knows no tmux."""

from __future__ import annotations

from typing import Protocol

from controller.wording.member_state_text import BorderText
from gateway.protocol.errors import BadRequest


class PaneControl(Protocol):
    """What a chat inside a session can do to it; see `controller.workspace.pane_control`."""

    @property
    def remedy(self) -> str:
        """What to do if the gateway does not come back; empty if unknown."""
        ...

    async def restart(self, name: str) -> str | None: ...

    async def leave(self) -> bool: ...

    async def mark_ready(self) -> None: ...

    async def show(self, name: str) -> None: ...

    async def make_large(self) -> str: ...

    def window_resized(self) -> None: ...

    def show_borders(self, borders: dict[str, BorderText]) -> None: ...

    @property
    def panes(self) -> bool: ...


class NoPaneControl:
    """A chat in a terminal of its own: no session, no panes."""

    panes = False
    remedy = ""

    async def restart(self, name: str) -> str | None:
        return None

    async def leave(self) -> bool:
        return False

    async def mark_ready(self) -> None:
        pass

    async def show(self, name: str) -> None:
        raise BadRequest(f"This chat is not in the team's session: `groupchat attach` shows the pane of {name}.")

    async def make_large(self) -> str:
        raise BadRequest("This chat has its terminal to itself.")

    def window_resized(self) -> None:
        pass

    def show_borders(self, borders: dict[str, BorderText]) -> None:
        pass
