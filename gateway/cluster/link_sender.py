"""Sends the frames of one side of a link: those of one moment together, in order, without waiting for each."""

from __future__ import annotations

import asyncio
from typing import Protocol

from gateway.cluster.link_frames import ToDecider, ToFollower, encode_frames


class Socket(Protocol):
    """What is used of the WebSocket of either side."""

    async def send_bytes(self, data: bytes) -> None: ...


class LinkSender:
    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._frames: list[ToDecider | ToFollower] = []
        self._filled = asyncio.Event()

    def add(self, frame: ToDecider | ToFollower) -> None:
        self._frames.append(frame)
        self._filled.set()

    async def send_all(self) -> None:
        """Send until cancelled, or until the connection breaks."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            frames, self._frames = self._frames, []
            await self._socket.send_bytes(encode_frames(frames))
