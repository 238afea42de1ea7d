"""kill -9 at any moment: each accepted message is stored once and in order, and clients reconnect by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.errors import GroupChatError, StorageFailed, StorageFull
from gateway.protocol.events import Message
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import MessageList, TokenMade
from gateway.protocol.types.core_types import MemberKind
from gateway.store import LogEntry
from gateway.store.sqlite import SqliteStore
from tests.support.assembled import StumblingStore, assembled
from tests.support.gateways import GatewayProcess
from tests.support.kills import compare, send_while_killing

KILLS = 25
SEEDS = (20_261_121, 20_261_122)  # in two halves that run in parallel


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
async def test_fifty_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    process = GatewayProcess(tmp_path / "state")

    async def kill() -> None:
        process.kill()
        await asyncio.to_thread(process.start)

    ledger = await send_while_killing(process, KILLS, kill, seed)
    compare(ledger, tmp_path / "state" / "groupchat.db", KILLS)


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


class ForgetfulStore(SqliteStore):
    """The real store; while `forgets` is set, a commit succeeds and its answer is lost."""

    forgets = False

    async def append(self, batch: Sequence[LogEntry]) -> list[int]:
        seqs = await super().append(batch)
        if self.forgets:
            raise StorageFailed("No answer came.")
        return seqs


async def test_a_commit_whose_answer_was_lost_reaches_everybody_once(tmp_path: Path) -> None:
    """What the log has is more than what was pushed: streams end, and clients read the rest."""
    (tmp_path / "state").mkdir(mode=0o700)
    store = ForgetfulStore(tmp_path / "state" / "groupchat.db")
    async with (
        assembled(tmp_path / "state", store=store) as gateway,
        Client(gateway.operator) as alice,
        Client(await gateway.member("bob", MemberKind.HUMAN)) as bob,
    ):
        await alice.send("before", id="1")
        store.forgets = True
        with pytest.raises(StorageFailed):
            await alice.send("during", id="2")
        store.forgets = False
        assert (await alice.send("during", id="2")).duplicate, "sent again, it is known"
        await alice.send("after", id="3")
        heard: list[str] = []
        async with asyncio.timeout(60):
            async for event in bob.events():
                heard += [event.content] if isinstance(event, Message) else []
                if heard[-1:] == ["after"]:
                    break
        assert heard == ["before", "during", "after"]
