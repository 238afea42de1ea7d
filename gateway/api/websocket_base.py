"""Runs one WebSocket from open to close, for every protocol that uses one.

The handler decides what a frame means; this module reads frames, answers pings and closes the handler.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from aiohttp import WSMsgType, web

MAX_FRAME_BYTES = 4 * 1024 * 1024


class SocketHandler(Protocol):
    """One client at the other end."""

    async def receive(self, data: str | bytes) -> None: ...

    def mark_alive(self, pong: bytes | None) -> None:
        """The client sent something. `pong` is the payload that came back from one of our pings."""

    def close(self) -> None: ...


H = TypeVar("H", bound=SocketHandler)


async def serve_socket(
    request: web.Request,
    begin: Callable[[asyncio.Transport], H],
    opened: Callable[[H], Awaitable[None]] | None = None,
) -> web.WebSocketResponse:
    """`opened` runs before the first frame is read, for a client that says who it is in the address."""
    socket = web.WebSocketResponse(compress=False, autoping=False, max_msg_size=MAX_FRAME_BYTES)
    await socket.prepare(request)
    assert request.transport is not None
    session = begin(request.transport)
    try:
        if opened is not None:
            await opened(session)
        async for frame in socket:
            if frame.type is WSMsgType.TEXT or frame.type is WSMsgType.BINARY:
                await session.receive(frame.data)
            elif frame.type is WSMsgType.PING:
                await socket.pong(frame.data)
            session.mark_alive(frame.data if frame.type is WSMsgType.PONG else None)
    finally:
        session.close()
    return socket
