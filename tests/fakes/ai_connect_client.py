"""A client of AI-Connect's bridge, written only from its conformance text: one WebSocket, JSON frames with a `type`. It
must use none of our code.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.fakes.json_frames import Frame, JsonFrames


class Peer(JsonFrames):
    """One connection. `messages` holds the messages of `unread` and `message`, in order."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        self.name = ""
        self.messages: list[Frame] = []

    def take(self, frame: Frame) -> None:
        super().take(frame)
        if frame["type"] == "unread":
            self.messages.extend(frame["messages"])
        elif frame["type"] == "message":
            self.messages.append(frame)

    async def say(self, **frame: Any) -> None:
        await self.frame(frame)

    async def ask(self, answer: str, **frame: Any) -> Frame:
        return await self.answer_to(frame, answer)

    async def register(self, name: str, project: str | None = None, **more: Any) -> Frame:
        answer = await self.ask("registered", type="register", name=name, project=project, **more)
        self.name = str(answer["name"])
        await self.until(lambda: self.of("unread"))
        return answer

    async def send(self, to: str, content: str, context: Any = None) -> None:
        await self.say(type="message", to=to, content=content, context=context)

    async def ping(self) -> None:
        """When this returns, everything sent before has been processed."""
        await self.ask("pong", type="ping")

    async def peers(self) -> dict[str, Frame]:
        answer = await self.ask("peer_list", type="list_peers")
        return {one["name"]: one for one in answer["peers"]}

    async def history(self, peer: str, limit: int = 50) -> list[Frame]:
        answer = await self.ask("history", type="history", peer=peer, limit=limit)
        assert answer["peer"] == peer
        return list(answer["messages"])

    async def message(self, content: str) -> Frame:
        """The message with this content; waits until it arrives."""

        def found() -> Frame | None:
            return next((one for one in self.messages if one["content"] == content), None)

        message: Frame = await self.until(found)
        return message

    def contents(self) -> list[str]:
        return [one["content"] for one in self.messages]

    async def told(self) -> str:
        """The last message of the gateway to this peer alone."""

        def lines() -> list[str]:
            return [one["content"] for one in self.messages if one["from"] == "system"]

        await self.until(lines)
        return lines()[-1]


@asynccontextmanager
async def socket_at(url: str, path: str = "/", **options: Any) -> AsyncIterator[Peer]:
    async with connect(url + path, **options) as socket:
        peer = Peer(socket)
        async with peer.reading():
            yield peer


@asynccontextmanager
async def peer_at(
    url: str, name: str, project: str | None = None, path: str = "/", **options: Any
) -> AsyncIterator[Peer]:
    async with socket_at(url, path, **options) as peer:
        await peer.register(name, project)
        yield peer
