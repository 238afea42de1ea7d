"""Stands for other hosts, which programs under test must not reach: a proxy that refuses and records every request."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field


@dataclass
class Outside:
    port: int = 0
    attempts: list[str] = field(default_factory=list)
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def hosts(self) -> list[str]:
        """The requested host, from `CONNECT host:port` or an absolute URL."""
        return [attempt.split()[1] if " " in attempt else attempt for attempt in self.attempts]

    @property
    def env(self) -> Mapping[str, str]:
        proxy, direct = f"http://127.0.0.1:{self.port}", "127.0.0.1,localhost,::1"
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        proxies = dict.fromkeys([*names, *map(str.lower, names)], proxy)
        return proxies | {"NO_PROXY": direct, "no_proxy": direct}

    async def refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            with contextlib.suppress(ConnectionError, ValueError):
                self.attempts.append((await reader.readline()).decode("latin-1").strip())
                writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                await writer.drain()
        finally:  # also when the test ends before the request comes
            self.open.discard(writer)
            writer.close()

    async def hang_up(self) -> None:
        """Connections without a request; a closing server does not wait for them."""
        while self.open:
            for writer in self.open:
                writer.close()
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    refusing = Outside()
    server = await asyncio.start_server(refusing.refuse, "127.0.0.1", 0)
    refusing.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield refusing
        finally:
            server.close()
            await asyncio.sleep(0.05)  # whoever was accepted last is in `open` by then
            await refusing.hang_up()
