"""A bad network between a client and a gateway: cut, delayed, with lost answers or blocked protocols."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 14\r\nConnection: close\r\n\r\nnot in my house"[:-1]
CHUNK = 65536


@dataclass(eq=False)
class Line:
    """One connection through the proxy; `asked` is the path of the last request that was made on it."""

    writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    asked: str = ""

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


@dataclass
class Proxy:
    """`forbidden` holds path prefixes that are answered with 403; with `deaf`, answers of the gateway are lost."""

    upstream: str
    url: str = ""
    forbidden: set[str] = field(default_factory=set)
    delay: float = 0.0
    deaf: bool = False
    refusing: bool = False
    lines: set[Line] = field(default_factory=set)
    made: int = 0
    lost: int = 0

    def cut(self, which: Callable[[Line], bool] = lambda line: True) -> int:
        """End connections like a broken cable; return how many."""
        cut = [line for line in self.lines if which(line)]
        for line in cut:
            line.cut()
        return len(cut)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        parts = urlsplit(self.upstream)
        try:
            answers, questions = await asyncio.open_connection(parts.hostname, parts.port)
        except OSError:
            writer.transport.abort()
            return
        self.made += 1
        line = Line((writer, questions))
        self.lines.add(line)
        try:
            with suppress(OSError):
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._questions(line, reader, questions))
                    group.create_task(self._answers(answers, writer))
        except* OSError:
            pass
        finally:
            self.lines.discard(line)
            line.cut()

    async def _questions(self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            head = data.split(b" ", 2)
            if head[0] in (b"GET", b"POST") and len(head) == 3:
                line.asked = head[1].decode()
            if any(line.asked.startswith(prefix) for prefix in self.forbidden):
                line.writers[0].write(FORBIDDEN)
                break
            writer.write(data)
            await writer.drain()
        raise OSError("the client went")

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            if self.deaf:
                self.lost += 1
                continue
            writer.write(data)
            await writer.drain()
        raise OSError("the gateway went")


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(url)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
        await server.wait_closed()
