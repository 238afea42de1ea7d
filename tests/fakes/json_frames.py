"""The client's end of a WebSocket that carries JSON objects with a `type`: stores all frames and waits for more. It
reads all the time and answers pings, like usual clients. It must use none of our code.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

PATIENCE = 60.0

Frame = dict[str, Any]


class JsonFrames:
    """One connection. `frames` holds all frames in order of arrival."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[Frame] = []
        self.ended = asyncio.Event()
        self._news = asyncio.Condition()

    def take(self, frame: Frame) -> None:
        self.frames.append(frame)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        task = asyncio.get_running_loop().create_task(self._read(), name="reading")
        try:
            yield
        finally:
            task.cancel()

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                async with self._news:
                    self.take(json.loads(text))
                    self._news.notify_all()
        except ConnectionClosed:
            pass
        finally:
            self.ended.set()

    async def until(self, ready: Callable[[], Any]) -> Any:
        """The first true value of the check, which runs after each frame."""
        async with asyncio.timeout(PATIENCE), self._news:
            while not (found := ready()):
                await self._news.wait()
            return found

    def of(self, kind: str) -> list[Frame]:
        return [one for one in self.frames if one["type"] == kind]

    async def raw(self, data: str | bytes) -> None:
        await self.socket.send(data)

    async def frame(self, frame: Frame) -> None:
        await self.socket.send(json.dumps(frame))

    async def answer_to(self, frame: Frame, answer: str) -> Frame:
        """Send a frame, and the next frame of the type that answers it."""
        before = len(self.of(answer))
        await self.frame(frame)
        found: list[Frame] = await self.until(lambda: self.of(answer)[before:])
        return found[0]
