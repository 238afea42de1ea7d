"""What waits for a member, in the store: by rank, in pages, picked, and read along an index."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.model.deliveries.delivery_states import NORMAL_RANK, rank
from gateway.store import InboxQuery
from gateway.store.schema import MIGRATIONS
from gateway.store.sqlite import SqliteStore, open_database
from gateway.store.sqlite_read import inbox_queries
from tests.contract.store import waiting


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "log.db")
    yield store
    await store.close()


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
