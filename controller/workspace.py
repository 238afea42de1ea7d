"""The tmux session that holds a team. The only module that knows libtmux.

It touches no session but its own, and kills nothing that it did not start.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import libtmux
from libtmux.constants import PaneDirection
from libtmux.exc import LibTmuxException

from gateway.protocol.errors import Conflict, Unavailable

SESSION = "llm-groupchat"


@dataclass(frozen=True)
class PanePlan:
    """A pane: its title and the command that is its life."""

    title: str
    command: tuple[str, ...]


def escaped(text: str) -> str:
    """Text that tmux shows as it is: `#` begins a format there."""
    return text.replace("#", "##")


class Workspace:
    def __init__(self, session: str = SESSION, socket: str | None = None) -> None:
        self.session = session
        self._server = libtmux.Server(socket_name=socket) if socket else libtmux.Server()

    def exists(self) -> bool:
        return self._server.is_alive() and self._server.has_session(self.session)

    def build(self, top: PanePlan, agents: Sequence[PanePlan], environment: Mapping[str, str]) -> None:
        """Chat on top, agents side by side below. The first command runs in the session's first pane."""
        if self.exists():
            raise Conflict(f"The session {self.session} is there already: `groupchat attach` or `groupchat down`.")
        try:
            self._build(top, agents, environment)
        except LibTmuxException as error:
            self.kill()
            raise Unavailable(f"tmux could not build the session: {error}") from error

    def _build(self, top: PanePlan, agents: Sequence[PanePlan], environment: Mapping[str, str]) -> None:
        session = self._server.new_session(
            self.session, window_name="chat", window_command=_shell(top, environment), x=200, y=50
        )
        window = session.active_window
        for name, value in _OPTIONS.items():
            window.set_option(name, value)
        first = window.active_pane
        assert first is not None
        self._name(first, top.title)
        pane, rest = first, len(agents)
        for plan in agents:
            below = pane is first
            pane = pane.split(
                direction=PaneDirection.Below if below else PaneDirection.Right,
                shell=_shell(plan, environment),
                size="60%" if below else f"{100 * rest // (rest + 1)}%",
            )
            rest -= 1
            self._name(pane, plan.title)
        first.cmd("select-pane")

    @staticmethod
    def _name(pane: libtmux.Pane, title: str) -> None:
        pane.cmd("set-option", "-p", "@groupchat_title", escaped(title))

    def kill(self) -> None:
        if self.exists():
            self._server.kill_session(self.session)

    def attach_command(self) -> list[str]:
        socket = ["-L", self._server.socket_name] if self._server.socket_name else []
        return ["tmux", *map(str, socket), "attach-session", "-t", f"={self.session}"]


_OPTIONS = {
    "pane-border-status": "top",
    "pane-border-format": " #{@groupchat_title} #{@groupchat_ghost} ",
    "remain-on-exit": "on",
}


def _shell(plan: PanePlan, environment: Mapping[str, str]) -> str:
    """Only paths and addresses may be in here: what tmux is told can be read by others."""
    assignments = [f"{name}={value}" for name, value in environment.items()]
    return "exec " + shlex.join(["env", *assignments, *plan.command])
