"""Reads from SQLite: pages of the log, messages by room and by word, deliveries, and the state at the start."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from gateway.model.deliveries.delivery_states import NORMAL_RANK
from gateway.protocol.types.core_types import AskState, Delivery, Rung
from gateway.store import (
    MAX_PAGE_BYTES,
    Document,
    InboxQuery,
    IsVisible,
    MessageQuery,
    Span,
    StartupData,
    StoredEvent,
    ThreadMessage,
)
from gateway.store.search_query import DIRECT_REGION, direct_expression, public_expression

LOG_COLUMNS = "seq, kind, room, sender, ends, event"
_DELIVERY_COLUMNS = "message, member, rung, reason, at"
_ENDED_ASK_STATES = ", ".join(f"'{one}'" for one in AskState if one.is_end)


def load_startup_data(connection: sqlite3.Connection) -> StartupData:
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()
    documents = connection.execute("SELECT kind, key, body FROM documents").fetchall()
    queued = connection.execute(
        "SELECT member, count(*) FROM deliveries WHERE open = 1 AND rung IN ('queued', 'held') GROUP BY member"
    )
    (state,) = connection.execute("SELECT id FROM house").fetchone()
    known = tuple(Document(*row) for row in documents)
    return StartupData(last, known, dict(queued.fetchall()), _next_deadline(connection, 0), state)


def _next_deadline(connection: sqlite3.Connection, after: float) -> float | None:
    (deadline,) = connection.execute(
        "SELECT min(deadline) FROM deliveries WHERE open = 1 AND deadline IS NOT NULL AND deadline > ?", (after,)
    ).fetchone()
    return None if deadline is None else float(deadline)


def overdue_deliveries(connection: sqlite3.Connection, now: float, limit: int) -> tuple[list[Delivery], float | None]:
    rows = connection.execute(
        f"SELECT {_DELIVERY_COLUMNS} FROM deliveries WHERE open = 1 AND deadline IS NOT NULL AND deadline <= ? LIMIT ?",
        (now, limit),
    )
    return [_row_to_delivery(row) for row in rows], _next_deadline(connection, now)


def read_deliveries(connection: sqlite3.Connection, where: str, values: Sequence[Any]) -> list[Delivery]:
    return [
        _row_to_delivery(row)
        for row in connection.execute(f"SELECT {_DELIVERY_COLUMNS} FROM deliveries WHERE {where}", values)
    ]


def read_inbox(connection: sqlite3.Connection, query: InboxQuery) -> tuple[list[tuple[Delivery, StoredEvent]], bool]:
    """One page of bounded size."""
    found: list[tuple[Delivery, StoredEvent]] = []
    size = 0
    for row in itertools.chain.from_iterable(connection.execute(*one) for one in inbox_queries(connection, query)):
        size += len(row[-1])
        if found and (size > MAX_PAGE_BYTES or len(found) == query.limit):
            return found, True
        found.append((_row_to_delivery(row[:5]), _row_to_event(row[5:])))
    return found, False


def inbox_queries(connection: sqlite3.Connection, query: InboxQuery) -> Iterator[tuple[str, list[Any]]]:
    """The queries that together give the waiting deliveries in order. Each reads along an index, so that the cost of a
    page depends on its size. Deliveries of normal rank are in the index of open ones, others in an index by rank."""
    asked = query.reply_to or 0  # an answer comes after its message in the log
    if not query.by_rank:
        yield _inbox_query(query, "d.message > ?", [max(query.after, asked)], "d.message")
        return
    rank = _rank_of_delivery(connection, query.after, query.member)
    ranked = f"d.rank <> {NORMAL_RANK} AND (d.rank, d.message) > (?, ?) AND d.rank"
    if rank < NORMAL_RANK:
        yield _inbox_query(query, f"{ranked} < {NORMAL_RANK}", [rank, query.after], "d.rank, d.message")
    if rank <= NORMAL_RANK:
        begin = max(asked, query.after if rank == NORMAL_RANK else 0)
        yield _inbox_query(query, f"d.rank = {NORMAL_RANK} AND d.message > ?", [begin], "d.message")
    yield _inbox_query(query, f"{ranked} > {NORMAL_RANK}", [rank, query.after], "d.rank, d.message")


def _rank_of_delivery(connection: sqlite3.Connection, message: int, member: str) -> int:
    """The rank where a page continues; it starts at the beginning if the previous message is unknown."""
    sql = "SELECT rank FROM deliveries WHERE message = ? AND member = ?"
    row: tuple[int] | None = connection.execute(sql, (message, member)).fetchone()
    return row[0] if row else 0


def _inbox_query(query: InboxQuery, begin: str, values: list[Any], order: str) -> tuple[str, list[Any]]:
    clauses = ["d.open = 1 AND d.member = ? AND d.rung IN ('queued', 'held')", begin]
    values = [query.member, *values]
    if query.senders:
        clauses.append(f"l.sender IN ({', '.join('?' * len(query.senders))})")
        values += query.senders
    if query.reply_to is not None:
        clauses.append("json_extract(CAST(l.event AS TEXT), '$.reply_to') = ?")
        values.append(query.reply_to)
    sql = (
        "SELECT d.message, d.member, d.rung, d.reason, d.at, l.seq, l.kind, l.room, l.sender, l.ends, l.event "
        "FROM deliveries AS d CROSS JOIN log AS l ON l.seq = d.message "
        f"WHERE {' AND '.join(clauses)} ORDER BY {order} LIMIT ?"
    )
    return sql, [*values, query.limit + 1]


def _row_to_delivery(row: tuple[Any, ...]) -> Delivery:
    return Delivery(row[0], row[1], Rung(row[2]), row[3], row[4])


def read_log(
    connection: sqlite3.Connection, after: int, limit: int, visible: IsVisible
) -> tuple[list[StoredEvent], int]:
    """Stops when enough events were found, and scans at most 20 times the limit, so that one call stays short."""
    found: list[StoredEvent] = []
    until, size = after, 0
    rows = connection.execute(f"SELECT {LOG_COLUMNS} FROM log WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit * 20))
    for row in rows:
        record = _row_to_event(row)
        seen = visible(record)
        size += len(record.event) if seen else 0
        if found and size > MAX_PAGE_BYTES:
            break
        until = record.seq
        if seen:
            found.append(record)
            if len(found) == limit:
                break
    return found, until


def read_log_back(
    connection: sqlite3.Connection, before: int | None, limit: int, visible: IsVisible
) -> tuple[list[StoredEvent], int]:
    """Bounded as `read_log` is."""
    found: list[StoredEvent] = []
    until = size = scanned = 0
    most = limit * 20
    rows = connection.execute(
        f"SELECT {LOG_COLUMNS} FROM log WHERE seq < ? ORDER BY seq DESC LIMIT ?",
        (DIRECT_REGION if before is None else min(before, DIRECT_REGION), most),
    )
    for record in map(_row_to_event, rows):
        seen = visible(record)
        size += len(record.event) if seen else 0
        if found and size > MAX_PAGE_BYTES:
            return found, until
        scanned, until = scanned + 1, record.seq
        if seen:
            found.append(record)
            if len(found) == limit:
                return found, until
    return found, until if scanned == most else 0


def find_messages(connection: sqlite3.Connection, query: MessageQuery) -> list[StoredEvent]:
    """Newest first, or oldest first with `after`, with whichever index fits."""
    ascending = query.after is not None and query.before is None
    order = "ASC" if ascending else "DESC"
    if query.words is None and query.sender is None and query.recipient is None and query.room is not None:
        found = _read_public_of_room(connection, query, order)
    else:
        found = _read_from_index(connection, query, public_expression(query), 0, order)
    found += _read_from_index(
        connection, _narrow_query(query, found, ascending), direct_expression(query), DIRECT_REGION, order
    )
    return sorted(found, key=lambda record: record.seq, reverse=not ascending)[: query.limit]


def _narrow_query(query: MessageQuery, found: list[StoredEvent], ascending: bool) -> MessageQuery:
    """If enough messages were found, look only for those that come before the last of them."""
    if len(found) < query.limit:
        return query
    seqs = [record.seq for record in found]
    if ascending:
        return replace(query, before=max(seqs))
    return replace(query, after=max(min(seqs), query.after or 0))


def _read_public_of_room(connection: sqlite3.Connection, query: MessageQuery, order: str) -> list[StoredEvent]:
    return read_events(
        connection,
        f"SELECT {LOG_COLUMNS} FROM log WHERE kind = 'message' AND ends IS NULL AND room = ? AND seq > ? AND seq < ? "
        f"ORDER BY seq {order} LIMIT ?",
        (query.room, _lower_bound(query), _upper_bound(query), query.limit),
    )


def _read_from_index(
    connection: sqlite3.Connection, query: MessageQuery, expression: str | None, begin: int, order: str
) -> list[StoredEvent]:
    """Messages in the region of the index that begins there."""
    if expression is None:
        return []
    return read_events(
        connection,
        f"SELECT {LOG_COLUMNS} FROM log WHERE seq IN (SELECT rowid - ? FROM words WHERE words MATCH ? AND rowid > ? "
        f"AND rowid < ? ORDER BY rowid {order} LIMIT ?)",
        (begin, expression, begin + _lower_bound(query), begin + _upper_bound(query), query.limit),
    )


def _lower_bound(query: MessageQuery) -> int:
    """Bounded: no message has a larger number, and a larger value would leave its region of the index."""
    return min(query.after or 0, DIRECT_REGION)


def _upper_bound(query: MessageQuery) -> int:
    return DIRECT_REGION if query.before is None else min(query.before, DIRECT_REGION)


def read_ended_asks(
    connection: sqlite3.Connection, span: Span, limit: int, visible: IsVisible
) -> tuple[list[StoredEvent], bool]:
    """One page of bounded size, along an index of asks alone; scans at most 20 times the limit, as `read_log` does."""
    most = limit * 20
    rows = connection.execute(
        f"SELECT {LOG_COLUMNS} FROM log WHERE kind = 'ask' AND seq > ? AND seq < ? "
        f"AND json_extract(CAST(event AS TEXT), '$.ask.state') IN ({_ENDED_ASK_STATES}) "
        "ORDER BY seq DESC LIMIT ?",
        (
            min(span.after, DIRECT_REGION),
            DIRECT_REGION if span.before is None else min(span.before, DIRECT_REGION),
            most,
        ),
    )
    found: list[StoredEvent] = []
    size = scanned = 0
    for record in map(_row_to_event, rows):
        scanned += 1
        if not visible(record):
            continue
        size += len(record.event)
        if found and (size > MAX_PAGE_BYTES or len(found) == limit):
            return found, True
        found.append(record)
    return found, scanned == most


def read_event(connection: sqlite3.Connection, seq: int) -> StoredEvent | None:
    found = read_events(connection, f"SELECT {LOG_COLUMNS} FROM log WHERE seq = ?", (seq,))
    return found[0] if found else None


def read_several(connection: sqlite3.Connection, seqs: Sequence[int]) -> list[StoredEvent]:
    return read_events(
        connection,
        f"SELECT {LOG_COLUMNS} FROM log WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq",
        (json.dumps(list(seqs)),),
    )


def read_sent_as(connection: sqlite3.Connection, sender: str, client_id: str) -> StoredEvent | None:
    sql = f"SELECT {LOG_COLUMNS} FROM log WHERE client_id = ? AND sender = ?"
    found = read_events(connection, sql, (client_id, sender))
    return found[0] if found else None


def read_thread(connection: sqlite3.Connection, first: int, limit: int) -> list[ThreadMessage]:
    """One query along an index. An answer has a higher number than what it answers, so the limit cuts off the newest
    messages and nothing between."""
    rows = connection.execute(
        "WITH RECURSIVE thread (number) AS (VALUES (?) UNION SELECT log.seq FROM thread JOIN log "
        "ON log.about = thread.number AND log.kind = 'message' ORDER BY 1 LIMIT ?) "
        "SELECT seq, about, room, sender, ends FROM thread JOIN log ON log.seq = thread.number ORDER BY seq",
        (first, limit),
    )
    return [ThreadMessage(row[0], row[1], row[2], row[3], _unpack_ends(row[4])) for row in rows]


def read_events_about(
    connection: sqlite3.Connection, number: int, skip: int, limit: int, kind: str | None
) -> list[StoredEvent]:
    return read_events(
        connection,
        f"SELECT {LOG_COLUMNS} FROM log WHERE about = ? AND kind = coalesce(?, kind) ORDER BY seq LIMIT ? OFFSET ?",
        (number, kind, limit, skip),
    )


def read_about_each(connection: sqlite3.Connection, numbers: Sequence[int], kind: str) -> dict[int, list[StoredEvent]]:
    """Along the index of `about`; CROSS JOIN keeps SQLite from walking the log instead."""
    found: dict[int, list[StoredEvent]] = {}
    rows = connection.execute(
        f"SELECT {LOG_COLUMNS}, about FROM json_each(?) AS asked CROSS JOIN log ON log.about = asked.value "
        "AND log.kind = ? ORDER BY log.seq",
        (json.dumps(list(numbers)), kind),
    )
    for row in rows:
        found.setdefault(row[6], []).append(_row_to_event(row))
    return found


def read_store_only_document(connection: sqlite3.Connection, kind: str, key: str) -> bytes | None:
    found = connection.execute("SELECT body FROM asides WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    return None if found is None else bytes(found[0])


def read_events(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> list[StoredEvent]:
    return [_row_to_event(row) for row in connection.execute(sql, values)]


def _row_to_event(row: tuple[Any, ...]) -> StoredEvent:
    return StoredEvent(row[0], row[1], row[2], row[3], _unpack_ends(row[4]), row[5])


def _unpack_ends(packed: str | None) -> tuple[str, ...] | None:
    return None if packed is None else tuple(packed.split())
