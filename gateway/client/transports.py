"""The transports: WebSocket first, then server-sent events and polling (`http_transports`).

Each carries requests and yields events from a seq on. Its guarantees end with it; the client reconnects and resumes.
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
from gateway.client.discovery.local_socket import connect_to_own
from gateway.client.transport_errors import (
    MAX_FRAME_BYTES,
    OPEN_TIMEOUT_S,
    PING_INTERVAL_S,
    GatewayUnreachable,
    OpenTimedOut,
    TransportBroken,
    error_from_response,
    untrusted_certificate_error,
)
from gateway.protocol import codec
from gateway.protocol.events import Event, Welcome
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Answer


class ClientTransport(Protocol):
    async def open(self, hello: Hello) -> Welcome: ...
    async def request(self, request: Request) -> Answer: ...
    def events(self) -> AsyncIterator[Event]: ...
    async def close(self) -> None: ...


class WebSocketTransport:
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._socket: ClientConnection | None = None
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._number = 0

    async def open(self, hello: Hello) -> Welcome:
        url, place = self._endpoint.at("/v1/ws", websocket=True), self._endpoint.socket
        try:
            local: dict[str, Any] = {} if place is None else {"sock": await connect_to_own(place)}
            self._socket = await websockets.connect(
                url,
                additional_headers={"Authorization": f"Bearer {self._endpoint.token}"},
                ssl=self._endpoint.trust.context() if self._endpoint.secure else None,
                compression=None,
                max_size=MAX_FRAME_BYTES,
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=self._endpoint.limits.closes,
                ping_interval=PING_INTERVAL_S,
                ping_timeout=PING_INTERVAL_S,
                proxy=None,
                **local,
            )
            await self._send(hello)
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                first = codec.decode_incoming(await self._socket.recv())
        except InvalidStatus as error:
            raise error_from_response(error.response.status_code, bytes(error.response.body or b"")) from None
        except ssl.SSLCertVerificationError as error:
            raise untrusted_certificate_error(error) from None
        except TimeoutError as error:
            raise OpenTimedOut(str(error) or "no answer to the upgrade") from error
        except OSError as error:
            raise GatewayUnreachable(str(error) or type(error).__name__) from error
        except (InvalidHandshake, ConnectionClosed, msgspec.MsgspecError) as error:
            raise TransportBroken(str(error) or type(error).__name__) from error
        if not isinstance(first, Answer):
            raise TransportBroken("the gateway did not answer hello")
        return codec.decode_result(first, Welcome)

    async def request(self, request: Request) -> Answer:
        self._number += 1
        number = self._number
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self._send(msgspec.structs.replace(request, n=number))
            return await answer
        except ConnectionClosed as error:
            raise TransportBroken(str(error)) from error
        finally:
            self._waiting.pop(number, None)
            if answer.done() and not answer.cancelled():
                answer.exception()  # marks it as retrieved: the send may have failed before anybody awaited the answer

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
            raise TransportBroken("the gateway closed the connection")
        except (ConnectionClosed, msgspec.MsgspecError) as error:
            raise TransportBroken(str(error)) from error
        finally:
            self._fail_waiting()

    def _fail_waiting(self) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(TransportBroken("the connection ended"))

    async def close(self) -> None:
        if self._socket is not None:
            with suppress(OSError, ConnectionClosed):
                await self._socket.close()
        self._fail_waiting()


def _http_transport(name: str) -> Callable[[Endpoint], ClientTransport]:
    """Imported only if WebSocket fails: aiohttp costs each of many sidecars 10 MB."""

    def wire(endpoint: Endpoint) -> ClientTransport:
        made: ClientTransport = getattr(importlib.import_module("gateway.client.http_transports"), name)(endpoint)
        return made

    return wire


TRANSPORTS: tuple[Callable[[Endpoint], ClientTransport], ...] = (
    WebSocketTransport,
    _http_transport("EventStreamTransport"),
    _http_transport("PollTransport"),
)
