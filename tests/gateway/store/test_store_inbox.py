"""What waits for a member, in the store: by rank, in pages, picked, and read along an index."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.model.deliveries.delivery_states import NORMAL_RANK, rank
from gateway.protocol.types.core_types import Delivery, Rung
from gateway.store import InboxQuery, LogEntry
from gateway.store.schema import MIGRATIONS
from gateway.store.sqlite import SqliteStore, open_database
from gateway.store.sqlite_read import inbox_queries


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "log.db")
    yield store
    await store.close()


def waiting(number: int, rank: int = NORMAL_RANK, sender: str = "ann", **event: object) -> LogEntry:
    ladders = (Delivery(number, "ben"),)
    return LogEntry(number, "message", json.dumps(event).encode(), "general", sender, deliveries=ladders, rank=rank)


async def inbox(store: SqliteStore, **fields: Any) -> list[int]:
    page, _ = await store.inbox(InboxQuery("ben", **fields))
    return [one.message for one, record in page if one.message == record.seq]


async def test_what_waits_is_read_by_rank_or_in_order_and_in_pages(store: SqliteStore) -> None:
    await store.append([waiting(n, 3 if n == 5 else 20 if n == 4 else NORMAL_RANK) for n in range(1, 7)])
    begun = msgspec.structs.replace(LogEntry(7, "receipt", b"{}"), deliveries=(Delivery(2, "ben", Rung.TYPED),))
    await store.append([begun, msgspec.structs.replace(waiting(8, 3), deliveries=(Delivery(8, "cem"),))])
    assert await inbox(store, by_rank=True) == [5, 4, 1, 3, 6]
    assert await inbox(store, by_rank=True, limit=2) == [5, 4]
    assert await inbox(store, by_rank=True, limit=2, after=4) == [1, 3]
    assert await inbox(store, by_rank=True, after=5) == [4, 1, 3, 6]
    assert await inbox(store, by_rank=True, after=3) == [6]
    assert await inbox(store) == [1, 3, 4, 5, 6]
    assert await inbox(store, after=3, limit=1) == [4]
    assert [one.message for one in await store.open_deliveries("ben", 0, 9, begun=True)] == [2]
    for limit, more in ((4, True), (5, False), (6, False)):
        assert (await store.inbox(InboxQuery("ben", limit=limit)))[1] is more


async def test_what_waits_is_picked_by_sender_and_by_what_it_answers(store: SqliteStore) -> None:
    await store.append(
        [waiting(1), waiting(2, sender="cem"), waiting(3, reply_to=1), waiting(4, sender="cem", reply_to=1)]
    )
    assert await inbox(store, senders=("cem", "dan")) == [2, 4]
    assert await inbox(store, reply_to=1) == [3, 4]
    assert await inbox(store, reply_to=1, senders=("cem",)) == [4]


NORMAL, RANKED = "deliveries_open (member=? AND message>?)", "deliveries_ranked (member=? AND (rank,message)>(?,?))"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (InboxQuery("ben", 7, 10), [NORMAL]),
        (InboxQuery("ben", 7, 10, by_rank=True), [RANKED, NORMAL, RANKED]),
        (InboxQuery("ben", 1, 10, by_rank=True), [RANKED, NORMAL, RANKED]),
        (InboxQuery("ben", 2, 10, by_rank=True), [NORMAL, RANKED]),
        (InboxQuery("ben", 3, 10, by_rank=True), [RANKED]),
    ],
)
async def test_a_page_of_what_waits_is_read_along_an_index(
    tmp_path: Path, store: SqliteStore, query: InboxQuery, wanted: list[str]
) -> None:
    """Nothing is sorted, and nothing of another rank is looked at again."""
    await store.append([waiting(1, 3), waiting(2), waiting(3, 25)])
    connection = open_database(tmp_path / "log.db")
    plans = [
        " ".join(row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values))
        for sql, values in inbox_queries(connection, query)
    ]
    connection.close()
    for plan, index in zip(plans, wanted, strict=True):
        assert "TEMP B-TREE" not in plan and "SCAN" not in plan
        assert index.partition(" (")[0] in plan and index.partition(" ")[2][:-1] in plan, plan


def test_open_deliveries_of_an_older_database_get_their_rank(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    for number, script in enumerate(MIGRATIONS[:3], start=1):
        old.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
    events: tuple[dict[str, Any], ...] = ({}, {"urgent": True}, {"priority": 9}, {"urgent": True, "priority": 10})
    for number, event in enumerate(events, start=1):
        old.execute("INSERT INTO log (seq, kind, event) VALUES (?, 'message', ?)", (number, json.dumps(event).encode()))
        old.execute("INSERT INTO deliveries VALUES (?, 'ben', 'queued', '', '', NULL, 1)", (number,))
    old.execute("INSERT INTO deliveries VALUES (9, 'ben', 'queued', '', '', NULL, 1)")
    old.close()
    connection = open_database(tmp_path / "log.db")
    found = connection.execute("SELECT message, rank FROM deliveries ORDER BY rank, message").fetchall()
    connection.close()
    wanted = {4: rank(True, 10), 2: rank(True, 5), 3: rank(False, 9), 1: NORMAL_RANK, 9: NORMAL_RANK}
    assert found == list(wanted.items())
