"""The same few things done through each dialect: connect, say something, receive what comes, be refused.

What differs between dialects stands here; what all must do stands in `test_all_dialects`.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol

import aiohttp
from websockets.asyncio.client import connect

from gateway.client import Endpoint
from gateway.protocol.types.core_types import MemberKind
from tests.fakes.json_frames import JsonFrames
from tests.support.gateways import Gateway

PATIENCE_S = 60.0
Heard = tuple[str, str]  # who said it, and what


class Client(Protocol):
    """One connection of a dialect's client. `name`: how the others of its dialect see it and write to it."""

    name: str
    member: str

    async def say(self, content: str, to: str | None = None, **more: Any) -> None: ...
    async def refused(self, content: str, to: str | None = None, **more: Any) -> str:
        """What the gateway says against it."""

    def heard(self) -> list[Heard]: ...
    def everything(self) -> str:
        """All that came over its wire, as text."""

    async def until(self, ready: Callable[[], Any]) -> Any: ...
    async def settle(self) -> None:
        """All that was sent before has been dealt with, and what it has to hear so far has come."""


class Dialect(Protocol):
    echoes: bool  # whether the author gets its own message back
    retries: str  # the field by which a repetition is known; empty where the dialect has none

    brings_back_public: bool  # whoever comes back gets what was said to all, not what was said to it alone

    async def identity(self, gateway: Gateway, name: str) -> str:
        """The path by which one comes in as the same member each time."""

    async def enter(self, stack: AsyncExitStack, gateway: Gateway, name: str, path: str = "/") -> Client: ...
    async def come_back(self, stack: AsyncExitStack, gateway: Gateway, name: str, path: str) -> Client: ...
    def url(self, gateway: Gateway) -> str: ...


