"""The SQLite store behind its interface: batches whole or not at all, in order, once; and found again."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gateway.protocol.errors import StorageFailed, StorageFull
from gateway.protocol.types.core_types import Delivery, Rung
from gateway.store import Document, LogEntry, MessageQuery, Viewer
from gateway.store.schema import MIGRATIONS
from gateway.store.sqlite import SqliteStore, _remedy_for, _translate_error, open_database

EVERYTHING = Viewer("olga", observer=True)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "log.db")
    yield store
    await store.close()


def message(
    seq: int,
    text: str = "text",
    *,
    sender: str = "ann",
    to: str | None = None,
    room: str = "general",
    client_id: str | None = None,
) -> LogEntry:
    ends = None if to is None else (sender, to)
    return LogEntry(seq, "message", b'{"seq":%d}' % seq, room, sender, client_id, ends, text=text)


def with_delivery(entry: LogEntry, member: str, rung: Rung = Rung.QUEUED, deadline: float | None = None) -> LogEntry:
    return msgspec.structs.replace(entry, deliveries=(Delivery(entry.seq, member, rung, "", "now"),), deadline=deadline)


async def seqs(store: SqliteStore, after: int = 0, limit: int = 1000) -> list[int]:
    records, _ = await store.read(after, limit, lambda record: True)
    return [record.seq for record in records]


async def found(store: SqliteStore, view: Viewer, **query: object) -> list[int]:
    return [record.seq for record in await store.messages(MessageQuery(view, **query))]  # type: ignore[arg-type]


async def test_the_log_is_read_backwards_in_bounded_pages(store: SqliteStore) -> None:
    await store.append([message(number, sender="ann" if number % 50 == 0 else "bob") for number in range(1, 201)])

    async def back(before: int | None, limit: int, sender: str) -> tuple[list[int], int]:
        found, until = await store.read_back(before, limit, lambda record: record.sender == sender)
        return [record.seq for record in found], until

    assert await back(None, 3, "bob") == ([199, 198, 197], 197)
    assert await back(197, 2, "bob") == ([196, 195], 195)
    assert await back(4, 9, "bob") == ([3, 2, 1], 0)
    assert await back(None, 2, "ann") == ([200], 161), "one call looks at twenty times the limit"
    assert await back(161, 2, "ann") == ([150], 121)
    assert await back(None, 50, "ann") == ([200, 150, 100, 50], 0)
    assert await back(1, 5, "ann") == ([], 0)


async def test_what_was_appended_is_read_in_order_after_any_seq(store: SqliteStore) -> None:
    assert await store.append([message(1), message(2), message(5)]) == [1, 2, 5]
    assert await store.append([message(9)]) == [9]
    assert [await seqs(store, after) for after in (0, 2, 4, 9, 99)] == [[1, 2, 5, 9], [5, 9], [5, 9], [], []]


async def test_a_repeated_id_gets_the_first_seq_within_a_batch_and_later(store: SqliteStore) -> None:
    first = [message(n, f"text {n}", client_id=i) for n, i in ((1, "a"), (2, "b"), (3, "a"))]
    assert await store.append(first) == [1, 2, 1]
    assert await store.append([message(4, "again", client_id="b"), message(5, client_id="c")]) == [2, 5]
    assert await store.append([message(6, client_id="a", sender="ben")]) == [6], "an id is the sender's own"
    assert await seqs(store) == [1, 2, 5, 6]
    assert await found(store, EVERYTHING, words="again") == [], "a repetition is not indexed either"


async def test_a_number_that_was_not_stored_is_not_noted_as_given(tmp_path: Path) -> None:
    """What is above the log's last number tells of a log that was put back from a backup."""
    store = SqliteStore(tmp_path / "log.db", given=tmp_path / "numbers")
    await store.load()
    for batch in (
        [message(1, client_id="a"), message(2)],
        [message(3, client_id="a")],
        [message(4), message(5, client_id="a")],
    ):
        await store.append(batch)
    again = SqliteStore(tmp_path / "log.db", given=tmp_path / "numbers")
    loaded = await again.load()
    assert (loaded.last_seq, loaded.given) == (4, 4)
    await again.close()
    await store.close()


async def test_many_ids_in_one_batch(store: SqliteStore) -> None:
    await store.append([message(n, client_id=f"id-{n}") for n in range(1, 301)])
    again = [message(1000 + n, client_id=f"id-{n}") for n in range(1, 401)]
    assert await store.append(again) == [*range(1, 301), *range(1301, 1401)]


async def test_a_batch_is_written_whole_or_not_at_all(store: SqliteStore) -> None:
    await store.append([message(1)])
    bad = [
        with_delivery(message(2, "half"), "ben"),
        msgspec.structs.replace(message(3), documents=(Document("room", "r", b"{}"),)),
        message(1),
    ]
    with pytest.raises(StorageFailed):
        await store.append(bad)
    assert await seqs(store) == [1]
    assert await found(store, EVERYTHING, words="half") == []
    assert await store.open_deliveries("ben", 0, 10) == []
    assert (await store.load()).documents == ()
    assert await store.append([message(2)]) == [2], "and the next batch is taken"


