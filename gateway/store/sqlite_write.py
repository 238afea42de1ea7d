"""Writes to SQLite: one transaction per batch. INSERTs of many rows make few long calls, during which SQLite does not
hold Python's lock, so that the event loop continues."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

from gateway.model.deliveries.delivery_states import OPEN_RUNGS
from gateway.store import Document, LogEntry
from gateway.store.search_query import index_position_of, scope_terms_of

T = TypeVar("T")

MERGE_PAGES = 100
_CHUNK_ROWS = (64, 16, 4, 1)


def append_batch(connection: sqlite3.Connection, batch: Sequence[LogEntry]) -> list[int]:
    connection.execute("BEGIN IMMEDIATE")
    known = _known_ids(connection, batch)
    seqs, fresh = _drop_repeats(batch, known)
    _insert_log(connection, fresh)
    _insert_index_rows(connection, fresh)
    _put_deliveries(connection, fresh)
    _put_documents(connection, "documents", (one for entry in fresh for one in entry.documents))
    _put_documents(connection, "asides", (one for entry in fresh for one in entry.asides))
    connection.execute("COMMIT")
    return seqs


def first_seqs(connection: sqlite3.Connection, batch: Sequence[LogEntry]) -> list[int]:
    """The seq of each entry: its own, or that of the earlier entry with the same client id."""
    return _drop_repeats(batch, _known_ids(connection, batch))[0]


def _known_ids(connection: sqlite3.Connection, batch: Sequence[LogEntry]) -> dict[tuple[str | None, str], int]:
    keys = [(entry.sender, entry.client_id) for entry in batch if entry.client_id is not None]
    known: dict[tuple[str | None, str], int] = {}
    for chunk in _chunks(keys):
        rows = connection.execute(
            f"WITH asked (sender, id) AS ({_values_clause(len(chunk), 2)}) SELECT asked.sender, asked.id, log.seq "
            "FROM asked CROSS JOIN log ON log.sender = asked.sender AND log.client_id = asked.id",
            [value for key in chunk for value in key],
        )
        known.update({(sender, client_id): seq for sender, client_id, seq in rows})
    return known


def _drop_repeats(
    batch: Sequence[LogEntry], known: dict[tuple[str | None, str], int]
) -> tuple[list[int], list[LogEntry]]:
    seqs: list[int] = []
    fresh: list[LogEntry] = []
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


def _insert_log(connection: sqlite3.Connection, entries: Sequence[LogEntry]) -> None:
    rows = [
        (
            entry.seq,
            entry.kind,
            entry.room,
            entry.sender,
            entry.client_id,
            _pack_ends(entry.ends),
            entry.about,
            entry.event,
        )
        for entry in entries
    ]
    _insert_rows(connection, "INSERT INTO log (seq, kind, room, sender, client_id, ends, about, event)", rows)


def _insert_index_rows(connection: sqlite3.Connection, entries: Sequence[LogEntry]) -> None:
    """Sorted by position, because the index begins a new segment for each position that is lower than the one
    before."""
    rows = sorted(
        (index_position_of(entry), entry.text, scope_terms_of(entry)) for entry in entries if entry.text is not None
    )
    _insert_rows(connection, "INSERT INTO words (rowid, text, scope)", rows)


def merge_index_segments(connection: sqlite3.Connection) -> bool:
    """One bounded step to merge segments, which makes searches faster. Returns whether there was anything to merge."""
    before = connection.total_changes
    connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (MERGE_PAGES,))
    return connection.total_changes - before > 1


def _put_deliveries(connection: sqlite3.Connection, entries: Sequence[LogEntry]) -> None:
    """A delivery that is queued again was retried by a person, so its first deadline no longer holds."""
    rows = [
        (
            one.message,
            one.member,
            one.rung.value,
            one.reason,
            one.at,
            entry.deadline,
            int(one.rung in OPEN_RUNGS),
            entry.rank,
        )
        for entry in entries
        for one in entry.deliveries
    ]
    _insert_rows(
        connection,
        "INSERT INTO deliveries (message, member, rung, reason, at, deadline, open, rank)",
        rows,
        " ON CONFLICT (message, member) DO UPDATE SET rung = excluded.rung, reason = excluded.reason, "
        "at = excluded.at, open = excluded.open, "
        "deadline = CASE excluded.rung WHEN 'queued' THEN excluded.deadline ELSE deadline END",
    )


def _put_documents(connection: sqlite3.Connection, table: str, documents: Iterable[Document]) -> None:
    for document in documents:
        if document.body is None:
            connection.execute(f"DELETE FROM {table} WHERE kind = ? AND key = ?", (document.kind, document.key))
        else:
            connection.execute(
                f"INSERT INTO {table} (kind, key, body) VALUES (?, ?, ?) "
                "ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
                (document.kind, document.key, document.body),
            )


def _insert_rows(connection: sqlite3.Connection, insert: str, rows: Sequence[tuple[Any, ...]], after: str = "") -> None:
    for chunk in _chunks(rows):
        statement = insert + _values_clause(len(chunk), len(chunk[0])) + after
        connection.execute(statement, [value for row in chunk for value in row])


@cache
def _values_clause(rows: int, columns: int) -> str:
    return " VALUES " + ", ".join(["(" + ", ".join("?" * columns) + ")"] * rows)


def _chunks(rows: Sequence[T]) -> list[Sequence[T]]:
    """Split into chunks of a few fixed sizes, so that there are few prepared statements, which stay cached."""
    pieces: list[Sequence[T]] = []
    start = 0
    for size in _CHUNK_ROWS:
        while len(rows) - start >= size:
            pieces.append(rows[start : start + size])
            start += size
    return pieces


def _pack_ends(ends: tuple[str, ...] | None) -> str | None:
    return None if ends is None else " ".join(ends)