class Socket:
    """What the dialects of one WebSocket share."""

    def __init__(self, frames: JsonFrames) -> None:
        self.frames = frames
        self.name = self.member = ""

    async def until(self, ready: Callable[[], Any]) -> Any:
        return await self.frames.until(ready)

    def everything(self) -> str:
        return json.dumps(self.frames.frames, ensure_ascii=False)

    async def ended(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.frames.ended.wait()


class _ByToken:
    """Whoever has a token is the same member each time."""

    async def identity(self, gateway: Gateway, name: str) -> str:
        return f"/t/{(await gateway.member(name, MemberKind.TOOL)).token}/"


async def _socket(stack: AsyncExitStack, url: str) -> JsonFrames:
    frames = JsonFrames(await stack.enter_async_context(connect(url)))
    await stack.enter_async_context(frames.reading())
    return frames


class AgentChatClient(Socket):
    async def say(self, content: str, to: str | None = None, **more: Any) -> None:
        await self.frames.frame({"type": "MSG", "to": to or "#general", "content": content, **more})

    async def refused(self, content: str, to: str | None = None, **more: Any) -> str:
        frame = {"type": "MSG", "to": to or "#general", "content": content, **more}
        return str((await self.frames.answer_to(frame, "ERROR"))["message"])

    def heard(self) -> list[Heard]:
        return [(one["from"], one["content"]) for one in self.frames.of("MSG")]

    async def settle(self) -> None:
        await self.frames.answer_to({"type": "PING"}, "PONG")


class AgentChat(_ByToken):
    echoes, retries, brings_back_public = True, "", True

    def url(self, gateway: Gateway) -> str:
        return gateway.listeners["agentchat"]

    async def enter(self, stack: AsyncExitStack, gateway: Gateway, name: str, path: str = "/") -> Client:
        client = AgentChatClient(await _socket(stack, self.url(gateway) + path))
        welcome = await client.frames.answer_to({"type": "IDENTIFY", "name": name}, "WELCOME")
        client.name = welcome["agent_id"]
        client.member = f"{name}-{client.name[1:]}" if path == "/" else client.name[1:]
        await client.frames.answer_to({"type": "JOIN", "channel": "#general"}, "JOINED")
        return client

    async def come_back(self, stack: AsyncExitStack, gateway: Gateway, name: str, path: str) -> Client:
        return await self.enter(stack, gateway, name, path)


class AiConnectClient(Socket):
    async def say(self, content: str, to: str | None = None, **more: Any) -> None:
        await self.frames.frame({"type": "message", "to": to or "*", "content": content, **more})

    async def refused(self, content: str, to: str | None = None, **more: Any) -> str:
        def told() -> list[str]:
            return [text for who, text in self.heard() if who == "system"]

        before = len(told())
        await self.say(content, to, **more)
        found: list[str] = await self.until(lambda: told()[before:])
        return found[0]

    def heard(self) -> list[Heard]:
        unread = [one for frame in self.frames.of("unread") for one in frame["messages"]]
        return [(one["from"], one["content"]) for one in (*unread, *self.frames.of("message"))]

    async def settle(self) -> None:
        await self.frames.answer_to({"type": "ping"}, "pong")


class AiConnect(_ByToken):
    echoes, retries, brings_back_public = False, "", False

    def url(self, gateway: Gateway) -> str:
        return gateway.listeners["ai-connect"]

    async def enter(self, stack: AsyncExitStack, gateway: Gateway, name: str, path: str = "/") -> Client:
        client = AiConnectClient(await _socket(stack, self.url(gateway) + path))
        client.name = (await client.frames.answer_to({"type": "register", "name": name}, "registered"))["name"]
        client.member = client.name.lower()
        return client

    async def come_back(self, stack: AsyncExitStack, gateway: Gateway, name: str, path: str) -> Client:
        return await self.enter(stack, gateway, name, path)


class SkynetClient(Socket):
    def _frame(self, content: str, to: str | None, more: dict[str, Any]) -> dict[str, Any]:
        claimed = more.pop("from", self.name)
        data = {
            "id": str(uuid.uuid4()),
            "from_agent": claimed,
            "to_agent": to.removeprefix("@") if to else None,
            "type": "task" if to else "broadcast",
            "channel": "default",
            "payload": {"content": content, "context": {}, "meta": {}},
            "timestamp": "2025-11-19T12:34:56Z",
            "trace_id": str(uuid.uuid4()),
            **more,
        }
        return {"type": "mcp_message", "data": data}

    async def say(self, content: str, to: str | None = None, **more: Any) -> None:
        await self.frames.frame(self._frame(content, to, more))

    async def refused(self, content: str, to: str | None = None, **more: Any) -> str:
        return str((await self.frames.answer_to(self._frame(content, to, more), "error"))["data"]["error"])

    def heard(self) -> list[Heard]:
        said = [one["data"] for one in self.frames.of("mcp_message")]
        return [(one["from_agent"], one["payload"]["content"]) for one in said]

    async def settle(self) -> None:
        def pongs() -> list[Any]:
            return [one for one in self.frames.of("control") if one["data"]["action"] == "pong"]

        before = len(pongs())
        await self.frames.frame({"type": "control", "data": {"action": "ping", "params": {}}})
        await self.until(lambda: pongs()[before:])


class Skynet(_ByToken):
    echoes, retries, brings_back_public = False, "id", False

    def url(self, gateway: Gateway) -> str:
        return f"{gateway.listeners['skynet']}/ws"

    async def enter(self, stack: AsyncExitStack, gateway: Gateway, name: str, path: str = "/") -> Client:
        place, _, token = path.partition("?")
        query = f"agent_id={name}&channels=default" + (f"&{token}" if token else "")
        address = gateway.listeners["skynet"] + place.rstrip("/")
        client = SkynetClient(await _socket(stack, f"{address}/ws?{query}"))
        welcome = (await client.until(lambda: client.frames.of("control")))[0]["data"]
        assert welcome["action"] == "connected"
        client.name = client.member = welcome["params"]["agent_id"]
        return client

    async def come_back(self, stack: AsyncExitStack, gateway: Gateway, name: str, path: str) -> Client:
        return await self.enter(stack, gateway, name, path)


class SimpleClient:
    """It says over HTTP, with the team token, and hears by its inbox."""

    def __init__(self, session: aiohttp.ClientSession, gateway: Gateway, name: str) -> None:
        self._session, self._gateway = session, gateway
        self._endpoint: Endpoint = gateway.team
        self._taken: list[dict[str, Any]] = []
        self.name = self.member = name

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"X-Auth-Token": self._endpoint.token}
        async with (
            asyncio.timeout(PATIENCE_S),
            self._session.request(method, self._gateway.url + path, json=body, headers=headers) as response,
        ):
            return response.status, await response.json()

    async def _post(self, content: str, to: str | None, more: dict[str, Any]) -> tuple[int, Any]:
        return await self.ask("POST", "/message", {"from": self.name, "content": content, "to": to, **more})

    async def say(self, content: str, to: str | None = None, **more: Any) -> None:
        status, body = await self._post(content, to, more)
        assert status == 200, body

    async def refused(self, content: str, to: str | None = None, **more: Any) -> str:
        status, body = await self._post(content, to, more)
        assert 400 <= status < 500, (status, body)
        return str(body["error"])

    def heard(self) -> list[Heard]:
        return [(one["from"], one["content"]) for one in self._taken]

    def everything(self) -> str:
        return json.dumps(self._taken, ensure_ascii=False)

    async def settle(self) -> None:
        status, found = await self.ask("GET", f"/inbox/{self.name}")
        assert status == 200
        self._taken += found

    async def until(self, ready: Callable[[], Any]) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while not (found := ready()):
                await self.settle()
            return found


