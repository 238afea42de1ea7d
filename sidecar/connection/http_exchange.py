"""One request and its response on one connection, over asyncio's streams: what the proxy of the agent's tools needs of
HTTP/1.1. h11 reads and writes the messages; a web framework would cost each of many sidecars 10 MB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import h11

from gateway.client import Endpoint
from gateway.client.discovery.endpoint import port_of
from gateway.client.discovery.local_socket import connect_to_own

READ_BYTES = 1 << 16
_CLOSE = ("connection", "close")


class BodyTooLarge(Exception):
    """The body of a request is larger than allowed."""


@dataclass(frozen=True)
class HttpRequest:
    """`headers` by their names in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


class HttpConnection:
    """What comes that is no HTTP/1.1 raises `h11.RemoteProtocolError`, also where it ends too early."""

    def __init__(
        self, role: type[h11.CLIENT] | type[h11.SERVER], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader, self._writer = reader, writer
        self._messages = h11.Connection(role)

    async def receive(self) -> h11.Event:
        while True:
            event = self._messages.next_event()
            if isinstance(event, h11.Event):
                return event
            self._messages.receive_data(await self._reader.read(READ_BYTES))

    async def receive_request(self) -> HttpRequest:
        """Without its body."""
        event = await self.receive()
        if not isinstance(event, h11.Request):
            raise h11.RemoteProtocolError("the connection was closed before a request")
        return HttpRequest(event.method.decode(), event.target.decode("latin-1"), _by_name(event))

    async def receive_body(self, most: int) -> bytes:
        if self._messages.they_are_waiting_for_100_continue:
            await self.send(h11.InformationalResponse(status_code=HTTPStatus.CONTINUE, headers=[]))
        body = bytearray()
        while isinstance(event := await self.receive(), h11.Data):
            body += event.data
            if len(body) > most:
                raise BodyTooLarge
        return bytes(body)

    async def send(self, *events: h11.Event) -> None:
        for event in events:
            self._writer.write(self._messages.send(event) or b"")
        await self._writer.drain()

    async def send_text(self, status: HTTPStatus, text: str) -> None:
        await self.send_body(status, "text/plain; charset=utf-8", text.encode())

    async def send_body(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        headers = [("content-type", kind), ("content-length", str(len(body))), _CLOSE]
        await self.send(h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage())

    def close(self) -> None:
        self._writer.close()


@dataclass(frozen=True)
class HttpResponse:
    """A response whose body is still to come."""

    status: int
    headers: Mapping[str, str]
    connection: HttpConnection

    @property
    def is_success(self) -> bool:
        return self.status < HTTPStatus.BAD_REQUEST

    async def body(self) -> AsyncIterator[bytes]:
        """Piece by piece, as it comes."""
        while isinstance(event := await self.connection.receive(), h11.Data):
            yield bytes(event.data)

    async def forward_to(self, asker: HttpConnection, headers: Mapping[str, str]) -> None:
        """The response may be a stream without end: each piece is sent on at once. Of its headers, these are kept."""
        kept = {name: self.headers[name] for name in ("content-length",) if name in self.headers}
        await asker.send(h11.Response(status_code=self.status, headers=[*{**headers, **kept}.items(), _CLOSE]))
        async for piece in self.body():
            await asker.send(h11.Data(data=piece))
        await asker.send(h11.EndOfMessage())

    def close(self) -> None:
        self.connection.close()


async def ask_gateway(endpoint: Endpoint, request: HttpRequest, open_timeout_s: float) -> HttpResponse:
    """Send it over a connection of its own, and return the response when its head is there."""
    async with asyncio.timeout(open_timeout_s):
        reader, writer = await _connect(endpoint)
    connection = HttpConnection(h11.CLIENT, reader, writer)
    try:
        parts = urlsplit(endpoint.at(request.path))
        headers = {"host": parts.netloc, **request.headers, "content-length": str(len(request.body))}
        head = h11.Request(method=request.method, target=parts.path, headers=[*headers.items(), _CLOSE])
        await connection.send(head, h11.Data(data=request.body), h11.EndOfMessage())
        event = await connection.receive()
        while isinstance(event, h11.InformationalResponse):
            event = await connection.receive()
        if not isinstance(event, h11.Response):
            raise h11.RemoteProtocolError("the connection was closed before a response")
        return HttpResponse(event.status_code, _by_name(event), connection)
    except BaseException:
        connection.close()
        raise


def _by_name(message: h11.Request | h11.Response) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in message.headers}


async def _connect(endpoint: Endpoint) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if endpoint.socket is not None:
        return await asyncio.open_unix_connection(sock=await connect_to_own(endpoint.socket))
    host = urlsplit(endpoint.url).hostname
    tls = await asyncio.to_thread(endpoint.trust.context) if endpoint.secure else None
    return await asyncio.open_connection(host, port_of(endpoint.url), ssl=tls)