async def test_reading_skips_what_is_not_to_be_seen_but_says_how_far_it_looked(store: SqliteStore) -> None:
    await store.append([message(n, sender="ann" if n % 50 else "ben") for n in range(1, 1001)])
    records, until = await store.read(0, 3, lambda record: record.sender == "ben")
    assert [record.seq for record in records] == [50]
    assert until == 60, "one call looks at a bounded number of rows"
    collected: list[int] = []
    at = 0
    while at < 1000:
        records, at = await store.read(at, 3, lambda record: record.sender == "ben")
        collected += [record.seq for record in records]
    assert collected == list(range(50, 1001, 50))


async def test_documents_are_put_replaced_and_taken_away(store: SqliteStore) -> None:
    async def put(seq: int, *documents: Document) -> dict[tuple[str, str], bytes | None]:
        await store.append([msgspec.structs.replace(message(seq), documents=documents)])
        return {(one.kind, one.key): one.body for one in (await store.load()).documents}

    assert await put(1, Document("member", "ann", b"1"), Document("room", "ann", b"2")) == {
        ("member", "ann"): b"1",
        ("room", "ann"): b"2",
    }
    assert await put(2, Document("member", "ann", b"3")) == {("member", "ann"): b"3", ("room", "ann"): b"2"}
    assert await put(3, Document("member", "ann", None), Document("member", "nobody", None)) == {("room", "ann"): b"2"}


async def test_asides_are_written_with_their_event_and_read_one_at_a_time(store: SqliteStore) -> None:
    async def put(seq: int, *asides: Document) -> list[bytes | None]:
        await store.append([msgspec.structs.replace(message(seq), asides=asides)])
        return [await store.aside("context", key) for key in ("a", "b")]

    assert await put(1, Document("context", "a", b"1"), Document("other", "b", b"2")) == [b"1", None]
    assert await put(2, Document("context", "a", b"3"), Document("context", "b", b"4")) == [b"3", b"4"]
    assert await put(3, Document("context", "a", None), Document("context", "c", None)) == [None, b"4"]
    assert (await store.load()).documents == (), "they are not loaded at the start"
    with pytest.raises(StorageFailed):
        await put(3, Document("context", "a", b"half"))
    assert await store.aside("context", "a") is None


async def test_what_is_told_about_an_event_is_read_in_pieces(store: SqliteStore) -> None:
    await store.append([msgspec.structs.replace(message(seq), about=1 if seq % 2 else None) for seq in range(1, 12)])
    assert [one.seq for one in await store.about(1)] == [1, 3, 5, 7, 9, 11]
    assert [one.seq for one in await store.about(1, skip=2, limit=3)] == [5, 7, 9]
    assert await store.about(1, skip=6, limit=3) == []


def answer(seq: int, answers: int | None, **fields: str) -> LogEntry:
    return msgspec.structs.replace(message(seq, **fields), about=answers)


async def test_a_thread_is_a_message_and_what_answers_it_through_others(store: SqliteStore) -> None:
    await store.append([answer(1, None), answer(2, None), answer(3, 1), answer(4, 2), answer(5, 3, to="ben")])
    await store.append([LogEntry(6, "receipt", b"{}", "general", about=3), answer(7, 5), answer(8, 99)])
    found = await store.thread(1, 100)
    assert [(one.seq, one.answers, one.ends) for one in found] == [
        (1, None, None),
        (3, 1, None),
        (5, 3, ("ann", "ben")),
        (7, 5, None),
    ]
    assert [one.seq for one in await store.thread(1, 3)] == [1, 3, 5], "the newest are cut off"
    assert [one.seq for one in await store.thread(7, 3)] == [7]
    assert await store.thread(77, 3) == []
    assert [one.seq for one in await store.several([7, 3, 77])] == [3, 7]


async def test_a_thread_may_be_as_deep_as_it_is_long(store: SqliteStore) -> None:
    await store.append([answer(number, number - 1 or None) for number in range(1, 2001)])
    assert [one.seq for one in await store.thread(1, 5000)] == list(range(1, 2001))


async def test_deliveries_stand_where_the_last_rung_left_them(store: SqliteStore) -> None:
    await store.append([with_delivery(message(n), "ben", deadline=100.0 if n == 2 else None) for n in (1, 2, 3)])
    receipt = LogEntry(4, "receipt", b"{}", "general", about=1, ends=("ann", "ben"))
    await store.append([msgspec.structs.replace(receipt, deliveries=(Delivery(1, "ben", Rung.SEEN, "why", "then"),))])
    assert await store.delivery(1, "ben") == Delivery(1, "ben", Rung.SEEN, "why", "then")
    assert await store.delivery(1, "cem") is None
    assert [one.message for one in await store.open_deliveries("ben", 0, 10)] == [2, 3]
    assert [one.message for one in await store.open_deliveries("ben", 2, 10)] == [3]
    assert [one.member for one in await store.deliveries(1)] == ["ben"]
    assert [record.seq for record in await store.about(1)] == [4]
    loaded = await store.load()
    assert (loaded.last_seq, dict(loaded.queued), loaded.next_deadline) == (4, {"ben": 2}, 100.0)
    assert await store.overdue(99.0, 10) == ([], 100.0)
    overdue, ahead = await store.overdue(100.0, 10)
    assert ([one.message for one in overdue], ahead) == ([2], None)


