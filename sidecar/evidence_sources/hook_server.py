"""The server for an agent's hooks: a loopback address with a secret in it. It is no full web server and does only what
hooks need."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from gateway.listening.acceptor import LISTEN_BACKLOG, Acceptor, ConnectionLimiter, bind_sockets
from gateway.listening.unauthenticated_connections import ConnectionLimits
from gateway.process_basics.tasks import spawn

MAX_BODY_BYTES = 4 << 20
READ_TIMEOUT_S = 10.0
CONNECTION_LIMITS = ConnectionLimits(strangers=32, strangers_of_one_peer=32, guests=8, members=256, of_one_member=256)
HookAnswer = Mapping[str, object]
HookHandler = Callable[[Mapping[str, object]], Awaitable[HookAnswer]]
log = structlog.get_logger("sidecar.evidence_sources.hook_server")


class HookRefused(Exception):
    """A request that does not come from one of our hooks."""


@dataclass(frozen=True)
class HookAddress:
    """A reserved address. A hook that comes before the server answers waits; none is refused."""

    url: str
    secret: str
    sockets: list[socket.socket]


@contextlib.asynccontextmanager
async def reserved() -> AsyncIterator[HookAddress]:
    """Reserve the address for hooks while the block runs. The agent must know it before it starts, and its first hook
    can come before we answer."""
    secret, sockets = secrets.token_urlsafe(32), await bind_sockets("127.0.0.1", 0)
    try:
        for one in sockets:
            one.listen(LISTEN_BACKLOG)
        yield HookAddress(f"http://127.0.0.1:{sockets[0].getsockname()[1]}/{secret}", secret, sockets)
    finally:
        for one in sockets:
            one.close()


@contextlib.contextmanager
def answering(address: HookAddress, handle: HookHandler) -> Iterator[None]:
    """Answer hooks while the block runs. `handle` gets each event and returns the answer. It may take time, and is
    cancelled when the agent stops waiting."""
    limiter = ConnectionLimiter(CONNECTION_LIMITS)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def heard(event: Mapping[str, object]) -> HookAnswer:
            limiter.mark_proven(writer.transport, "agent")
            return await handle(event)

        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError, asyncio.LimitOverrunError):
            await _serve_request(reader, writer, address.secret, heard)
        writer.close()

    def connection() -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), serve)

    acceptor = Acceptor(address.sockets, connection, limiter, seconds=READ_TIMEOUT_S)
    try:
        yield
    finally:
        acceptor.close()
        limiter.close()


async def _serve_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, secret: str, handle: HookHandler
) -> None:
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            event = json.loads(await reader.readexactly(_body_length(head, secret)))
        answer = await _answer_unless_hung_up(reader, partial(handle, event)) if isinstance(event, dict) else {}
        status = "200 OK"
    except (HookRefused, ValueError):
        status, answer = "403 Forbidden", {}
    body = json.dumps(dict(answer)).encode()
    headers = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close"
    writer.write(f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n".encode() + body)
    await writer.drain()


async def _answer_unless_hung_up(
    reader: asyncio.StreamReader, answer: Callable[[], Awaitable[HookAnswer]]
) -> HookAnswer:
    """The answer, or an empty one if the agent hangs up before it is ready."""
    gone = spawn(_wait_for_hang_up(reader), "hook hung up")
    task = spawn(_answer_safely(answer), "hook")
    try:
        await asyncio.wait((gone, task), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else {}
    finally:
        gone.cancel()
        task.cancel()


async def _answer_safely(answer: Callable[[], Awaitable[HookAnswer]]) -> HookAnswer:
    """If anything fails here, the agent continues as if nobody had listened."""
    try:
        return await answer()
    except Exception:
        log.exception("failed to handle a hook")
        return {}


async def _wait_for_hang_up(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):  # a reset connection has hung up, too
        while await reader.read(1024):
            """Nothing is asked on the same connection again."""


def _body_length(head: str, secret: str) -> int:
    request, *lines = head.split("\r\n")
    method, _, rest = request.partition(" ")
    given = rest.removeprefix("/").partition(" ")[0].partition("/")[0]
    if method != "POST" or not hmac.compare_digest(given.encode(), secret.encode()):
        raise HookRefused
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(fields.get("content-length", "-1"))
    if not 0 <= length <= MAX_BODY_BYTES:
        raise HookRefused
    return length
