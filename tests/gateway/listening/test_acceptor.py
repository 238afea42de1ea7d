"""Who is let in, and who is closed: real sockets against an application with few places."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.api.auth import LIMITER
from gateway.api.error_responses import translate_errors
from gateway.listening.acceptor import Acceptor, ConnectionLimiter
from gateway.listening.limited_site import LimitedSite
from gateway.listening.unauthenticated_connections import ConnectionLimits
from tests.fakes.retry import retry_until
from tests.support.certificates import self_signed
from tests.support.crowds import closed

FEW = ConnectionLimits(strangers=4, strangers_of_one_peer=4, guests=2, members=8, of_one_member=4)


class Served:
    """An application where `/token` proves a member and `/guest` lets a guest in."""

    def __init__(self, limiter: ConnectionLimiter) -> None:
        self.limiter, self.port = limiter, 0

    async def handle(self, request: web.Request) -> web.Response:
        if request.path.startswith("/token"):
            self.limiter.mark_proven(request.transport, request.query.get("as", "ann"))
        elif request.path == "/guest":
            self.limiter.mark_guest(request.transport)
        return web.Response(text="ok", status=401 if request.path == "/refused" else 200)


@asynccontextmanager
async def served(
    bounds: ConnectionLimits = FEW, *, tls: ssl.SSLContext | None = None, seconds: float = 60.0, host: str = "127.0.0.1"
) -> AsyncIterator[Served]:
    there = Served(ConnectionLimiter(bounds, look_every=0.05))
    app = web.Application(middlewares=[translate_errors])
    app[LIMITER] = there.limiter
    app.router.add_get("/{path:.*}", there.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await LimitedSite(runner, host, 0, there.limiter, tls=tls, seconds=seconds).start()
        there.port = runner.addresses[0][1]
        yield there
    finally:
        await runner.cleanup()
        there.limiter.close()


class Peer:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def get(self, path: str) -> str:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 60)
        await self.reader.readexactly(2)
        return head.partition(b"\r\n")[0].decode()

    async def until_closed(self) -> None:
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(self.reader.read(), 60)


@asynccontextmanager
async def peers(there: Served, count: int) -> AsyncIterator[list[Peer]]:
    async with contextlib.AsyncExitStack() as stack:
        found = []
        for _ in range(count):
            peer = Peer(*await asyncio.open_connection("127.0.0.1", there.port))
            stack.push_async_callback(closed, peer.writer)
            found.append(peer)
        yield found


async def test_when_strangers_are_too_many_the_oldest_goes_and_the_newest_is_served() -> None:
    async with served() as there, peers(there, 4) as crowd:
        await retry_until(lambda: len(there.limiter.admission.strangers) == 4)
        async with peers(there, 1) as newcomers:
            assert await newcomers[0].get("/token") == "HTTP/1.1 200 OK"
            await crowd[0].until_closed()
            assert await crowd[1].get("/") == "HTTP/1.1 200 OK"


async def test_whoever_was_refused_goes_before_the_oldest() -> None:
    async with served() as there, peers(there, 4) as crowd:
        assert await crowd[2].get("/refused") == "HTTP/1.1 401 Unauthorized"
        async with peers(there, 1) as newcomers:
            assert await newcomers[0].get("/token") == "HTTP/1.1 200 OK"
            await crowd[2].until_closed()
            assert await crowd[0].get("/") == "HTTP/1.1 200 OK"


async def test_a_member_stays_whoever_comes() -> None:
    async with served() as there, peers(there, 1) as members:
        await members[0].get("/token")
        async with peers(there, 12) as crowd:
            for one in crowd[:8]:
                await one.until_closed()
            assert await members[0].get("/") == "HTTP/1.1 200 OK"


async def test_guests_are_bounded_among_themselves() -> None:
    async with served() as there, peers(there, 3) as guests:
        for one in guests:
            assert await one.get("/guest") == "HTTP/1.1 200 OK"
        await guests[0].until_closed()
        assert await guests[1].get("/guest") == "HTTP/1.1 200 OK"


@pytest.mark.parametrize("said", [b"", b"GET /token HTTP/1.1\r\nHost: local", b"\x16\x03\x01"])
async def test_whoever_does_not_say_in_time_whose_it_is_is_closed(said: bytes) -> None:
    async with served(seconds=3.0) as there, peers(there, 2) as pair:
        silent, member = pair
        await member.get("/token")
        silent.writer.write(said)
        await silent.until_closed()
        assert await member.get("/") == "HTTP/1.1 200 OK"
        await retry_until(lambda: not there.limiter.admission.strangers)


async def test_a_closed_connection_leaves_nothing_behind() -> None:
    async with served() as there:
        async with peers(there, 3) as gone:
            await gone[0].get("/token")
            await gone[1].get("/guest")
            admission = there.limiter.admission
            await retry_until(lambda: (admission.members, len(admission.guests), len(admission.strangers)) == (1, 1, 1))
        await retry_until(lambda: not (admission.members or admission.guests or admission.strangers))


async def test_a_handshake_that_does_not_come_is_a_strangers_too(tmp_path: Path) -> None:
    """Known before TLS: the oldest of those that say nothing is closed, and a client with TLS is served."""
    made = self_signed(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.cert, made.key)
    trusting = ssl.create_default_context(cafile=made.cert)
    async with served(tls=tls) as there, peers(there, 6) as crowd:
        for one in crowd[:2]:
            await one.until_closed()
        url = f"https://127.0.0.1:{there.port}/token"
        async with aiohttp.ClientSession() as session, session.get(url, ssl=trusting) as answer:
            assert answer.status == 200
        await crowd[2].until_closed()
        assert len(there.limiter.admission.strangers) == 3


async def test_a_name_is_served_on_all_its_addresses() -> None:
    async with served(host="localhost") as there, peers(there, 1) as one:
        assert await one[0].get("/") == "HTTP/1.1 200 OK"


class Exhausted(socket.socket):
    """A listener of a process that has no descriptors left, for a while."""

    refusals = 1

    def accept(self) -> tuple[socket.socket, object]:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_without_descriptors_strangers_make_way_and_it_is_tried_again() -> None:
    there = Served(ConnectionLimiter(FEW))
    async with served() as other, peers(other, 2) as crowd:
        there.limiter = other.limiter
        await retry_until(lambda: len(other.limiter.admission.strangers) == 2)
        listener = Exhausted(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        runner = web.AppRunner(web.Application(), access_log=None)
        await runner.setup()
        assert runner.server is not None
        listening = Acceptor([listener], runner.server, other.limiter)
        there.port = listener.getsockname()[1]
        async with peers(there, 1) as late:
            assert await late[0].get("/") == "HTTP/1.1 404 Not Found"
        for one in crowd:
            await one.until_closed()
        assert listener.refusals == 0
        listening.close()
        await runner.cleanup()


async def test_closing_ends_handshakes_under_way(tmp_path: Path) -> None:
    made = self_signed(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(made.cert, made.key)
    async with contextlib.AsyncExitStack() as stack:
        async with served(tls=tls) as there:
            crowd = await stack.enter_async_context(peers(there, 2))
            await retry_until(lambda: len(there.limiter.admission.strangers) == 2)
        for one in crowd:
            await one.until_closed()
