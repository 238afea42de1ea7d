"""Removes old events of a room from SQLite, in steps that are short enough to go unnoticed between two commits.

A step removes messages with their receipts, reactions, deliveries and search rows. Readers find out what is next; the
writer only deletes rows whose numbers it is given.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from gateway.store import Document, LogEntry, RemovalStep, VersionsToRemove
from gateway.store.search_query import index_position_of, scope_terms_of

T = TypeVar("T")

REMOVED_KINDS = ("message", "reaction", "receipt")
_ABOUT_A_MESSAGE = "kind IN ('receipt', 'reaction')"
_PUBLIC = "kind = 'message' AND ends IS NULL AND room = ?"
PROGRESS_KIND = "retention"
STAMPS_IN_ONE_READ = 500  # so that other threads run in between


class RunOnConnection(Protocol):
    def __call__(self, work: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]: ...


class _Message(msgspec.Struct):
    content: str = ""
    timestamp: str = ""


class SqliteRetention:
    """`read` and `write` run work on a connection of a reader, and on that of the one writer."""

    def __init__(self, path: Path, read: RunOnConnection, write: RunOnConnection) -> None:
        self._path, self._read, self._write = path, read, write

    async def message_at(self, room: str, newer: int) -> int | None:
        """The public message of a room that so many newer ones follow."""
        return await self._read(lambda connection: _message_at(connection, room, newer))

    async def last_message_before(self, room: str, stamp: str) -> int:
        """The newest public message of a room that is older than this time; 0 if there is none."""
        return await self._read(lambda connection: _last_before(connection, room, stamp))

    async def first_message_since(self, room: str, span: tuple[int, int], stamp: str) -> int | None:
        """The first message of a room in a span of numbers not older than this time: most often none."""
        after, until = span
        while True:
            rows = await self._read(partial(_next_stamps, room=room, after=after, until=until))
            for number, said in rows:
                if said >= stamp:
                    return number
            if len(rows) < STAMPS_IN_ONE_READ:
                return None
            after = rows[-1][0]

    async def first_open_delivery(self, room: str, until: int) -> int | None:
        """The oldest message of a room, up to this one, that somebody has not taken yet."""
        return await self._read(lambda connection: _first_open(connection, room, until))

    async def count_messages(self, room: str, after: int, until: int) -> int:
        return await self._read(lambda connection: _count(connection, room, after, until))

    async def count_versions(self, document: int, until: int) -> int:
        """How many of the versions of a document in the log were made up to this event."""
        return await self._read(lambda connection: _count_versions(connection, document, until))

    async def progress(self, room: str) -> int:
        """Up to which event the room was removed already."""
        return await self._read(lambda connection: _progress(connection, room))

    async def remove_step(self, step: RemovalStep) -> int:
        """Remove the next few messages of a room. Returns how far it came, with that on disk, too."""
        found = await self._read(lambda connection: _next_entries(connection, step))
        until = found[-1].seq if len(found) == step.limit else step.until
        await self._write(lambda connection: _remove(connection, step.room, found, until))
        await self._read(lambda _: _write_back(self._path))
        return until

    async def remove_versions(self, versions: VersionsToRemove) -> None:
        await self._write(lambda connection: _remove_versions(connection, versions))


def _message_at(connection: sqlite3.Connection, room: str, newer: int) -> int | None:
    sql = f"SELECT seq FROM log WHERE {_PUBLIC} ORDER BY seq DESC LIMIT 1 OFFSET ?"
    return _one(connection, sql, (room, newer))


def _last_before(connection: sqlite3.Connection, room: str, stamp: str) -> int:
    """By halving, as if times rose with the numbers. They do not where a room was imported into another one, or a clock
    was set back: `first_message_since` finds what is newer nevertheless."""
    low = _one(connection, f"SELECT min(seq) FROM log WHERE {_PUBLIC}", (room,))
    high = _one(connection, f"SELECT max(seq) FROM log WHERE {_PUBLIC}", (room,))
    if low is None or high is None:
        return 0
    found = 0
    while low <= high:
        middle = (low + high) // 2
        sql = f"SELECT seq, event FROM log WHERE {_PUBLIC} AND seq <= ? AND seq >= ? ORDER BY seq DESC LIMIT 1"
        row = connection.execute(sql, (room, middle, low)).fetchone()
        if row is None:
            low = middle + 1
        elif msgspec.json.decode(row[1], type=_Message).timestamp < stamp:
            found, low = row[0], middle + 1
        else:
            high = row[0] - 1
    return found


def _next_stamps(connection: sqlite3.Connection, *, room: str, after: int, until: int) -> list[tuple[int, str]]:
    """Of direct messages, too: they go with the room's other ones."""
    sql = (
        "SELECT seq, event FROM log WHERE kind = 'message' AND room = ? AND seq > ? AND seq <= ? "
        f"ORDER BY seq LIMIT {STAMPS_IN_ONE_READ}"
    )
    rows = connection.execute(sql, (room, after, until))
    return [(seq, msgspec.json.decode(event, type=_Message).timestamp) for seq, event in rows]


