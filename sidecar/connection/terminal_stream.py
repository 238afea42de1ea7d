"""Shows the agent's screen to those who watch it: all of it first, then what has changed, at most ten times a second.

It works only while the gateway says that somebody watches. One picture is on its way at a time, and the next one is
taken when the gateway has it; so a slow line gets fewer pictures, never older ones. It reads the emulator's own grid
and touches neither the terminal nor its size.

From the agent's first sealed message on, watchers see a sentence in its place: pictures pass through the gateway, and
the screen shows what was read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from gateway.protocol.errors import GroupChatError
from gateway.protocol.results import Shown
from sidecar.connection.room_reporter import RoomClient
from sidecar.messages.sealed_turns import SealedTurn
from sidecar.screen.styled_rows import ScreenChanges, StyledScreen

FRAME_INTERVAL_S = 0.1
RETRY_DELAY_S = 1.0
HALF_DRAWN_PAUSE_S = 0.02
MAX_HALF_DRAWN_LOOKS = 5
NOT_SHOWN = StyledScreen(
    (
        "This terminal is not shown: its agent has had sealed messages,",
        "and pictures of a terminal pass through the gateway readable.",
        "Look at it on the agent's own machine.",
    ),
    columns=80,
)
log = structlog.get_logger("sidecar.connection.terminal_stream")


def _tell_no_one(_: bool) -> None:
    """Nobody wants to know."""


class TerminalStream:
    def __init__(
        self,
        room: RoomClient,
        look: Callable[[], StyledScreen],
        on_watch: Callable[[bool], None] = _tell_no_one,
        sealed_turn: SealedTurn | None = None,
    ) -> None:
        """`on_watch` is told whether somebody watches."""
        self._room, self._look, self._on_watch = room, look, on_watch
        self._sealed_turn = sealed_turn or SealedTurn()
        self._changes = ScreenChanges()
        self._watched = False
        self._news = asyncio.Event()

    def watch(self, on: bool) -> None:
        """Somebody watches from now on, or nobody any more. A repeated `on` shows everything again."""
        self._watched = on
        self._on_watch(on and not self._sealed_turn.has_been)
        self._changes.forget()
        self.note_look()

    @property
    def is_watched(self) -> bool:
        return self._watched

    def note_look(self) -> None:
        """Something may have changed."""
        if self._watched:
            self._news.set()

    async def run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            if self._watched:
                await self._show_changes()
                await asyncio.sleep(FRAME_INTERVAL_S)

    async def _show_changes(self) -> None:
        screen = await self._whole_look()
        picture = self._changes.next(NOT_SHOWN if self._sealed_turn.has_been else screen)
        if picture is None:
            return
        try:
            shown = await self._room.request(picture, Shown)
        except (GroupChatError, OSError, TimeoutError) as error:
            log.info("a picture of the terminal did not get through", error=type(error).__name__)
            await asyncio.sleep(RETRY_DELAY_S)
            shown = Shown(watched=self._watched, whole=True)
        if not shown.watched:
            self.watch(False)
        elif shown.whole:
            self.watch(True)

    async def _whole_look(self) -> StyledScreen:
        """A look at a moment when the agent is not in the middle of drawing, if there is one soon."""
        for _ in range(MAX_HALF_DRAWN_LOOKS):
            if not (screen := self._look()).unfinished:
                break
            await asyncio.sleep(HALF_DRAWN_PAUSE_S)
        return screen
