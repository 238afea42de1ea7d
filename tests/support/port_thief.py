"""Listens on a gateway's former port, and stores every byte that it receives."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class PortThief:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname, parts.port
        self.heard = b""
        self.came = 0

    async def __aenter__(self) -> Self:
        """A killed process may hold the port for a moment."""
        deadline = time.monotonic() + 10
        while True:
            try:
                self._server = await asyncio.start_server(self._listen, self._host, self._port)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.01)
            else:
                return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came += 1
        try:
            self.heard += await asyncio.wait_for(reader.read(65536), 5)
            writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        except (TimeoutError, ConnectionError):
            return
        finally:
            writer.close()
