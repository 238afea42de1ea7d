"""As much of HTTP/1.1 as the proxy of the agent's tools needs: one request on a connection, whose body is read whole,
and a response that is passed on as it comes. A web framework would cost each of many sidecars 10 MB."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from gateway.client import Endpoint
from gateway.client.discovery.endpoint import port_of
from gateway.client.discovery.local_socket import connect_to_own

READ_BYTES = 1 << 16
_FRAMING_HEADERS = ("content-length", "transfer-encoding")


class NotHttp(Exception):
    """What came is no HTTP/1.1 message that we read."""


class BodyTooLarge(NotHttp):
    """The body of a request is larger than allowed."""


@dataclass(frozen=True)
class HttpRequest:
    """`headers` by their names in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpResponse:
    """A response whose body is still to come."""

    status: int
    headers: Mapping[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def is_success(self) -> bool:
        return self.status < HTTPStatus.BAD_REQUEST

    async def read_rest(self) -> None:
        while await self.reader.read(READ_BYTES):
            """Nobody wants it."""

    def close(self) -> None:
        self.writer.close()


async def read_head(reader: asyncio.StreamReader) -> tuple[list[str], dict[str, str]]:
    """The words of the first line, and the headers."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError as error:
        raise NotHttp(str(error)) from error
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    fields = (line.partition(":") for line in lines)
    return first.split(" ", 2), {name.strip().lower(): value.strip() for name, _, value in fields}


async def read_request_body(reader: asyncio.StreamReader, headers: Mapping[str, str], most: int) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(reader, most)
    size = _number(headers.get("content-length", "0"), 10)
    if size > most:
        raise BodyTooLarge
    return await reader.readexactly(size)


async def _read_chunks(reader: asyncio.StreamReader, most: int) -> bytes:
    body = bytearray()
    while size := _number((await _read_line(reader)).partition(b";")[0].decode("latin-1").strip(), 16):
        if len(body) + size > most:
            raise BodyTooLarge
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while (await _read_line(reader)).strip():
        """A trailer."""
    return bytes(body)


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError as error:
        raise NotHttp(str(error)) from error


def _number(text: str, base: int) -> int:
    if not (text.isascii() and text.isalnum()):
        raise NotHttp(f"{text[:20]!r} is no length")
    try:
        return int(text, base)
    except ValueError as error:
        raise NotHttp(str(error)) from error


def plain_response(status: HTTPStatus, text: str) -> bytes:
    body = text.encode()
    return _head(status, {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body))}) + body


def head_of_forwarded(status: int, came: Mapping[str, str], kept: Mapping[str, str]) -> bytes:
    """The head of a response that came with headers of which these are kept. Its body follows in the same framing."""
    framing = {name: came[name] for name in _FRAMING_HEADERS if name in came}
    return _head(status, {**kept, **framing})


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    """Clients need no reason phrase."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "connection": "close"}.items())
    return f"HTTP/1.1 {status:d} \r\n{lines}\r\n".encode("latin-1")


async def ask_over_http(endpoint: Endpoint, request: HttpRequest, open_timeout_s: float) -> HttpResponse:
    """Send it over a connection of its own, and return the response when its head is there."""
    async with asyncio.timeout(open_timeout_s):
        reader, writer = await _connect(endpoint)
    try:
        parts = urlsplit(endpoint.at(request.path))
        headers = {"host": parts.netloc, **request.headers, "content-length": str(len(request.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "connection": "close"}.items())
        writer.write(f"{request.method} {parts.path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + request.body)
        await writer.drain()
        words, found = await read_head(reader)
        if len(words) < 2:
            raise NotHttp("a response without a status")
        return HttpResponse(_number(words[1], 10), found, reader, writer)
    except BaseException:
        writer.close()
        raise


async def _connect(endpoint: Endpoint) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if endpoint.socket is not None:
        return await asyncio.open_unix_connection(sock=await connect_to_own(endpoint.socket))
    host = urlsplit(endpoint.url).hostname
    tls = await asyncio.to_thread(endpoint.trust.context) if endpoint.secure else None
    return await asyncio.open_connection(host, port_of(endpoint.url), ssl=tls)
