"""Claim: 100 open pages cost the gateway less than 20 % more processor time than 100 plain sockets."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import aiohttp

from benchmarks.figures import Cell, Outcome, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import Server, gateway
from benchmarks.web_page import READER, SPEAKER
from gateway.client import Client, Endpoint
from gateway.protocol.types.core_types import MemberKind
from tests.support.browser import Browser, begin_pairing

MAX_RATIO = 1.2
SOCKETS = 100
AT_ONCE = 4
HELLO = {"op": "hello", "n": 1, "echo": True}


@dataclass(frozen=True)
class Cost:
    """Processor seconds of the gateway: to open all sockets, and to tell them all messages."""

    opened: float
    told: float


def measure(folder: Path, *, quick: bool) -> Outcome:
    return asyncio.run(_measured(folder / "state", 300 if quick else 1_500, 2 if quick else 6))


async def _measured(state: Path, messages: int, rounds: int) -> Outcome:
    reader, speaker = await enroll(state, (READER, SPEAKER), MemberKind.HUMAN)
    pages: list[Cost] = []
    plain: list[Cost] = []
    with gateway(state) as server:
        person = Endpoint(server.url, reader)
        browser = Browser(server.url)
        status, _ = await browser.pair((await begin_pairing(person)).code)
        assert status == 200
        async with Client(Endpoint(server.url, speaker)) as sender:
            for number in range(rounds):  # each round begins with the other kind
                for kind in (pages, plain) if number % 2 else (plain, pages):
                    device = browser if kind is pages else None
                    kind.append(await _round(server, sender, person, device, messages))
    ratio = median(one.told / other.told for one, other in zip(pages, plain, strict=True))
    rows = (_row("pages, proven as a device", pages), _row("baseline: plain sockets with a token", plain))
    title = f"{SOCKETS} sockets of one member, {messages:,} messages of another; {rounds} rounds in turn"
    claim = Verdict("gateway's processor time for pages over plain sockets", round(ratio, 3), MAX_RATIO, at_least=False)
    return Outcome("web-sockets", (Table(title, rows, "Medians of the rounds."),), (claim,))


def _row(what: str, costs: list[Cost]) -> dict[str, Cell]:
    return {
        "sockets": what,
        "to open all, CPU ms": round(median(one.opened for one in costs) * 1000),
        "to tell all, CPU s": round(median(one.told for one in costs), 2),
    }


async def _round(server: Server, sender: Client, person: Endpoint, device: Browser | None, messages: int) -> Cost:
    async with AsyncExitStack() as stack:
        begun = server.cpu_seconds()
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        sockets = [await _opened(stack, session, server, person, device) for _ in range(SOCKETS)]
        open_ = server.cpu_seconds()
        counting = [asyncio.create_task(_count(one, messages)) for one in sockets]  # noqa: TID251 - gathered below
        for _ in range(0, messages, AT_ONCE):
            await asyncio.gather(*(sender.send("x" * 200) for _ in range(AT_ONCE)))
        await asyncio.gather(*counting)
        return Cost(open_ - begun, server.cpu_seconds() - open_)


async def _opened(
    stack: AsyncExitStack, session: aiohttp.ClientSession, server: Server, person: Endpoint, device: Browser | None
) -> aiohttp.ClientWebSocketResponse:
    address = f"{server.url}/v1/ws".replace("http", "ws", 1)
    if device is None:
        headers = {"Authorization": f"Bearer {person.token}"}
        socket = await stack.enter_async_context(session.ws_connect(address, headers=headers))
    else:
        socket = await stack.enter_async_context(
            session.ws_connect(f"{address}?device={device.paired['device']}", headers={"Origin": server.url})
        )
        challenge = await socket.receive_json()
        await socket.send_json({"op": "prove", "n": 1, "signature": device.sign(challenge["nonce"])})
        assert "ok" in await socket.receive_json()
    await socket.send_json(HELLO)
    assert "ok" in await socket.receive_json()
    return socket


async def _count(socket: aiohttp.ClientWebSocketResponse, messages: int) -> None:
    while messages:
        frame = await socket.receive()
        assert frame.type is aiohttp.WSMsgType.TEXT, frame
        messages -= frame.data.startswith('{"ev":"message"')
