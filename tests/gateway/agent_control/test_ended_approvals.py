"""What agents asked and who answered it, read from the log: by whoever could see it, newest first, in bounded pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.requests.approval_requests import AnswerAsk, CloseAsk, EndedAsks, OpenAsk
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join, Leave
from gateway.protocol.results import AskList, Done
from gateway.protocol.types.core_types import AskState, MemberKind, Option, Scope
from gateway.store import MAX_PAGE_BYTES, LogEntry, Span
from gateway.store.sqlite import SqliteStore
from tests.support.gateways import Gateway, gateway_in_process


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state") as running:
        yield running


async def asked(claude: Client, digest: str, state: AskState | None = AskState.CLOSED) -> int:
    question = OpenAsk(digest=digest * 16, question=f"{digest}?", options=(Option("1", "Yes"),), detail=digest * 4000)
    done = await claude.request(question, Done)
    assert done.seq is not None
    if state is not None:
        await claude.request(CloseAsk(ask=done.seq, state=state), Done)
    return done.seq


async def ended(client: Client, **fields: object) -> tuple[list[int], bool]:
    found = await client.request(EndedAsks(**fields), AskList)  # type: ignore[arg-type]
    return [one.number for one in found.asks], found.more


async def test_the_last_word_on_each_is_listed_newest_first(gateway: Gateway) -> None:
    async with Client(await gateway.member("claude"), Hello()) as claude, Client(gateway.operator) as alice:
        first = await asked(claude, "a")
        second = await asked(claude, "b", None)
        await alice.request(AnswerAsk(member="claude", answer="1"), Done)
        await claude.request(CloseAsk(ask=second, state=AskState.ANSWERED), Done)
        third = await asked(claude, "c", None)
        assert await ended(alice) == ([second, first], False)
        fourth = await asked(claude, "d")  # the third is stale by this
        assert await ended(alice) == ([fourth, third, second, first], False)
        assert await ended(alice, limit=2) == ([fourth, third], True)
        assert await ended(alice, after=second, before=fourth) == ([third, second], False)
        found = await alice.request(EndedAsks(after=first, before=third), AskList)
        assert [(one.state, one.by, one.answer) for one in found.asks[:1]] == [(AskState.ANSWERED, "alice", "1")]


async def test_it_is_for_those_who_shared_a_room_and_for_observers(gateway: Gateway) -> None:
    bob = await gateway.member("bob", MemberKind.HUMAN)
    eve = await gateway.member("eve", MemberKind.HUMAN, Scope.OBSERVER)
    async with (
        Client(await gateway.member("claude"), Hello()) as claude,
        Client(bob) as bobby,
        Client(eve) as olga,
    ):
        await claude.request(CreateRoom(room="lab", invite_only=True), Done)
        await claude.request(Leave(room="general"), Done)
        number = await asked(claude, "a")
        assert await ended(bobby) == ([], False)
        assert await ended(olga) == ([number], False)
        await claude.request(Invite(room="lab", member="bob"), Done)
        await bobby.request(Join(room="lab"), Done)
        assert await ended(bobby) == ([], False), "it was told before"
        later = await asked(claude, "b")
        assert await ended(bobby) == ([later], False)


def an_end(seq: int, size: int = 0) -> LogEntry:
    return LogEntry(seq, "ask", b'{"ask":{"state":"closed","detail":"%s"}}' % (b"x" * size), room="general")


async def test_a_page_that_its_bytes_end_says_that_more_follows(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "log.db")
    await store.append([an_end(seq, MAX_PAGE_BYTES // 2) for seq in (1, 2, 3)])
    found, more = await store.ended_asks(Span(0, None), 10, lambda record: True)
    assert ([one.seq for one in found], more) == ([3], True)
    found, more = await store.ended_asks(Span(0, 2), 10, lambda record: True)
    assert ([one.seq for one in found], more) == ([1], False)
    await store.close()


async def test_a_page_that_ends_before_all_was_looked_at_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "log.db")
    await store.append([an_end(seq) for seq in range(1, 30)])
    assert await store.ended_asks(Span(0, None), 1, lambda record: record.seq == 1) == ([], True)
    found, more = await store.ended_asks(Span(0, 15), 1, lambda record: record.seq == 1)
    assert ([one.seq for one in found], more) == ([1], False)
    await store.close()
