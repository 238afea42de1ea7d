"""The simple interface as an existing sidecar or chat controller uses it: plain HTTP, one header, JSON dicts.

It must use none of our code: no structs, no client, only documented field names.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Pushes:
    """The events of one stream, one JSON object after the other."""

    def __init__(self, receive: Callable[[], Any]) -> None:
        self._receive = receive

    async def next(self) -> dict[str, Any]:
        pushed = json.loads(await self._receive())
        assert isinstance(pushed, dict)
        return pushed

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """All events up to and including the first wanted one."""
        seen = [await self.next()]
        while not wanted(seen[-1]):
            seen.append(await self.next())
        return seen

    async def until_content(self, content: str) -> list[dict[str, Any]]:
        return await self.until(lambda one: one.get("content") == content)


@dataclass(frozen=True)
class SimpleClient:
    url: str
    token: str
    session: aiohttp.ClientSession

    def with_token(self, token: str) -> SimpleClient:
        return SimpleClient(self.url, token, self.session)

    async def ask(
        self, method: str, path: str, *, body: Any = None, data: bytes | None = None, headers: Any = None, **query: Any
    ) -> Answer:
        sent = {"X-Auth-Token": self.token} if headers is None else headers
        async with self.session.request(
            method,
            self.url + path,
            params={name.rstrip("_"): str(value) for name, value in query.items()},
            data=io.BytesIO(data or b"") if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **sent},
            timeout=aiohttp.ClientTimeout(total=PATIENCE),
        ) as response:
            text = await response.text()
            return Answer(response.status, json.loads(text) if text else None, dict(response.headers))

    async def get(self, path: str, **query: Any) -> Answer:
        return await self.ask("GET", path, **query)

    async def post(self, path: str, **body: Any) -> Answer:
        return await self.ask("POST", path, body={name.rstrip("_"): value for name, value in body.items()})

    async def delete(self, path: str) -> Answer:
        return await self.ask("DELETE", path)

    async def register(self, name: str) -> SimpleClient:
        """Register an agent; the returned client uses the agent's own token, if it got one."""
        answer = await self.post("/register", agentId=name, capabilities=[])
        assert answer.status == 201, answer
        return self.with_token(answer.body.get("token", self.token))

    async def say(self, from_: str, content: str, to: str | None = None) -> Answer:
        body = {"from": from_, "content": content} | ({} if to is None else {"to": to})
        return await self.ask("POST", "/agent-output", body=body)

    async def history(self, **query: Any) -> list[dict[str, Any]]:
        answer = await self.get("/history", **query)
        assert answer.status == 200, answer
        messages = answer.body["messages"]
        assert isinstance(messages, list)
        return messages

    async def system_texts(self) -> list[str]:
        return [one["content"] for one in await self.history(limit=1000) if one["type"] == "system"]

    @asynccontextmanager
    async def websocket(self, path: str = "/ws", *, in_query: bool = True, **query: Any) -> AsyncIterator[Pushes]:
        params = {name: str(value) for name, value in query.items()} | ({"token": self.token} if in_query else {})
        headers = {} if in_query else {"X-Auth-Token": self.token}
        async with self.session.ws_connect(self.url + path, params=params, headers=headers) as socket:
            yield Pushes(lambda: socket.receive_str(timeout=PATIENCE))

    @asynccontextmanager
    async def stream(self, path: str = "/events", *, last_event_id: int | None = None) -> AsyncIterator[EventStream]:
        headers = {"X-Auth-Token": self.token}
        if last_event_id is not None:
            headers["Last-Event-ID"] = str(last_event_id)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=PATIENCE)
        async with self.session.get(self.url + path, headers=headers, timeout=timeout) as response:
            assert response.status == 200, await response.text()
            assert response.content_type == "text/event-stream"
            yield EventStream(response.content)


class EventStream(Pushes):
    """Server-sent events; `last_id` is what a browser would send as Last-Event-ID."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        super().__init__(self._next_data)
        self._content = content
        self.last_id = 0

    async def _next_data(self) -> bytes:
        while line := await self._content.readline():
            if line.startswith(b"id: "):
                self.last_id = int(line[4:])
            elif line.startswith(b"data: "):
                return line[6:]
        raise AssertionError("the stream ended")


@asynccontextmanager
async def simple_client(url: str, token: str) -> AsyncIterator[SimpleClient]:
    async with aiohttp.ClientSession() as session:
        yield SimpleClient(url, token, session)
