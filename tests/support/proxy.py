"""A bad network between a client and a gateway, or a gateway and Redis: cut, stalled, delayed, with lost answers or
blocked protocols."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
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
    """`forbidden` holds path prefixes that are answered with 403; with `deaf`, answers of the gateway are lost. After
    `answer_bytes` more bytes of answers, the connection is reset in the middle of one."""

    upstream: str
    url: str = ""
    forbidden: set[str] = field(default_factory=set)
    delay: float = 0.0
    answer_bytes: int | None = None
    deaf: bool = False
    refusing: bool = False
    lines: set[Line] = field(default_factory=set)
    made: int = 0
    lost: int = 0
    _flows: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def __post_init__(self) -> None:
        self._flows.set()

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @contextmanager
    def deafened(self) -> Iterator[None]:
        """Questions arrive, and their answers do not. Afterwards the connections break."""
        self.deaf = True
        try:
            yield
        finally:
            self.deaf = False
            self._loop.call_soon_threadsafe(self.cut)

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Nothing arrives. What was sent meanwhile arrives afterwards, also from a client that has given up by then."""
        self._loop.call_soon_threadsafe(self._flows.clear)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._flows.set)

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
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        raise OSError("the client went")

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self._flows.wait()
            data = self._cut_short(data)
            if self.deaf:
                self.lost += 1
                continue
            writer.write(data)
            await writer.drain()
            if self.answer_bytes == 0:
                self.answer_bytes = None
                break
        raise OSError("the gateway went")

    def _cut_short(self, data: bytes) -> bytes:
        if self.answer_bytes is None:
            return data
        data = data[: self.answer_bytes]
        self.answer_bytes -= len(data)
        return data


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


@contextmanager
def proxy_beside(url: str) -> Iterator[Proxy]:
    """In a thread of its own, for tests whose loop waits for a process to start."""
    started: Future[tuple[Proxy, Callable[[], object]]] = Future()

    async def serve() -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        async with proxy_to(url) as proxy:
            started.set_result((proxy, lambda: loop.call_soon_threadsafe(over.set)))
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    proxy, end = started.result()
    try:
        yield proxy
    finally:
        end()
        thread.join()
