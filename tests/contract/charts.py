"""Exchanges as charts: who says what, and what comes to whom, in order.

The tables are data and know nothing of ours, so that the same ones can be run against whatever serves the same clients.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.contract.patterns import differences, filled
from tests.fakes.agentchat_client import Identity
from tests.fakes.json_frames import Frame, JsonFrames

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Opens:
    """A new connection, under this name. `path` may hold what was kept."""

    who: str
    path: str = "/"


@dataclass(frozen=True)
class Says:
    who: str
    frame: Any  # an object, or text as it is


@dataclass(frozen=True)
class Gets:
    """The next frame of a connection."""

    who: str
    frame: Any


@dataclass(frozen=True)
class Ends:
    who: str


@dataclass(frozen=True)
class Asks:
    """A request over HTTP and its whole answer."""

    method: str
    path: str
    status: int
    answer: Any
    body: Any = None
    token: str | None = "team"
    headers: Mapping[str, str] = field(default_factory=dict)


Step = Opens | Says | Gets | Ends | Asks
Chart = Sequence[Step]


class Player:
    """Plays a chart against one address. Everything that arrives has to be expected, but for frames of the `asides`."""

    def __init__(self, address: str, *, ping: Frame, pong: str, asides: Sequence[str] = ()) -> None:
        self._address, self._ping, self._pong, self._asides = address, ping, pong, frozenset(asides)
        self._connections: dict[str, JsonFrames] = {}
        self._seen: dict[str, int] = {}
        self._stacks: dict[str, AsyncExitStack] = {}
        self.names: dict[str, Any] = {}
        self.identities: dict[str, Identity] = {}

    async def play(self, chart: Chart) -> None:
        try:
            for number, step in enumerate(chart, 1):
                found = await self._step(step)
                assert not found, f"step {number}, {step}:\n" + "\n".join(found)
            await self._nothing_more()
        finally:
            for stack in self._stacks.values():
                await stack.aclose()

    async def _step(self, step: Step) -> list[str]:
        match step:
            case Opens():
                await self._open(step)
            case Says():
                frame = filled(step.frame, self.names)
                await self._connections[step.who].raw(frame if isinstance(frame, str) else json.dumps(frame))
            case Gets():
                return list(differences(step.frame, await self._next(step), self.names))
            case Ends():
                await self._stacks.pop(step.who).aclose()
                del self._connections[step.who]
            case Asks():
                raise AssertionError("this wire has no requests")
        return []

    async def _open(self, step: Opens) -> None:
        from websockets.asyncio.client import connect

        stack = self._stacks[step.who] = AsyncExitStack()
        socket = await stack.enter_async_context(connect(self._address + step.path))
        connection = self._connections[step.who] = JsonFrames(socket)
        self._seen[step.who] = 0
        await stack.enter_async_context(connection.reading())

    def _unseen(self, who: str) -> list[tuple[int, Frame]]:
        frames = enumerate(self._connections[who].frames)
        return [(at, one) for at, one in frames if at >= self._seen[who] and one["type"] not in self._asides]

    async def _next(self, step: Gets) -> Frame:
        try:
            found: list[tuple[int, Frame]] = await self._connections[step.who].until(lambda: self._unseen(step.who))
        except TimeoutError:
            raise AssertionError(f"nothing came to {step.who}; {step} was expected") from None
        at, frame = found[0]
        self._seen[step.who] = at + 1
        return frame

    async def _nothing_more(self) -> None:
        for who, connection in self._connections.items():
            await connection.frame(self._ping)
            frame = await self._next(Gets(who, None))
            assert frame["type"] == self._pong, f"{who} got {frame}, and nothing was expected"


class HttpPlayer:
    """The same for a wire of requests, with one stream of pushes beside it (`Opens`, `Gets`)."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self.names: dict[str, Any] = {"team": token}
        self._pushes: dict[str, aiohttp.ClientWebSocketResponse] = {}

    async def play(self, chart: Chart) -> None:
        async with aiohttp.ClientSession() as session:
            for number, step in enumerate(chart, 1):
                found = await self._step(session, step)
                assert not found, f"step {number}, {step}:\n" + "\n".join(found)
            for socket in self._pushes.values():
                await socket.close()

    async def _step(self, session: aiohttp.ClientSession, step: Step) -> list[str]:
        match step:
            case Opens():
                path = step.path.format(**self.names)
                self._pushes[step.who] = await session.ws_connect(self._address + path)
            case Gets():
                pushed = json.loads(await self._pushes[step.who].receive_str(timeout=PATIENCE_S))
                return list(differences(step.frame, pushed, self.names))
            case Asks():
                return await self._ask(session, step)
            case _:
                raise AssertionError(f"this wire has no {step}")
        return []

    async def _ask(self, session: aiohttp.ClientSession, step: Asks) -> list[str]:
        token = {} if step.token is None else {"X-Auth-Token": str(self.names.get(step.token, step.token))}
        data = step.body if isinstance(step.body, bytes | None) else json.dumps(filled(step.body, self.names)).encode()
        async with (
            asyncio.timeout(PATIENCE_S),
            session.request(
                step.method,
                self._address + step.path.format(**self.names),
                data=data,
                headers={"Content-Type": "application/json", **token, **step.headers},
            ) as response,
        ):
            text = await response.text()
        found = list(differences(step.answer, json.loads(text), self.names))
        return found if response.status == step.status else [f"status {response.status}, not {step.status}", text]