def _first_open(connection: sqlite3.Connection, room: str, until: int) -> int | None:
    sql = (
        "SELECT min(d.message) FROM deliveries AS d CROSS JOIN log AS l ON l.seq = d.message "
        "WHERE d.open = 1 AND d.message <= ? AND l.room = ?"
    )
    return _one(connection, sql, (until, room))


def _count(connection: sqlite3.Connection, room: str, after: int, until: int) -> int:
    sql = f"SELECT count(*) FROM log WHERE {_PUBLIC} AND seq > ? AND seq <= ?"
    return _one(connection, sql, (room, after, until)) or 0


def _count_versions(connection: sqlite3.Connection, document: int, until: int) -> int:
    sql = "SELECT count(*) FROM log WHERE about = ? AND kind = 'context' AND seq <= ?"
    return _one(connection, sql, (document, until)) or 0


def _progress(connection: sqlite3.Connection, room: str) -> int:
    sql = "SELECT CAST(CAST(body AS TEXT) AS INTEGER) FROM asides WHERE kind = ? AND key = ?"
    return _one(connection, sql, (PROGRESS_KIND, room)) or 0


def _one(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> int | None:
    row: tuple[int | None] | None = connection.execute(sql, values).fetchone()
    return None if row is None else row[0]


def _next_entries(connection: sqlite3.Connection, step: RemovalStep) -> list[LogEntry]:
    rows = connection.execute(
        f"SELECT seq, kind, room, sender, ends, event FROM log WHERE seq > ? AND seq <= ? AND room = ? "
        f"AND kind IN ({', '.join('?' * len(REMOVED_KINDS))}) "
        "AND iif(kind = 'message', seq, coalesce(about, seq)) NOT IN (SELECT value FROM json_each(?)) "
        "AND NOT EXISTS (SELECT 1 FROM deliveries WHERE message = seq AND open = 1) ORDER BY seq LIMIT ?",
        (step.after, step.until, step.room, *REMOVED_KINDS, json.dumps(step.spared), step.limit),
    )
    return [_entry(row) for row in rows]


def _entry(row: Sequence[Any]) -> LogEntry:
    seq, kind, room, sender, ends, event = row
    text = msgspec.json.decode(event, type=_Message).content if kind == "message" else None
    packed = None if ends is None else tuple(ends.split())
    return LogEntry(seq, kind, b"", room=room, sender=sender, ends=packed, text=text)


def _remove(connection: sqlite3.Connection, room: str, entries: Sequence[LogEntry], until: int) -> None:
    numbers = json.dumps([entry.seq for entry in entries])
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT INTO words (words, rowid, text, scope) VALUES ('delete', ?, ?, ?)",
        sorted((index_position_of(one), one.text, scope_terms_of(one)) for one in entries if one.text is not None),
    )
    chosen = "(SELECT value FROM json_each(?))"
    connection.execute(f"DELETE FROM log WHERE about IN {chosen} AND {_ABOUT_A_MESSAGE}", (numbers,))
    connection.execute(f"DELETE FROM log WHERE seq IN {chosen}", (numbers,))
    connection.execute(f"DELETE FROM deliveries WHERE message IN {chosen}", (numbers,))
    connection.execute(f"DELETE FROM vectors WHERE seq IN {chosen}", (numbers,))
    _put_aside(connection, Document(PROGRESS_KIND, room, str(until).encode()))
    connection.execute("COMMIT")


def _write_back(path: Path) -> None:
    """Move what a step has changed from the write-ahead log into the database, beside the writer. Otherwise a commit
    would do it for many steps at once, and whoever waits for that commit would wait for all of their pages."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _put_aside(connection: sqlite3.Connection, document: Document) -> None:
    connection.execute(
        "INSERT INTO asides (kind, key, body) VALUES (?, ?, ?) "
        "ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
        (document.kind, document.key, document.body),
    )


def _remove_versions(connection: sqlite3.Connection, versions: VersionsToRemove) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "DELETE FROM log WHERE about = ? AND kind = 'context' AND json_extract(CAST(event AS TEXT), '$.version') <= ?",
        (versions.document, versions.until),
    )
    connection.execute(
        "DELETE FROM asides WHERE kind = ? AND key IN (SELECT value FROM json_each(?))",
        (versions.kind, json.dumps(versions.copies)),
    )
    connection.execute("COMMIT")
