"""The ghost log: which messages wait and why. It is shown beside the agent's screen, never in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping

from sidecar.activity.observation_loop import ObservationLoop
from sidecar.messages.inbox import InboxEntry, MessageQueue
from sidecar.terminal.output_relay import OutputRelay

TMUX_TIMEOUT_S = 2.0
TITLE_RETRY_DELAY_S = 0.05
TITLE_MIN_INTERVAL_S = 0.25
PANE_OPTION = "@groupchat_ghost"


def ghost_log_text(waiting: Iterable[InboxEntry], count: int) -> str:
    """`[CSP queued 2 msg(s) waiting for idle] busy`, or nothing."""
    reason = next((entry.reason for entry in waiting if entry.reason), "")
    return f"[CSP queued {count} msg(s) waiting for idle] {reason}" if reason else ""


class PaneBorder:
    """Shows the text in a user option of our own tmux pane; the workspace displays that option in the border."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._pane, self._env = env["TMUX_PANE"], dict(env)
        self._shown: str | None = None
        self._wanted = ""
        self._changed = asyncio.Event()

    def show(self, text: str) -> None:
        self._wanted = text
        self._changed.set()

    def overwritten(self, at: float) -> None:
        """Nobody else writes to the border."""

    async def run(self) -> None:
        """First clears what an earlier sidecar left in the border when it was killed."""
        while True:
            await self._write()
            await self._changed.wait()
            self._changed.clear()

    async def close(self) -> None:
        self._wanted = ""
        await self._write()

    async def _write(self) -> None:
        text = self._wanted
        if text != self._shown:
            self._shown = text
            await self._tmux("set-option", "-p", "-t", self._pane, PANE_OPTION, text)

    async def _tmux(self, *arguments: str) -> None:
        """Has a time limit, so that a hanging tmux holds up nothing."""
        quiet = asyncio.subprocess.DEVNULL
        with contextlib.suppress(OSError):
            process = await asyncio.create_subprocess_exec(
                "tmux", *arguments, env=self._env, stdin=quiet, stdout=quiet, stderr=quiet
            )
            try:
                async with asyncio.timeout(TMUX_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


class WindowTitle:
    """Used outside tmux: shows the text as the terminal's title, and the agent's own title when nothing waits. `write`
    returns False while the agent is in the middle of an escape sequence."""

    def __init__(self, write: Callable[[str], bool]) -> None:
        self._write = write
        self._title_at = float("-inf")
        self._shown, self._wanted = "", ""
        self._doubtful = False
        self._changed = asyncio.Event()

    def show(self, text: str) -> None:
        self._wanted = text
        self._changed.set()

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            while not self._written():
                await asyncio.sleep(TITLE_RETRY_DELAY_S)
            await asyncio.sleep(TITLE_MIN_INTERVAL_S)

    def overwritten(self, at: float) -> None:
        """The agent has set its own title at this time. Set ours again, but not at each frame of a spinner."""
        if self._shown and at > self._title_at:
            self._title_at, self._doubtful = at, True
            self._changed.set()

    async def close(self) -> None:
        self._wanted = ""
        self._written()

    def _written(self) -> bool:
        """The agent's title may have been set before ours, which is then still shown. If in doubt, write it again."""
        if self._wanted == self._shown and not self._doubtful:
            return True
        text = self._wanted
        if self._write(text):
            self._shown, self._doubtful = text, False
        return self._shown == text and not self._doubtful


GhostLogUpdater = PaneBorder | WindowTitle


class GhostLog:
    """Keeps the shown text up to date: the current trouble, if there is one; otherwise the waiting messages."""

    def __init__(self, ghost: GhostLogUpdater, inbox: MessageQueue) -> None:
        self._ghost, self._inbox = ghost, inbox
        self._loop = asyncio.get_running_loop()
        self._trouble, self._showing = "", False

    def trouble(self, text: str) -> None:
        """An empty text means that there is no trouble any more."""
        self._trouble = text
        self.changed()

    def changed(self) -> None:
        """All changes within one turn of the event loop are shown once."""
        if not self._showing:
            self._showing = True
            self._loop.call_soon(self._show)

    def _show(self) -> None:
        self._showing = False
        self._ghost.show(self._trouble or ghost_log_text(self._inbox.waiting(), self._inbox.count))


class TerminalTitle:
    """The title of the person's terminal, which the agent sets, too."""

    def __init__(self, observation_loop: ObservationLoop, passage: OutputRelay) -> None:
        self._observation_loop, self._passage = observation_loop, passage

    def write(self, text: str) -> bool:
        """Write only between two escape sequences of the agent. Without a text, restore the agent's own title."""
        watch = self._observation_loop.watch
        if watch.screen.at_ground:
            self._passage.say(b"\x1b]0;" + (text or watch.title).encode() + b"\x07")
        return watch.screen.at_ground


def ghost_log_for(env: Mapping[str, str], write_title: Callable[[str], bool], *, somebody: bool) -> GhostLogUpdater:
    if env.get("TMUX") and env.get("TMUX_PANE") and somebody:
        return PaneBorder(env)
    return WindowTitle(write_title)
