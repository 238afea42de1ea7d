"""Candidates for a question in a real database: bounded, from the rarer words, and only what the reader may see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.types.core_types import MessageKind
from gateway.store import LogEntry, RecallQuery, Viewer
from gateway.store.sqlite import SqliteStore
from gateway.store.sqlite_recall import MAX_POSTINGS, READ_CHUNK

STAMP = "2026-01-01T12:00:00.000Z"
OBSERVER = Viewer("eve", observer=True)


def entry(
    seq: int, text: str, room: str = "general", *, sender: str = "ann", ends: tuple[str, ...] = (), to: int = 0
) -> LogEntry:
    said = Message(seq, f"c-{seq}", room, sender, ("@all",), MessageKind.CHAT, text, STAMP, ends, reply_to=to or None)
    return LogEntry(seq, "message", codec.encode(said), room, sender, said.id, ends or None, to or None, text)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "log.db", synchronous="OFF")
    await opened.load()
    yield opened
    await opened.close()


async def found(store: SqliteStore, view: Viewer, *words: str, room: str | None = None, limit: int = 256) -> set[int]:
    query = RecallQuery(view, tuple((one,) for one in words), room, limit=limit)
    return {one.seq for one in (await store.candidates(query)).events}


async def test_any_of_the_words_in_any_of_its_forms(store: SqliteStore) -> None:
    await store.append([entry(1, "the disk is full"), entry(50, "disks rotate"), entry(99, "lunch")])
    query = RecallQuery(OBSERVER, (("disk", "disks"), ("moon",)))
    got = await store.candidates(query)
    assert {one.seq for one in got.events} >= {1, 50}
    assert got.weights[1] > got.weights[0] > 0


async def test_a_reader_gets_its_rooms_and_its_own_direct_messages(store: SqliteStore) -> None:
    await store.append(
        [
            entry(1, "plum one"),
            entry(2, "plum two", room="lab"),
            entry(3, "plum three", ends=("ann", "bob")),
            entry(4, "plum four", sender="bob", ends=("bob", "cleo")),
        ]
    )
    general, both = frozenset({"general"}), frozenset({"general", "lab"})
    assert await found(store, Viewer("bob", rooms=general), "plum") == {1, 3, 4}
    assert await found(store, Viewer("dan", rooms=both), "plum") == {1, 2}
    assert await found(store, Viewer("nobody"), "plum") == set()
    assert await found(store, OBSERVER, "plum") == {1, 2, 3, 4}
    assert await found(store, Viewer("bob", rooms=both), "plum", room="lab") == {2}


async def test_a_small_room_is_found_below_many_newer_messages_elsewhere(store: SqliteStore) -> None:
    many = 3 * MAX_POSTINGS
    await store.append([entry(1, "plum stone", room="lab"), *(entry(seq, "plum") for seq in range(10, 10 + many))])
    assert 1 in await found(store, Viewer("bob", rooms=frozenset({"lab"})), "plum")
    assert 1 in await found(store, OBSERVER, "plum", room="lab")


async def test_two_frequent_words_together_are_found_however_old(store: SqliteStore) -> None:
    many = 2 * MAX_POSTINGS
    await store.append(
        [entry(1, "plum stone"), *(entry(seq, "plum" if seq % 2 else "stone") for seq in range(9, 2 * many))]
    )
    assert 1 in await found(store, OBSERVER, "plum", "stone")


async def test_the_number_of_candidates_is_bounded(store: SqliteStore) -> None:
    await store.append([entry(seq, "plum stone apple") for seq in range(1, 4000)])
    assert len(await found(store, OBSERVER, "plum", "stone", "apple")) <= 3 * READ_CHUNK


async def test_what_a_message_answers_its_answers_and_what_follows_come_along(store: SqliteStore) -> None:
    await store.append(
        [
            entry(1, "how much"),
            entry(2, "a plum", to=1),
            entry(3, "thanks", to=2),
            entry(4, "lunch"),
            entry(5, "x", "lab"),
        ]
    )
    assert await found(store, OBSERVER, "plum") == {1, 2, 3, 4}


async def test_words_that_the_index_knows_as_operators_are_words(store: SqliteStore) -> None:
    await store.append([entry(1, "and or not near")])
    assert 1 in await found(store, OBSERVER, "and", "not", "near")
