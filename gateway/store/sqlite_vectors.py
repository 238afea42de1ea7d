"""The vectors of messages in SQLite. Row 0 names the model that made them, because those of two cannot be compared."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from gateway.store import StoredEvent, StoredVector, VectorWindow
from gateway.store.search_query import DIRECT_REGION
from gateway.store.sqlite_read import LOG_COLUMNS, read_events

MODEL_ROW = 0
_PUBLIC = "kind = 'message' AND ends IS NULL"


def read_vector_model(connection: sqlite3.Connection) -> str | None:
    found = connection.execute("SELECT vector FROM vectors WHERE seq = ?", (MODEL_ROW,)).fetchone()
    return None if found is None else bytes(found[0]).decode()


def begin_vectors(connection: sqlite3.Connection, model: str) -> None:
    """Drop the vectors of another model."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM vectors")
    connection.execute("INSERT INTO vectors (seq, vector) VALUES (?, ?)", (MODEL_ROW, model.encode()))
    connection.execute("COMMIT")


def put_vectors(connection: sqlite3.Connection, vectors: Sequence[StoredVector]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT INTO vectors (seq, vector) VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET vector = excluded.vector",
        [(one.seq, one.vector) for one in vectors],
    )
    connection.execute("COMMIT")


def read_vectors_before(connection: sqlite3.Connection, before: int | None, limit: int) -> list[StoredVector]:
    """The newest ones. A message that is no longer in the log has none."""
    rows = connection.execute(
        "SELECT vectors.seq, room, vector FROM vectors JOIN log ON log.seq = vectors.seq "
        "WHERE vectors.seq < ? AND vectors.seq > ? ORDER BY vectors.seq DESC LIMIT ?",
        (DIRECT_REGION if before is None else before, MODEL_ROW, limit),
    )
    return [StoredVector(*row) for row in rows]


def read_vectors_of(connection: sqlite3.Connection, numbers: Sequence[int]) -> list[StoredVector]:
    rows = connection.execute(
        "SELECT vectors.seq, room, vector FROM vectors JOIN log ON log.seq = vectors.seq "
        "WHERE vectors.seq IN (SELECT value FROM json_each(?)) AND vectors.seq > ?",
        (json.dumps(list(numbers)), MODEL_ROW),
    )
    return [StoredVector(*row) for row in rows]


def read_vector_window(connection: sqlite3.Connection, most: int) -> VectorWindow:
    """Where the newest public messages begin, so many at most, and how many of them have no vector yet."""
    first, count = connection.execute(
        f"SELECT min(seq), count(*) FROM (SELECT seq FROM log WHERE {_PUBLIC} ORDER BY seq DESC LIMIT ?)", (most,)
    ).fetchone()
    (made,) = connection.execute("SELECT count(*) FROM vectors WHERE seq >= ?", (first or 1,)).fetchone()
    return VectorWindow((first or 1) - 1, max(0, count - made))


def read_without_vector(
    connection: sqlite3.Connection, after: int, before: int | None, limit: int
) -> list[StoredEvent]:
    """Public messages in between that have no vector yet, newest first."""
    return read_events(
        connection,
        f"SELECT {LOG_COLUMNS} FROM log WHERE {_PUBLIC} AND seq > ? AND seq < ? "
        "AND NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.seq = log.seq) ORDER BY seq DESC LIMIT ?",
        (after, DIRECT_REGION if before is None else before, limit),
    )
