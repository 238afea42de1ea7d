"""Panes of a session: as they are planned, and as tmux lists them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from controller.team.team import CHAT_PANE
from gateway.protocol.errors import NotFound


@dataclass(frozen=True)
class PanePlan:
    """A pane: its owner, the text of its border, and the script that it runs."""

    name: str
    title: str
    script: Path


@dataclass(frozen=True)
class SessionSetup:
    """How a session starts: its size, the environment of its panes, its own options."""

    size: tuple[int, int] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PaneView:
    """A pane as it is now. `window` and `zoomed` are about the window that holds it."""

    name: str
    id: str
    pid: int
    dead: bool
    status: str
    ready: bool
    window: str = ""
    zoomed: bool = False


def chat_pane_of(panes: Sequence[PaneView]) -> PaneView:
    chat = next((one for one in panes if one.name == CHAT_PANE), None)
    if chat is None:
        raise NotFound("The session has no pane of the chat any more; `groupchat down` and `up` start it anew.")
    return chat


def parse_pane(line: str) -> PaneView:
    pane, name, pid, dead, status, ready, window, zoomed = (line.split("\t") + [""] * 8)[:8]
    return PaneView(name, pane, int(pid or 0), dead == "1", status, ready == "1", window, zoomed == "1")