class Simple:
    echoes, retries, brings_back_public = False, "id", False

    async def identity(self, gateway: Gateway, name: str) -> str:
        return "/"

    def url(self, gateway: Gateway) -> str:
        return gateway.url.replace("http", "ws") + "/ws"

    async def enter(self, stack: AsyncExitStack, gateway: Gateway, name: str, path: str = "/") -> Client:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        client = SimpleClient(session, gateway, name)
        status, _ = await client.ask("POST", "/register", {"agentId": name})
        assert status == 201
        return client

    async def come_back(self, stack: AsyncExitStack, gateway: Gateway, name: str, path: str) -> Client:
        return await self.enter(stack, gateway, name, path)


class FullClient(Socket):
    def __init__(self, frames: JsonFrames) -> None:
        super().__init__(frames)
        self._number = 1

    async def answer(self, **request: Any) -> Any:
        self._number += 1
        number, before = self._number, len(self.frames.frames)
        await self.frames.frame({"n": number, **request})

        def found() -> list[Any]:
            """Of a request that could not be read at all not even the number is known."""
            return [one for one in self.frames.frames[before:] if one.get("re") in (number, 0)]

        return (await self.until(found))[0]

    async def say(self, content: str, to: str | None = None, **more: Any) -> None:
        answer = await self.answer(op="send", content=content, **({"to": to} if to else {}), **more)
        assert "ok" in answer, answer

    async def refused(self, content: str, to: str | None = None, **more: Any) -> str:
        answer = await self.answer(op="send", content=content, **({"to": to} if to else {}), **more)
        return str(answer["error"]["message"])

    def heard(self) -> list[Heard]:
        said = [one for one in self.frames.frames if one.get("ev") == "message"]
        return [(one["from"], one["content"]) for one in said]

    async def settle(self) -> None:
        assert "ok" in await self.answer(op="ping")


class Full(_ByToken):
    echoes, retries, brings_back_public = False, "id", False

    def url(self, gateway: Gateway) -> str:
        return gateway.url.replace("http", "ws") + "/v1/ws"

    async def enter(self, stack: AsyncExitStack, gateway: Gateway, name: str, path: str = "/") -> Client:
        return await self._enter(stack, gateway, name, path)

    async def come_back(self, stack: AsyncExitStack, gateway: Gateway, name: str, path: str) -> Client:
        return await self._enter(stack, gateway, name, path, since=0)

    async def _enter(self, stack: AsyncExitStack, gateway: Gateway, name: str, path: str, **hello: int) -> Client:
        token = path.removeprefix("/t/").removesuffix("/") or (await gateway.member(name)).token
        client = FullClient(await _socket(stack, f"{self.url(gateway)}?token={token}"))
        assert "ok" in await client.answer(op="hello", **hello)
        client.name = client.member = name
        return client


DIALECTS: dict[str, Dialect] = {
    "simple": Simple(),
    "agentchat": AgentChat(),
    "ai-connect": AiConnect(),
    "skynet": Skynet(),
    "full": Full(),
}
