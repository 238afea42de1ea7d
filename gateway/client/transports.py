"""The ways to be connected: WebSocket first, then server-sent events and polling (`http_wires`).

Each carries requests and yields events from a seq on. What a wire promises ends with the wire; reconnecting and
resuming are the client's business.
"""

from __future__ import annotations

import asyncio
import importlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Protocol

import msgspec
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from gateway.client.discovery.endpoint import Endpoint
from gateway.client.discovery.local_socket import connected
from gateway.protocol import codec
from gateway.protocol.errors import ErrorBody, GroupChatError, Unauthorized, Unavailable, from_body
from gateway.protocol.events import Event, Welcome
from gateway.protocol.requests import Hello, Request
from gateway.protocol.results import Answer

OPEN_TIMEOUT = 10.0
PING_EVERY = 20.0
MAX_FRAME = 16 * 1024 * 1024


class Broken(Exception):
    """This wire has ended; another may be tried."""


class Unreachable(Broken):
    """Nothing answers at the address; another kind of wire would not help."""


class NotOpened(Broken):
    """Something took the connection and did not answer on it in time."""


class Wire(Protocol):
    name: str

    async def open(self, hello: Hello) -> Welcome: ...
    async def request(self, request: Request) -> Answer: ...
    def events(self) -> AsyncIterator[Event]: ...
    async def close(self) -> None: ...


class WebSocketWire:
    name = "websocket"

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._socket: ClientConnection | None = None
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._number = 0

    async def open(self, hello: Hello) -> Welcome:
        url, place = self._endpoint.at("/v1/ws", websocket=True), self._endpoint.socket
        try:
            local: dict[str, Any] = {} if place is None else {"sock": await connected(place)}
            self._socket = await websockets.connect(
                url,
                additional_headers={"Authorization": f"Bearer {self._endpoint.token}"},
                ssl=self._endpoint.trust.context() if self._endpoint.secure else None,
                compression=None,
                max_size=MAX_FRAME,
                open_timeout=OPEN_TIMEOUT,
                close_timeout=self._endpoint.limits.closes,
                ping_interval=PING_EVERY,
                ping_timeout=PING_EVERY,
                proxy=None,
                **local,
            )
            await self._send(hello)
            first = codec.decode_incoming(await asyncio.wait_for(self._socket.recv(), OPEN_TIMEOUT))
        except InvalidStatus as error:
            raise refusal_of(error.response.status_code, bytes(error.response.body or b"")) from None
        except ssl.SSLCertVerificationError as error:
            raise not_trusted(error) from None
        except TimeoutError as error:
            raise NotOpened(str(error) or "no answer to the upgrade") from error
        except OSError as error:
            raise Unreachable(str(error) or type(error).__name__) from error
        except (InvalidHandshake, ConnectionClosed, msgspec.MsgspecError) as error:
            raise Broken(str(error) or type(error).__name__) from error
        if not isinstance(first, Answer):
            raise Broken("the gateway did not answer hello")
        return codec.result_of(first, Welcome)

    async def request(self, request: Request) -> Answer:
        self._number += 1
        number = self._number
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self._send(msgspec.structs.replace(request, n=number))
            return await answer
        except ConnectionClosed as error:
            raise Broken(str(error)) from error
        finally:
            self._waiting.pop(number, None)
            if answer.done() and not answer.cancelled():
                answer.exception()  # seen: the send may have failed before anybody waited for the answer

    async def _send(self, request: Request) -> None:
        assert self._socket is not None
        await self._socket.send(codec.encode(request), text=True)

    async def events(self) -> AsyncIterator[Event]:
        assert self._socket is not None
        try:
            async for data in self._socket:
                arrived = codec.decode_incoming(data)
                if isinstance(arrived, Answer):
                    waiting = self._waiting.get(arrived.re)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(arrived)
                elif arrived is not None:
                    yield arrived
            raise Broken("the gateway closed the connection")
        except (ConnectionClosed, msgspec.MsgspecError) as error:
            raise Broken(str(error)) from error
        finally:
            self._fail_waiting()

    def _fail_waiting(self) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Broken("the connection ended"))

    async def close(self) -> None:
        if self._socket is not None:
            with suppress(OSError, ConnectionClosed):
                await self._socket.close()
        self._fail_waiting()


class _Refusal(msgspec.Struct):
    error: ErrorBody


def not_trusted(error: Exception) -> Unauthorized:
    """Trying again does not make a certificate better."""
    why = getattr(error, "verify_message", "") or str(error)
    return Unauthorized(
        f"The gateway's certificate is not trusted: {why}. Name its authority with --cafile, or pin it with "
        "--fingerprint."
    )


def refusal_of(status: int, body: bytes) -> GroupChatError:
    """The gateway's own error, if this is one; whatever else stands in between is said as it is."""
    try:
        return from_body(msgspec.json.decode(body, type=_Refusal).error)
    except msgspec.MsgspecError:
        return Unavailable(
            f"The gateway's address answered with HTTP {status}: {body[:200].decode(errors='replace')!r}"
        )


def _over_http(name: str) -> Callable[[Endpoint], Wire]:
    """Only where WebSocket fails: aiohttp costs each of many sidecars 10 MB."""

    def wire(endpoint: Endpoint) -> Wire:
        made: Wire = getattr(importlib.import_module("gateway.client.http_transports"), name)(endpoint)
        return made

    return wire


WIRES: tuple[Callable[[Endpoint], Wire], ...] = (
    WebSocketWire,
    _over_http("EventStreamWire"),
    _over_http("PollWire"),
)
