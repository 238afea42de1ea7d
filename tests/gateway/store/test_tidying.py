"""The search index is merged while nobody writes, and finds the same before and after."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.store import LogEntry, MessageQuery, Viewer
from gateway.store.sqlite import SqliteStore

BATCHES = 40


def segments(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute("SELECT count(DISTINCT segid) FROM words_idx").fetchone()
        return int(count)


async def test_a_quiet_store_merges_its_index(tmp_path: Path) -> None:
    path = tmp_path / "groupchat.db"
    store = SqliteStore(path)
    for seq in range(1, BATCHES + 1):
        await store.append([LogEntry(seq, "message", b"{}", "general", "alice", text=f"word{seq} common")])
    scattered = segments(path)
    query = MessageQuery(Viewer("alice", observer=True), words="common", limit=BATCHES)
    before = await store.messages(query)
    async with asyncio.timeout(60):
        await store.at_rest()
    assert segments(path) < scattered
    assert await store.messages(query) == before
    assert len(before) == BATCHES
    await store.close()
