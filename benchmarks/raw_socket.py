"""A WebSocket client that uses little processor time, so that clients do not distort the measurement.

It reads whole frames from the kernel's buffer and masks with zeros. Use it only with a trusted server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

TEXT, PING = 0x81, 0x89
PONG = b"\x8a\x80\0\0\0\0"


class RawSocket(asyncio.Protocol):
    def __init__(self) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.frames = 0
        self._transport: asyncio.Transport | None = None
        self._rest = b""

    @property
    def transport(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("closed before it was open"))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        start = 0 if self.opened.done() else self._after_upgrade(data)
        self._rest = data[self._read_frames(data, start) :] if self.opened.done() else data

    def _after_upgrade(self, data: bytes) -> int:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return 0
        if data.startswith(b"HTTP/1.1 101"):
            self.opened.set_result(None)
        else:
            self.opened.set_exception(ConnectionError(data.decode(errors="replace")))
        return end + 4

    def _read_frames(self, data: bytes, position: int) -> int:
        """Pass on every complete frame; return the start of the first incomplete one."""
        size = len(data)
        while position + 10 <= size or (position + 2 <= size and data[position + 1] < 126):
            length, start = data[position + 1], position + 2
            if length == 126:
                length, start = int.from_bytes(data[start : start + 2], "big"), start + 2
            elif length == 127:
                length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
            if start + length > size:
                break
            if data[position] == TEXT:
                self.frames += 1
                self.text(data, start, start + length)
            elif data[position] == PING:
                self.transport.write(PONG)
            position = start + length
        return position

    def text(self, data: bytes, start: int, end: int) -> None:
        """A text frame's payload is data[start:end]."""

    def say(self, payload: bytes) -> None:
        self.transport.write(masked(payload))


def masked(payload: bytes) -> bytes:
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes((TEXT,)) + length + b"\0\0\0\0" + payload


def upgrade(path: str, port: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def connect(socket: RawSocket, port: int, path: str, token: str | None = None) -> None:
    """Connect, and with a token send `hello`."""
    await asyncio.get_running_loop().create_connection(lambda: socket, "127.0.0.1", port)
    socket.transport.write(upgrade(path, port, {} if token is None else {"Authorization": f"Bearer {token}"}))
    await asyncio.wait_for(socket.opened, 30)


async def done_or_lost(done: asyncio.Event, sockets: Sequence[RawSocket]) -> None:
    """Run until the work is done or a server has closed the connection."""
    waiting = asyncio.get_running_loop().create_task(done.wait(), name="done")
    either: list[asyncio.Future[Any]] = [waiting, *(one.lost for one in sockets)]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        raise ConnectionError("a server closed a connection before the work was done")
