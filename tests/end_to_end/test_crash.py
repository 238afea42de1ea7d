"""kill -9 at any moment: each accepted message is stored once and in order, and clients reconnect by themselves."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.client import Client, Endpoint
from gateway.protocol import codec
from gateway.protocol.errors import GroupChatError, StorageFailed, StorageFull, TimedOut
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.message_requests import History, Report, Send
from gateway.protocol.results import Accepted, Done, MessageList, TokenMade
from gateway.protocol.types.core_types import MemberKind, Rung, Scope, Step
from tests.fakes.retry import retry_until
from tests.support.assembled import StumblingStore, assembled
from tests.support.gateways import GatewayProcess

T = TypeVar("T")

KILLS = 25
SEEDS = (20_261_121, 20_261_122)  # in two halves that run in parallel
SENDERS = ("ann", "ben", "cem")
LONGEST_LIFE = 0.25
AT_LEAST = 5  # messages that each run accepts
MAX_BACKLOG = 500
PATIENCE = 120.0


@dataclass
class Ledger:
    """The answers that clients got, compared at the end with the database."""

    accepted: dict[str, int] = field(default_factory=dict)
    confirmed: set[int] = field(default_factory=set)
    heard: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    stopping: bool = False

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
            await retry_until(lambda: ledger.stopping or ledger.backlog < MAX_BACKLOG, PATIENCE)
            if ledger.stopping:
                return
            message_id = f"{name}-{number}"
            to = "@all" if number % 3 else "@worker"
            say = Send(content=f"{name} says {number}", id=message_id, to=to)
            ledger.accepted[message_id] = (await insisting(client, say, Accepted)).seq


async def insisting(client: Client, request: Send | Report, kind: type[T]) -> T:
    """Like a person: send the same request again if there was no answer through many kills."""
    while True:
        try:
            return await client.request(request, kind)
        except TimedOut:
            continue


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


async def kill_again_and_again(process: GatewayProcess, ledger: Ledger, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(KILLS):
        life = asyncio.get_running_loop().time() + chance.uniform(0, LONGEST_LIFE)
        before = len(ledger.accepted)
        await retry_until(
            lambda life=life, before=before: (  # type: ignore[misc]
                asyncio.get_running_loop().time() > life and len(ledger.accepted) > before + AT_LEAST
            ),
            PATIENCE,
        )
        process.kill()
        await asyncio.to_thread(process.start)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
async def test_fifty_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    process, ledger = GatewayProcess(tmp_path / "state"), Ledger()
    with process.running():
        async with Client(process.operator) as operator:
            tokens = {name: await made(operator, name, MemberKind.HUMAN) for name in SENDERS}
            tokens["worker"] = await made(operator, "worker", MemberKind.AGENT)
            tokens["watcher"] = await made(operator, "watcher", MemberKind.TOOL, Scope.OBSERVER)
        at = {name: Endpoint(process.url, token) for name, token in tokens.items()}
        async with tasks() as listening:
            listening.create_task(keep_listening(at["watcher"], "watcher", ledger))
            listening.create_task(keep_listening(at["worker"], "worker", ledger, reports=True))
            async with asyncio.TaskGroup() as sending:
                for name in SENDERS:
                    sending.create_task(keep_sending(at[name], name, ledger))
                await kill_again_and_again(process, ledger, seed)
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
        assert process.stop() == 0
    compare(ledger, tmp_path / "state" / "groupchat.db")


def compare(ledger: Ledger, database: Path) -> None:
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT seq, event FROM log ORDER BY seq").fetchall()
        rungs = dict(connection.execute("SELECT message, rung FROM deliveries WHERE member = 'worker'"))
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    events = [codec.decode_durable(event) for _, event in rows]
    assert [event.seq for event in events] == [seq for seq, _ in rows], "an event says the seq under which it stands"
    said = [(one.seq, one.id) for one in events if isinstance(one, Message)]
    ids = [message_id for _, message_id in said]
    assert len(said) > AT_LEAST * KILLS, "the gateway was under load"
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


async def test_the_writer_waits_for_the_disk(tmp_path: Path) -> None:
    store = StumblingStore(tmp_path / "log.db")
    try:
        assert await store.pragma("synchronous") == 2
        assert await store.text_pragma("journal_mode") == "wal"
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (lambda: StorageFull("The disk is full."), "storage_full"),
        (lambda: StorageFailed("The disk is gone."), "storage_failed"),
        (lambda: OSError("Something nobody thought of."), "storage_failed"),
    ],
)
async def test_a_commit_that_fails_is_never_accepted(
    tmp_path: Path, failure: Callable[[], Exception], code: str
) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    store = StumblingStore(tmp_path / "state" / "groupchat.db")
    async with (
        assembled(tmp_path / "state", store=store) as gateway,
        Client(gateway.operator) as alice,
        Client(await gateway.member("bob", MemberKind.HUMAN)) as bob,
    ):
        before = await alice.send("before", id="1")
        store.stumble = failure
        failed = await asyncio.gather(
            *(alice.send("during", id=f"during-{n}") for n in range(5)),
            alice.request(CreateToken(name="ghost"), TokenMade),
            return_exceptions=True,
        )
        assert [isinstance(one, GroupChatError) and one.code for one in failed] == [code] * 6
        assert "ghost" not in gateway.hub.state.members
        store.stumble = None
        again = await alice.send("during", id="during-0")
        after = await alice.send("after", id="2")
        assert (again.duplicate, before.seq < again.seq < after.seq) == (False, True)
        found = (await alice.request(History(), MessageList)).messages
        assert [one.content for one in found] == ["after", "during", "before"]
        heard = []
        async for event in bob.events():
            heard += [event.content] if isinstance(event, Message) else []
            if heard[-1:] == ["after"]:
                break
        assert heard == ["before", "during", "after"]
