"""A client of AI-Connect's bridge, written from its conformance text alone: one WebSocket, JSON frames with a `type`.

It must know nothing of ours, and behaves like a usual client: it reads all the time, and answers the WebSocket's pings.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE = 15.0

Frame = dict[str, Any]


class Peer:
    """One connection. `frames` is all that arrived, `messages` what `unread` and `message` brought, in order."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.name = ""
        self.frames: list[Frame] = []
        self.messages: list[Frame] = []
        self.ended = asyncio.Event()
        self._news = asyncio.Condition()

    async def read(self) -> None:
        try:
            async for text in self.socket:
                await self._take(json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            self.ended.set()

    async def _take(self, frame: Frame) -> None:
        async with self._news:
            self.frames.append(frame)
            if frame["type"] == "unread":
                self.messages.extend(frame["messages"])
            elif frame["type"] == "message":
                self.messages.append(frame)
            self._news.notify_all()

    async def until(self, ready: Callable[[], Any]) -> Any:
        """The first true value, looked at after each frame."""
        async with asyncio.timeout(PATIENCE), self._news:
            while not (found := ready()):
                await self._news.wait()
            return found

    def of(self, kind: str) -> list[Frame]:
        return [one for one in self.frames if one["type"] == kind]

    async def say(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def raw(self, text: str) -> None:
        await self.socket.send(text)

    async def ask(self, answer: str, **frame: Any) -> Frame:
        """Send a frame, and the next frame of the type that answers it."""
        before = len(self.of(answer))
        await self.say(**frame)
        found: Frame = await self.until(lambda: self.of(answer)[before:])
        return self.of(answer)[before] if found else {}

    async def register(self, name: str, project: str | None = None, **more: Any) -> Frame:
        answer = await self.ask("registered", type="register", name=name, project=project, **more)
        self.name = str(answer["name"])
        await self.until(lambda: self.of("unread"))
        return answer

    async def send(self, to: str, content: str, context: Any = None) -> None:
        await self.say(type="message", to=to, content=content, context=context)

    async def ping(self) -> None:
        """Everything sent before this has been dealt with when it returns."""
        await self.ask("pong", type="ping")

    async def peers(self) -> dict[str, Frame]:
        answer = await self.ask("peer_list", type="list_peers")
        return {one["name"]: one for one in answer["peers"]}

    async def history(self, peer: str, limit: int = 50) -> list[Frame]:
        answer = await self.ask("history", type="history", peer=peer, limit=limit)
        assert answer["peer"] == peer
        return list(answer["messages"])

    async def message(self, content: str) -> Frame:
        """The message with this content, which came or will come."""

        def found() -> Frame | None:
            return next((one for one in self.messages if one["content"] == content), None)

        message: Frame = await self.until(found)
        return message

    def contents(self) -> list[str]:
        return [one["content"] for one in self.messages]

    async def told(self) -> str:
        """What the gateway said last to this peer alone."""

        def lines() -> list[str]:
            return [one["content"] for one in self.messages if one["from"] == "system"]

        await self.until(lines)
        return lines()[-1]


@asynccontextmanager
async def socket_at(url: str, path: str = "/", **options: Any) -> AsyncIterator[Peer]:
    async with connect(url + path, **options) as socket:
        peer = Peer(socket)
        reading = asyncio.get_running_loop().create_task(peer.read(), name="reading")
        try:
            yield peer
        finally:
            reading.cancel()


@asynccontextmanager
async def peer_at(
    url: str, name: str, project: str | None = None, path: str = "/", **options: Any
) -> AsyncIterator[Peer]:
    async with socket_at(url, path, **options) as peer:
        await peer.register(name, project)
        yield peer
