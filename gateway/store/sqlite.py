"""The default store: one SQLite file, one writer thread, many readers.

A batch is one transaction. Rows go in with many-row INSERTs, so that SQLite does its work in a few long calls without
Python's lock, and the event loop goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from gateway.deliveries import OPEN
from gateway.protocol.errors import GroupChatError, StorageFailed, StorageFull
from gateway.protocol.nouns import Delivery, Rung
from gateway.store import Document, Entry, Loaded, MessageQuery, Record, Visible
from gateway.store.schema import MIGRATIONS
from gateway.store.words import scopes_of, search_expression

T = TypeVar("T")

READERS = 4
CACHE_KIB = 16 * 1024
_CHUNKS = (64, 16, 4, 1)
_ROW = "seq, kind, room, sender, ends, event"
_RUNGS = "message, member, rung, reason, at"


class SqliteStore:
    def __init__(self, path: Path, *, synchronous: str = "FULL") -> None:
        self.path = path
        self._synchronous = synchronous
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._readers = ThreadPoolExecutor(READERS, "store-reader")
        self._connection = open_database(path, synchronous)
        self._free: list[sqlite3.Connection] = []

    def describe(self) -> str:
        return f"sqlite ({self._synchronous.lower()})"

    async def load(self) -> Loaded:
        return await self._write(_load)

    async def append(self, batch: Sequence[Entry]) -> list[int]:
        return await self._write(lambda connection: _append(connection, batch))

    async def read(self, after: int, limit: int, visible: Visible) -> tuple[list[Record], int]:
        return await self._read(lambda connection: _read_log(connection, after, limit, visible))

    async def messages(self, query: MessageQuery) -> list[Record]:
        return await self._read(lambda connection: find_messages(connection, query))

    async def one(self, seq: int) -> Record | None:
        found = await self._read(lambda c: _records(c, f"SELECT {_ROW} FROM log WHERE seq = ?", (seq,)))
        return found[0] if found else None

    async def about(self, message: int) -> list[Record]:
        return await self._read(
            lambda c: _records(c, f"SELECT {_ROW} FROM log WHERE about = ? ORDER BY seq", (message,))
        )

    async def ladders(self, message: int) -> list[Delivery]:
        return await self._read(lambda c: _deliveries(c, "message = ? ORDER BY member", (message,)))

    async def delivery(self, message: int, member: str) -> Delivery | None:
        found = await self._read(lambda c: _deliveries(c, "message = ? AND member = ?", (message, member)))
        return found[0] if found else None

    async def open_deliveries(self, member: str, after: int, limit: int) -> list[Delivery]:
        where = "open = 1 AND member = ? AND message > ? ORDER BY message LIMIT ?"
        return await self._read(lambda c: _deliveries(c, where, (member, after, limit)))

    async def overdue(self, now: float, limit: int) -> tuple[list[Delivery], float | None]:
        return await self._read(lambda connection: _overdue(connection, now, limit))

    async def close(self) -> None:
        await self._write(lambda connection: connection.execute("PRAGMA optimize").fetchall())
        self._writer.shutdown()
        self._readers.shutdown()
        for connection in [*self._free, self._connection]:
            connection.close()

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, lambda: _telling(work, self._connection))

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, lambda: self._borrowing(work))

    def _borrowing(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._free.pop() if self._free else _connect(self.path, read_only=True)
        try:
            return _telling(work, connection)
        finally:
            self._free.append(connection)


def open_database(path: Path, synchronous: str = "FULL") -> sqlite3.Connection:
    """The writer's connection to a database of the current schema; a file that is none is left untouched."""
    try:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = _connect(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        _migrate(connection, path)
    except sqlite3.DatabaseError as error:
        raise StorageFailed(_way_out(path, error)) from error
    return connection


def _way_out(path: Path, error: sqlite3.DatabaseError) -> str:
    if "locked" in str(error):
        return (
            f"{path} is locked by another program. Find it with `fuser {path}` and stop it, "
            "or give this gateway a state folder of its own with --state."
        )
    return (
        f"{path} cannot be read as a database ({error}). Nothing was changed. Put a backup in its place, or rescue "
        f"what is left with `sqlite3 {path} .recover | sqlite3 rescued.db`, or move the file away to begin anew."
    )


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=5,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise StorageFailed(
            f"{path} was written by a newer llm-groupchat (schema {version}, this one knows {len(MIGRATIONS)}). "
            "Update this installation, or use another state folder with --state."
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")


def _telling(work: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
    try:
        return work(connection)
    except GroupChatError:
        raise
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.rollback()
        if "full" in str(error):
            raise StorageFull(
                f"The disk is full; nothing of this was stored ({error}). Free space and retry."
            ) from error
        raise StorageFailed(f"The database did not take this; nothing of it was stored ({error}).") from error


def _append(connection: sqlite3.Connection, batch: Sequence[Entry]) -> list[int]:
    connection.execute("BEGIN IMMEDIATE")
    known = _known_ids(connection, batch)
    seqs, fresh = _without_repeats(batch, known)
    _insert_log(connection, fresh)
    _insert_words(connection, fresh)
    _put_deliveries(connection, fresh)
    _put_documents(connection, fresh)
    connection.execute("COMMIT")
    return seqs


def _known_ids(connection: sqlite3.Connection, batch: Sequence[Entry]) -> dict[tuple[str | None, str], int]:
    keys = [(entry.sender, entry.client_id) for entry in batch if entry.client_id is not None]
    known: dict[tuple[str | None, str], int] = {}
    for chunk in _chunks(keys):
        rows = connection.execute(
            f"WITH asked (sender, id) AS ({_values(len(chunk), 2)}) SELECT asked.sender, asked.id, log.seq "
            "FROM asked CROSS JOIN log ON log.sender = asked.sender AND log.client_id = asked.id",
            [value for key in chunk for value in key],
        )
        known.update({(sender, client_id): seq for sender, client_id, seq in rows})
    return known


def _without_repeats(batch: Sequence[Entry], known: dict[tuple[str | None, str], int]) -> tuple[list[int], list[Entry]]:
    seqs: list[int] = []
    fresh: list[Entry] = []
    for entry in batch:
        if entry.client_id is not None:
            seq = known.setdefault((entry.sender, entry.client_id), entry.seq)
            seqs.append(seq)
            if seq != entry.seq:
                continue
        else:
            seqs.append(entry.seq)
        fresh.append(entry)
    return seqs, fresh


def _insert_log(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    rows = [
        (
            entry.seq,
            entry.kind,
            entry.room,
            entry.sender,
            entry.client_id,
            _packed(entry.ends),
            entry.about,
            entry.event,
        )
        for entry in entries
    ]
    _insert(connection, "INSERT INTO log (seq, kind, room, sender, client_id, ends, about, event)", rows)


def _insert_words(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    rows = [(entry.seq, entry.text, scopes_of(entry)) for entry in entries if entry.text is not None]
    _insert(connection, "INSERT INTO words (rowid, text, scope)", rows)


def _put_deliveries(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    rows = [
        (one.message, one.member, one.rung.value, one.reason, one.at, entry.deadline, int(one.rung in OPEN))
        for entry in entries
        for one in entry.deliveries
    ]
    _insert(
        connection,
        "INSERT INTO deliveries (message, member, rung, reason, at, deadline, open)",
        rows,
        " ON CONFLICT (message, member) DO UPDATE SET rung = excluded.rung, reason = excluded.reason, "
        "at = excluded.at, open = excluded.open",
    )


def _put_documents(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    for entry in entries:
        for document in entry.documents:
            if document.body is None:
                connection.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (document.kind, document.key))
            else:
                connection.execute(
                    "INSERT INTO documents (kind, key, body) VALUES (?, ?, ?) "
                    "ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
                    (document.kind, document.key, document.body),
                )


def _insert(connection: sqlite3.Connection, insert: str, rows: Sequence[tuple[Any, ...]], after: str = "") -> None:
    for chunk in _chunks(rows):
        statement = insert + _values(len(chunk), len(chunk[0])) + after
        connection.execute(statement, [value for row in chunk for value in row])


@cache
def _values(rows: int, columns: int) -> str:
    return " VALUES " + ", ".join(["(" + ", ".join("?" * columns) + ")"] * rows)


def _chunks(rows: Sequence[T]) -> list[Sequence[T]]:
    """Pieces of a few fixed sizes, so that the prepared statements are few and stay cached."""
    pieces: list[Sequence[T]] = []
    start = 0
    for size in _CHUNKS:
        while len(rows) - start >= size:
            pieces.append(rows[start : start + size])
            start += size
    return pieces


def _load(connection: sqlite3.Connection) -> Loaded:
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()
    documents = connection.execute("SELECT kind, key, body FROM documents").fetchall()
    queued = connection.execute(
        "SELECT member, count(*) FROM deliveries WHERE open = 1 AND rung IN ('queued', 'held') GROUP BY member"
    )
    return Loaded(
        last, tuple(Document(*row) for row in documents), dict(queued.fetchall()), _next_deadline(connection, 0)
    )


def _next_deadline(connection: sqlite3.Connection, after: float) -> float | None:
    (deadline,) = connection.execute(
        "SELECT min(deadline) FROM deliveries WHERE open = 1 AND deadline IS NOT NULL AND deadline > ?", (after,)
    ).fetchone()
    return None if deadline is None else float(deadline)


def _overdue(connection: sqlite3.Connection, now: float, limit: int) -> tuple[list[Delivery], float | None]:
    rows = connection.execute(
        f"SELECT {_RUNGS} FROM deliveries WHERE open = 1 AND deadline IS NOT NULL AND deadline <= ? LIMIT ?",
        (now, limit),
    )
    return [_delivery(row) for row in rows], _next_deadline(connection, now)


def _deliveries(connection: sqlite3.Connection, where: str, values: Sequence[Any]) -> list[Delivery]:
    return [_delivery(row) for row in connection.execute(f"SELECT {_RUNGS} FROM deliveries WHERE {where}", values)]


def _delivery(row: tuple[Any, ...]) -> Delivery:
    return Delivery(row[0], row[1], Rung(row[2]), row[3], row[4])


def _read_log(connection: sqlite3.Connection, after: int, limit: int, visible: Visible) -> tuple[list[Record], int]:
    """Stops early when enough was found; scans at most 20 times the limit, so that one call stays short."""
    found: list[Record] = []
    until = after
    rows = connection.execute(f"SELECT {_ROW} FROM log WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit * 20))
    for row in rows:
        record = _record(row)
        until = record.seq
        if visible(record):
            found.append(record)
            if len(found) == limit:
                break
    return found, until


def find_messages(connection: sqlite3.Connection, query: MessageQuery) -> list[Record]:
    """Newest first, whichever index serves; oldest first with `after`."""
    ascending = query.after is not None and query.before is None
    if query.words is None and query.sender is None and query.recipient is None and query.room is not None:
        found = _of_room(connection, query, ascending)
    else:
        found = _indexed(connection, query, search_expression(query), ascending)
    return sorted(found, key=lambda record: record.seq, reverse=not ascending)[: query.limit]


def _of_room(connection: sqlite3.Connection, query: MessageQuery, ascending: bool) -> list[Record]:
    public = _records(
        connection,
        f"SELECT {_ROW} FROM log WHERE kind = 'message' AND ends IS NULL AND room = ? AND seq > ? AND seq < ? "
        f"ORDER BY seq {'ASC' if ascending else 'DESC'} LIMIT ?",
        (query.room, query.after or 0, _before(query), query.limit),
    )
    return public + _indexed(connection, query, search_expression(query, direct_only=True), ascending)


def _indexed(connection: sqlite3.Connection, query: MessageQuery, expression: str, ascending: bool) -> list[Record]:
    return _records(
        connection,
        f"SELECT {_ROW} FROM log WHERE seq IN (SELECT rowid FROM words WHERE words MATCH ? AND rowid > ? AND rowid < ? "
        f"ORDER BY rowid {'ASC' if ascending else 'DESC'} LIMIT ?)",
        (expression, query.after or 0, _before(query), query.limit),
    )


def _before(query: MessageQuery) -> int:
    return query.before if query.before is not None else 2**62


def _records(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> list[Record]:
    return [_record(row) for row in connection.execute(sql, values)]


def _record(row: tuple[Any, ...]) -> Record:
    return Record(row[0], row[1], row[2], row[3], tuple(row[4].split()) if row[4] is not None else None, row[5])


def _packed(ends: tuple[str, ...] | None) -> str | None:
    return None if ends is None else " ".join(ends)
