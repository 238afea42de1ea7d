"""Senders, listeners and an agent that go on while a gateway, or its Redis, is killed; and what must be there then."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import TypeVar

from gateway.client import Client, Endpoint
from gateway.protocol import codec
from gateway.protocol.errors import TimedOut, Unavailable
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.message_requests import History, Report, Send
from gateway.protocol.results import Accepted, Done, TokenMade
from gateway.protocol.types.core_types import MemberKind, Rung, Scope, Step
from tests.fakes.retry import retry_until
from tests.support.gateways import GatewayProcess

T = TypeVar("T")
Kill = Callable[[], Awaitable[None]]  # kills something, and starts it again

SENDERS = ("ann", "ben", "cem")
LONGEST_LIFE = 0.25
AT_LEAST = 5  # messages that each run accepts
MAX_BACKLOG = 500
PATIENCE = 120.0
RESEND_DELAY_S = 0.05


@dataclass
class Ledger:
    """The answers that clients got, compared at the end with the database."""

    accepted: dict[str, int] = field(default_factory=dict)
    confirmed: set[int] = field(default_factory=set)
    heard: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    stopping: bool = False
    is_bounded: bool = True  # senders wait for the agent that confirms

    @property
    def may_send(self) -> bool:
        return not self.is_bounded or self.backlog < MAX_BACKLOG

    @property
    def backlog(self) -> int:
        """Unconfirmed work; bounded, because the end of the test waits for it."""
        return len(self.accepted) - len(self.confirmed)


async def made(client: Client, name: str, kind: MemberKind, *scopes: Scope) -> str:
    token = await client.request(CreateToken(name=name, kind=kind, scopes=scopes), TokenMade)
    return token.token


async def keep_sending(endpoint: Endpoint, name: str, ledger: Ledger) -> None:
    async with Client(endpoint, patient=True) as client:
        for number in count():
            await retry_until(lambda: ledger.stopping or ledger.may_send, PATIENCE)
            if ledger.stopping:
                return
            message_id = f"{name}-{number}"
            to = "@all" if number % 3 else "@worker"
            say = Send(content=f"{name} says {number}", id=message_id, to=to)
            ledger.accepted[message_id] = (await insisting(client, say, Accepted)).seq


async def insisting(client: Client, request: Send | Report | History, kind: type[T]) -> T:
    """Like a person: send the same request again if there was no answer through many kills, if the answer was that it
    is not known whether it was stored, or that no gateway decides now."""
    while True:
        try:
            return await client.request(request, kind)
        except (TimedOut, Unavailable):
            await asyncio.sleep(RESEND_DELAY_S)


async def keep_listening(endpoint: Endpoint, name: str, ledger: Ledger, *, reports: bool = False) -> None:
    heard = ledger.heard.setdefault(name, [])
    async with Client(endpoint, Hello(since=0, inbox=reports), patient=True) as client:
        async for event in client.events():
            if isinstance(event, Message):
                heard.append((event.seq, event.id))
                if reports:
                    await insisting(client, Report(message=event.seq, steps=(Step(Rung.ACCEPTED),)), Done)
                    ledger.confirmed.add(event.seq)


@asynccontextmanager
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group whose tasks end with the block."""

    class Over(Exception):
        pass

    try:
        async with asyncio.TaskGroup() as group:
            yield group
            raise Over
    except* Over:
        pass


async def kill_again_and_again(kills: int, kill: Kill, ledger: Ledger, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(kills):
        life = asyncio.get_running_loop().time() + chance.uniform(0, LONGEST_LIFE)
        before = len(ledger.accepted)
        await retry_until(
            lambda life=life, before=before: (  # type: ignore[misc]
                asyncio.get_running_loop().time() > life and len(ledger.accepted) > before + AT_LEAST
            ),
            PATIENCE,
        )
        await kill()


async def send_while_killing(
    process: GatewayProcess, kills: int, kill: Kill, seed: int, ledger: Ledger | None = None
) -> Ledger:
    """Start the gateway, kill again and again, and wait until everybody has everything."""
    ledger = ledger or Ledger()
    with process.running():
        await send_to_all_while_killing([process], lambda: kill_again_and_again(kills, kill, ledger, seed), ledger)
        assert process.stop() == 0
    return ledger


async def send_to_all_while_killing(
    gateways: Sequence[GatewayProcess], kill_all: Callable[[], Awaitable[None]], ledger: Ledger
) -> None:
    """Each sender at a gateway, an observer at every one, and an agent that confirms at the last one; until all have
    everything."""
    observers = [f"observer-{number}" for number in range(len(gateways))]
    async with Client(gateways[0].operator) as operator:
        tokens = {name: await made(operator, name, MemberKind.HUMAN) for name in SENDERS}
        tokens["worker"] = await made(operator, "worker", MemberKind.AGENT)
        tokens |= {name: await made(operator, name, MemberKind.TOOL, Scope.OBSERVER) for name in observers}
    urls = [one.url for one in gateways]
    async with tasks() as listening:
        for url, name in zip(urls, observers, strict=True):
            listening.create_task(keep_listening(Endpoint(url, tokens[name]), name, ledger))
        worker = Endpoint(urls[-1], tokens["worker"])
        listening.create_task(keep_listening(worker, "worker", ledger, reports=True))
        async with asyncio.TaskGroup() as sending:
            for name, url in zip(SENDERS, cycle(urls), strict=False):
                sending.create_task(keep_sending(Endpoint(url, tokens[name]), name, ledger))
            await kill_all()
            ledger.stopping = True
        everything = set(ledger.accepted.values())
        await retry_until(
            lambda: (
                all({seq for seq, _ in heard} >= everything for heard in ledger.heard.values())
                and ledger.confirmed >= everything
            ),
            PATIENCE,
            describe=lambda: {name: len(heard) for name, heard in ledger.heard.items()},
        )


def compare(ledger: Ledger, database: Path, kills: int) -> None:
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT seq, event FROM log ORDER BY seq").fetchall()
        rungs = dict(connection.execute("SELECT message, rung FROM deliveries WHERE member = 'worker'"))
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    events = [codec.decode_durable(event) for _, event in rows]
    assert [event.seq for event in events] == [seq for seq, _ in rows], "an event says the seq under which it stands"
    said = [(one.seq, one.id) for one in events if isinstance(one, Message)]
    ids = [message_id for _, message_id in said]
    assert len(said) > AT_LEAST * kills, "the gateway was under load"
    assert len(ids) == len(set(ids)), "nothing is there twice"
    stored = {message_id: seq for seq, message_id in said}
    lost = {one: seq for one, seq in ledger.accepted.items() if stored.get(one) != seq}
    assert not lost, "every accepted message is there under the seq its sender was told"
    for name in SENDERS:
        numbers = [int(one.partition("-")[2]) for one in ids if one.startswith(f"{name}-")]
        assert numbers == list(range(len(numbers))), f"everything {name} said is in order and without a gap"
    for name, heard in ledger.heard.items():
        assert heard == said, f"{name} heard every message once, in order"
    assert {rungs[seq] for seq in ledger.confirmed} == {"accepted"}, "a confirmed receipt is as durable as a message"
