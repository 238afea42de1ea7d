"""A gateway that lies: between a member's client and a real gateway, it alters what either of them gets.

It works on decoded JSON, as whoever runs a gateway could: what a request holds, what an answer holds, and each event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.client import Endpoint
from gateway.client.transport_errors import TransportBroken
from gateway.client.transports import ClientTransport, WebSocketTransport
from gateway.protocol import codec
from gateway.protocol.events import Event, Welcome
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Answer

Json = dict[str, Any]
AlterRequest = Callable[[Json], Json]
AlterAnswer = Callable[[str, Json], Json]  # gets the name of the request's operation
AlterEvent = Callable[[Json], Iterable[Json]]


def _as_it_is(_: str, given: Json) -> Json:
    return given


@dataclass
class LyingGateway:
    """What is altered. `instead` holds answers for which the real gateway is not asked, by operation; `seen` all events
    as the real gateway sent them, and `asked` all requests as they arrived. An event of `invented` takes the place of
    the real message with this text, and its number. Operations that are `stuck` never arrive; of those that are `lost`
    the answer never does."""

    request: AlterRequest = field(default=lambda given: given)
    answer: AlterAnswer = _as_it_is
    event: AlterEvent = field(default=lambda given: (given,))
    instead: dict[str, Json] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    seen: list[Json] = field(default_factory=list)
    asked: list[Json] = field(default_factory=list)
    invented: dict[str, Json] = field(default_factory=dict)

    def wire(self, endpoint: Endpoint) -> ClientTransport:
        return _LyingTransport(endpoint, self)

    @property
    def options(self) -> dict[str, Any]:
        """For a client that shall be lied to."""
        return {"wires": [self.wire]}

    def seen_messages(self) -> list[Json]:
        return [one for one in self.seen if one["ev"] == "message"]


class _LyingTransport:
    def __init__(self, endpoint: Endpoint, lies: LyingGateway) -> None:
        self._real, self._lies = WebSocketTransport(endpoint), lies

    async def open(self, hello: Hello) -> Welcome:
        welcome = await self._real.open(hello)
        return msgspec.convert(self._lies.answer("hello", to_json(welcome)), Welcome)

    async def request(self, request: Request) -> Answer:
        op = str(request.__struct_config__.tag)
        asked = to_json(request)
        self._lies.asked.append(asked)
        if op in self._lies.instead:
            return Answer(request.n, codec.encode_raw(self._lies.instead[op]))
        await self._pass(op, self._lies.stuck)
        answer = await self._real.request(msgspec.convert(self._lies.request(asked), type(request)))
        await self._pass(op, self._lies.lost)
        if answer.error is not None:
            return answer
        altered = self._lies.answer(op, msgspec.json.decode(answer.ok))
        return msgspec.structs.replace(answer, ok=codec.encode_raw(altered))

    @staticmethod
    async def _pass(op: str, ended: set[str]) -> None:
        if op in ended:
            await asyncio.Event().wait()

    async def events(self) -> AsyncIterator[Event]:
        async for event in self._real.events():
            real = to_json(event)
            self._lies.seen.append(real)
            invented = self._lies.invented.pop(real.get("content", ""), None)
            for one in self._lies.event(real) if invented is None else ({**invented, "seq": real["seq"]},):
                yield _arrived(one)

    async def close(self) -> None:
        await self._real.close()


def to_json(value: object) -> Json:
    made: Json = msgspec.json.decode(codec.encode(value))
    return made


def _arrived(given: Json) -> Event:
    """As the real transport reads it."""
    try:
        event = codec.decode_incoming(codec.encode(given))
    except msgspec.MsgspecError as error:
        raise TransportBroken(str(error)) from error
    assert event is not None
    assert not isinstance(event, Answer)
    return event
