"""Shows the room an answer while it comes: the first piece at once, then what has come since, a few times a second."""

from __future__ import annotations

import asyncio

import structlog

from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Message
from gateway.protocol.requests.agent_requests import MAX_PARTIAL_TEXT_CHARS, ShowPartialText
from gateway.protocol.results import Done
from sidecar.connection.room_reporter import RoomClient

INTERVAL_S = 0.1
log = structlog.get_logger("sidecar.connectors.answers.partial_text_stream")


class PartialTextStream:
    """Of one answer to `message`, which is the last one that it answers. What does not get through is not repeated: the
    room gets the whole answer at its end."""

    def __init__(self, room: RoomClient, message: Message) -> None:
        self._room = room
        self._place = {
            "room": message.room or None,
            "to": (message.from_,) if message.recipients else (),
            "reply_to": message.seq,
        }
        self._text, self._shown = "", 0
        self._news = asyncio.Event()

    def add(self, piece: str) -> None:
        self._text += piece
        self._news.set()

    def begin_again(self) -> None:
        """The answer has broken off, and another one comes."""
        self._text, self._shown = "", 0

    async def run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._show_news()
            await asyncio.sleep(INTERVAL_S)

    async def _show_news(self) -> None:
        text, at = self._text[self._shown :][:MAX_PARTIAL_TEXT_CHARS], self._shown
        self._shown += len(text)
        if text:
            await self._show(ShowPartialText(text=text, at=at, **self._place))  # type: ignore[arg-type]
        if self._shown < len(self._text):
            self._news.set()

    async def end(self) -> None:
        """No message follows."""
        await self._show(ShowPartialText(ended=True, **self._place))  # type: ignore[arg-type]

    async def _show(self, request: ShowPartialText) -> None:
        try:
            await self._room.request(request, Done)
        except (GroupChatError, OSError, TimeoutError) as error:
            log.info("an unfinished answer was not shown", error=type(error).__name__)
