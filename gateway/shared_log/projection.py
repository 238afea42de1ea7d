"""This gateway's copy of the log: a SQLite file for reading and searching. It is made anew from the log at any time.

Its position is written in the same transaction as the entries up to it, so a copy is never ahead of itself. A copy that
does not fit the log is put aside, not deleted: if Redis has lost its data, it is the last copy of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from gateway.protocol.errors import StorageFailed
from gateway.shared_log.redis_log import RedisLog
from gateway.shared_log.stream_entries import Position, StreamRow, decode_entry
from gateway.store import Document, LogEntry
from gateway.store.sqlite import DatabaseDamaged, SqliteStore
from gateway.store.sqlite_copy import read_aside

log = structlog.get_logger("gateway.shared_log.projection")

SYNCHRONOUS = "NORMAL"  # a copy that a power failure throws back reads the rest from the log again
POSITION_KIND, POSITION_KEY = "shared_log", "position"
FILE_SUFFIXES = ("", "-wal", "-shm")

T = TypeVar("T")


class _KnownPosition(msgspec.Struct, frozen=True):
    house: str
    seq: int
    chain: bytes


def log_id_of_copy(path: Path) -> str:
    """The id of the log that a copy was made from; empty if it is still empty."""
    body = read_aside(path, POSITION_KIND, POSITION_KEY)
    return "" if body is None else msgspec.msgpack.decode(body, type=_KnownPosition).house


class Projection:
    """`store` is open between `catch_up` and `close`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: SqliteStore | None = None

    @property
    def store(self) -> SqliteStore:
        if self._opened is None:
            raise StorageFailed("The copy of the log is not open yet. Try again in a moment.")
        return self._opened

    async def catch_up(self, shared: RedisLog) -> None:
        """Bring the copy to the end of the log."""
        await self._mending(partial(self._follow, shared))

    async def follow(self, shared: RedisLog) -> Position | None:
        """Bring the copy to the end of another gateway's log, and return where it stands then. None if the copy knows
        entries that this log does not have: then the log has lost its end, and must not go on under its id."""
        return await self._mending(partial(self._follow_other, shared))

    async def _mending(self, work: Callable[[], Awaitable[T]]) -> T:
        """A damaged copy is made anew, and the work begins again."""
        try:
            return await work()
        except DatabaseDamaged as error:
            log.warning("! this gateway's copy of the log is damaged and is made anew", error=error.message)
            await self._put_aside("damaged")
            return await work()

    async def _follow_other(self, shared: RedisLog) -> Position | None:
        known = await self._position()
        begin = Position() if known is None else Position(known.seq, known.chain)
        if known is not None and known.house != shared.house:
            await self._keep_foreign_copy(known)
            begin = Position()
        elif not await shared.holds(begin):
            return None
        return await self._write_pages(shared, begin)

    async def add_rows(self, rows: Sequence[StreamRow], house: str) -> list[LogEntry]:
        """Write the next rows of the log. Returns them as entries."""
        entries = [decode_entry(row.position.seq, row.body) for row in rows]
        await self.write(entries, house, rows[-1].position)
        return entries

    async def write(self, entries: Sequence[LogEntry], house: str, end: Position) -> None:
        """Add entries that are in the log. They end at this position."""
        body = msgspec.msgpack.encode(_KnownPosition(house, end.seq, end.chain))
        last = msgspec.structs.replace(
            entries[-1], asides=(*entries[-1].asides, Document(POSITION_KIND, POSITION_KEY, body))
        )
        seqs = await self.store.append([*entries[:-1], last])
        if seqs != [entry.seq for entry in entries]:
            raise StorageFailed("The log in Redis has a message twice. Put a backup of Redis in its place.")

    async def close(self) -> None:
        if self._opened is not None:
            opened, self._opened = self._opened, None
            await opened.close()

    async def _follow(self, shared: RedisLog) -> None:
        await self._write_pages(shared, await self._fitting_position(shared))

    async def _write_pages(self, shared: RedisLog, begin: Position) -> Position:
        async for rows in shared.pages(begin):
            await self.add_rows(rows, shared.house)
            begin = rows[-1].position
        return begin

    async def _fitting_position(self, shared: RedisLog) -> Position:
        """Where the copy stands in this log. One that stands elsewhere is put aside."""
        known = await self._position()
        if known is None:
            return Position()
        position = Position(known.seq, known.chain)
        if known.house == shared.house:
            if await shared.holds(position):
                return position
            await shared.take_new_id()
            log.critical(
                "! Redis has lost entries that this gateway has: the log gets a new id, and clients start over",
                copy_ends_at=known.seq,
                log_ends_at=shared.end.seq,
            )
        await self._keep_foreign_copy(known)
        return Position()

    async def _keep_foreign_copy(self, known: _KnownPosition) -> None:
        kept = await self._put_aside(f"{known.house[:8]}-{known.seq}")
        log.warning("! this gateway's copy belongs to another log; it is kept, and a new one is made", kept=str(kept))
        self._open()

    async def _position(self) -> _KnownPosition | None:
        body = await self._open().aside(POSITION_KIND, POSITION_KEY)
        return None if body is None else msgspec.msgpack.decode(body, type=_KnownPosition)

    def _open(self) -> SqliteStore:
        if self._opened is None:
            self._opened = SqliteStore(self._path, synchronous=SYNCHRONOUS)
        return self._opened

    async def _put_aside(self, label: str) -> Path:
        with contextlib.suppress(StorageFailed):
            await self.close()
        kept = self._path.with_name(f"{self._path.name}.{label}")
        for suffix in FILE_SUFFIXES:
            with contextlib.suppress(FileNotFoundError):
                self._path.with_name(self._path.name + suffix).rename(kept.with_name(kept.name + suffix))
        return kept
