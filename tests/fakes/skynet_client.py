"""A client of Skynet Linker as others would write it: the frames and requests of its protocol. It must use none of our
code.
"""

from __future__ import annotations

import asyncio
import io
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
from websockets.asyncio.client import connect

from tests.fakes.json_frames import Frame, JsonFrames

STAMP = "2025-11-19T12:34:56Z"
PATIENCE_S = 60.0


def wire_message(type_: str, content: Any = "hello", to: str | None = None, **fields: Any) -> dict[str, Any]:
    """A message as its own builder makes it. `context` and `meta` go into the payload; other fields replace its own."""
    payload = {"content": content, "context": fields.pop("context", {}), "meta": fields.pop("meta", {})}
    return {
        "id": str(uuid.uuid4()),
        "from_agent": "whoever",
        "to_agent": to,
        "type": type_,
        "channel": "default",
        "payload": payload,
        "timestamp": STAMP,
        "trace_id": str(uuid.uuid4()),
        "parent_id": None,
        "encrypted": False,
        "signature": None,
        **fields,
    }


class SkynetAgent(JsonFrames):
    """One WebSocket."""

    agent_id = ""

    def stop_reading(self) -> None:
        """Like a program that hangs: it answers nothing any more, not even a ping."""
        self.socket.transport.pause_reading()

    def vanish(self) -> None:
        """Its connection breaks: it says no farewell, and waits for none."""
        self.socket.transport.abort()

    async def send(self, type_: str, content: Any = "hello", to: str | None = None, **fields: Any) -> dict[str, Any]:
        message = wire_message(type_, content, to, **fields)
        await self.frame({"type": "mcp_message", "data": message})
        return message

    async def control(self, action: str, **params: Any) -> None:
        await self.frame({"type": "control", "data": {"action": action, "params": params}})

    async def answer_to_control(self, action: str, answer: str, **params: Any) -> Frame:
        before = len(self.controls(answer))
        await self.control(action, **params)
        found: list[Frame] = await self.until(lambda: self.controls(answer)[before:])
        return found[0]

    async def settled(self) -> None:
        """All that was sent before has been dealt with."""
        await self.answer_to_control("ping", "pong")

    def controls(self, action: str) -> list[Frame]:
        return [one["data"]["params"] for one in self.of("control") if one["data"]["action"] == action]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [one["data"] for one in self.of("mcp_message")]

    @property
    def contents(self) -> list[Any]:
        return [one["payload"]["content"] for one in self.messages]

    @property
    def errors(self) -> list[dict[str, Any]]:
        return [one["data"] for one in self.of("error")]

    async def message(self, content: Any) -> dict[str, Any]:
        """The first message with this content."""
        found = await self.until(lambda: [one for one in self.messages if one["payload"]["content"] == content])
        return dict(found[0])

    async def error(self, number: int = 1) -> dict[str, Any]:
        found = await self.until(lambda: self.errors[number - 1 :])
        return dict(found[0])


@asynccontextmanager
async def skynet_socket(url: str, path: str = "/ws", **query: Any) -> AsyncIterator[SkynetAgent]:
    """A connection that nobody has welcomed yet."""
    text = urlencode(query)
    async with connect(f"{url}{path}{'?' if text else ''}{text}") as socket:
        agent = SkynetAgent(socket)
        try:
            async with agent.reading():
                yield agent
        finally:
            if not socket.transport.is_closing() and not socket.transport.is_reading():
                agent.vanish()  # or it would wait ten seconds for an answer that it does not read


@asynccontextmanager
async def skynet_agent(url: str, agent_id: str, path: str = "/ws", **query: Any) -> AsyncIterator[SkynetAgent]:
    async with skynet_socket(url, path, agent_id=agent_id, **query) as agent:
        welcome = await agent.until(lambda: agent.controls("connected"))
        agent.agent_id = welcome[0]["agent_id"]
        yield agent


def _json_body(body: Any) -> io.BytesIO | None:
    return None if body is None else io.BytesIO(json.dumps(body).encode())


class SkynetRest:
    """Its REST interface."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url.replace("ws", "http", 1)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        async with (
            asyncio.timeout(PATIENCE_S),
            self._session.request(method, self._url + path, data=_json_body(body), headers=headers) as answer,
        ):
            return answer.status, json.loads(await answer.text())

    async def get(self, path: str, **headers: str) -> Any:
        status, body = await self.ask("GET", path, **headers)
        assert status == 200, (status, body)
        return body

    async def post(self, path: str, body: Any, **headers: str) -> Any:
        status, found = await self.ask("POST", path, body, **headers)
        assert status == 200, (status, found)
        return found

    async def send(self, from_agent: str, content: Any, **fields: Any) -> Any:
        return await self.post("/messages/send", {"from_agent": from_agent, "content": content, **fields})


@asynccontextmanager
async def skynet_rest(url: str) -> AsyncIterator[SkynetRest]:
    async with aiohttp.ClientSession() as session:
        yield SkynetRest(session, url)