async def test_who_finds_what(store: SqliteStore) -> None:
    await store.append(
        [
            message(1, "apples for all"),
            message(2, "apples for ben", to="ben"),
            message(3, "apples in the kitchen", room="kitchen"),
            message(4, "pears for all", sender="ben"),
            message(5, "apples for cem", sender="ben", to="cem"),
        ]
    )
    general, both = frozenset({"general"}), frozenset({"general", "kitchen"})
    ann, ben, cem = Viewer("ann", rooms=general), Viewer("ben", rooms=both), Viewer("cem")
    assert [await found(store, view, words="apples") for view in (ann, ben, cem, EVERYTHING)] == [
        [2, 1],
        [5, 3, 2, 1],
        [5],
        [5, 3, 2, 1],
    ]
    assert [await found(store, view, room="general") for view in (ann, ben, EVERYTHING)] == [
        [4, 2, 1],
        [5, 4, 2, 1],
        [5, 4, 2, 1],
    ]
    assert await found(store, EVERYTHING, sender="ben") == [5, 4]
    assert await found(store, EVERYTHING, recipient="ben") == [2]
    assert await found(store, EVERYTHING, recipient="all") == [4, 3, 1]
    assert await found(store, EVERYTHING, words="apples", before=3) == [2, 1]
    assert await found(store, EVERYTHING, room="general", after=1, limit=2) == [2, 4], "with `after` oldest first"
    assert await found(store, EVERYTHING, words='"for all"', limit=1) == [4]


async def test_a_million_is_not_needed_to_see_that_reading_goes_on_while_writing(store: SqliteStore) -> None:
    async def write() -> None:
        for begin in range(1, 2000, 100):
            await store.append([message(seq) for seq in range(begin, begin + 100)])

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write())
        while not writing.done():
            seen = await seqs(store)
            assert seen == list(range(1, len(seen) + 1))
            assert len(seen) % 100 == 0, "a batch is seen whole or not at all"


async def test_a_store_that_is_opened_again_has_everything(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "log.db")
    await first.append([with_delivery(message(7, "kept"), "ben")])
    await first.close()
    second = SqliteStore(tmp_path / "log.db")
    try:
        assert (await second.load()).last_seq == 7
        assert await found(second, EVERYTHING, words="kept") == [7]
        assert (tmp_path / "log.db").stat().st_mode & 0o777 == 0o600
    finally:
        await second.close()


def test_every_migration_leads_to_the_same_schema(tmp_path: Path) -> None:
    """A database of any earlier version is brought up to date."""

    def schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
        return connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()

    fresh = open_database(tmp_path / "fresh.db")
    wanted = schema(fresh)
    fresh.close()
    for version in range(len(MIGRATIONS) + 1):
        path = tmp_path / f"from-{version}.db"
        old = sqlite3.connect(path, isolation_level=None)
        for number, script in enumerate(MIGRATIONS[:version], start=1):
            old.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
        old.close()
        connection = open_database(path)
        assert schema(connection) == wanted
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        connection.close()


async def test_each_store_has_an_id_of_its_own_that_it_keeps(tmp_path: Path) -> None:
    ids: list[str] = []
    for name in ("one.db", "one.db", "two.db"):
        store = SqliteStore(tmp_path / name)
        ids.append((await store.load()).store_id)
        await store.close()
    assert ids[0] == ids[1] != ids[2]
    assert all(len(one) == 32 for one in ids)


# What SQLite says


def sqlite_error(path: Path, *statements: str, locked: bool = False) -> sqlite3.Error:
    """The error that the last statement causes, under words that no code may depend on."""
    with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE notes (text)")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            if locked:
                other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(sqlite3.OperationalError) as raised:
                for statement in statements:
                    connection.execute(statement)
    raised.value.args = ("no words of ours",)
    return raised.value


def test_a_full_disk_is_known_by_its_code(tmp_path: Path) -> None:
    error = sqlite_error(
        tmp_path / "full.db", "PRAGMA max_page_count = 3", f"INSERT INTO notes VALUES ('{'x' * 99999}')"
    )
    assert isinstance(_translate_error(tmp_path / "full.db", error), StorageFull)
    assert _remedy_for(tmp_path / "full.db", error).startswith("There is no room for ")


def test_a_locked_database_is_known_by_its_code(tmp_path: Path) -> None:
    error = sqlite_error(tmp_path / "locked.db", "INSERT INTO notes VALUES ('x')", locked=True)
    assert isinstance(_translate_error(tmp_path / "locked.db", error), StorageFailed)
    assert "is locked by another program" in _remedy_for(tmp_path / "locked.db", error)


def test_words_about_a_full_disk_are_no_full_disk(tmp_path: Path) -> None:
    error = sqlite_error(tmp_path / "words.db", "INSERT INTO nothing VALUES ('x')")
    error.args = ("the table is full and locked",)
    assert not isinstance(_translate_error(tmp_path / "words.db", error), StorageFull)
