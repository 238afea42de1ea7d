"""A crowd without tokens at a real gateway that may open 512 files: members, new ones too, are served all the time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from gateway.client import Client, Endpoint
from gateway.process_basics.process_hardening import raise_descriptor_limit
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.results import TokenMade
from tests.support.gateways import GatewayProcess

DESCRIPTORS = 512
STRANGERS = 900
SAFETY_S = 60
MOST_LOG_BYTES = 100_000

HALF_A_HEAD = b"GET /v1/ping HTTP/1.1\r\nHost: 127.0.0.1\r\nX-"
NO_TOKEN = b"GET /v1/ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


@contextmanager
def strangers(url: str, count: int, said: bytes = b"") -> Iterator[list[socket.socket]]:
    """Idle connections of nobody, which stay as long as the block runs."""
    place = urlsplit(url)
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(count):
            one = stack.enter_context(socket.create_connection((place.hostname, place.port), SAFETY_S))
            with contextlib.suppress(ConnectionError):
                one.sendall(said)
            found.append(one)
        yield found


async def served(endpoint: Endpoint, watching: Client) -> None:
    """A new member comes in by a new connection, and is heard by one that was there before."""
    async with asyncio.timeout(SAFETY_S):
        async with Client(endpoint) as operator:
            made = await operator.request(CreateToken(name="newcomer"), TokenMade)
        async with Client(Endpoint(endpoint.url, made.token), Hello(inbox=True)) as newcomer:
            accepted = await newcomer.send("may I come in?")
        async for event in watching.events():
            if isinstance(event, Message) and event.seq == accepted.seq:
                return


async def test_a_crowd_of_strangers_shuts_out_nobody_and_fills_no_log(tmp_path: Path) -> None:
    raise_descriptor_limit()
    listeners = ("--listen", "ai-connect=0", "--listen", "mcp=0", "--log-level", "info")
    gateway = GatewayProcess(tmp_path / "state", *listeners, begin=f"ulimit -n {DESCRIPTORS}")
    with gateway.running():
        async with Client(gateway.operator) as watching:
            for url, said in (
                (gateway.url, b""),
                (gateway.url, HALF_A_HEAD),
                (gateway.url, NO_TOKEN),
                (gateway.listeners["ai-connect"], UPGRADE),
                (gateway.listeners["mcp"], b""),
            ):
                with strangers(url, STRANGERS // 5 if said else STRANGERS, said):
                    await served(gateway.operator, watching)
    assert len(gateway.log) < MOST_LOG_BYTES, gateway.log[-2000:]
