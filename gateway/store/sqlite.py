"""The default store: one SQLite file, one writer thread, many readers.

This file owns connections and threads; `sqlite_read`, `sqlite_recall` and `sqlite_write` hold the queries.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from gateway.protocol.errors import GroupChatError, StorageFailed, StorageFull
from gateway.protocol.types.core_types import Delivery
from gateway.store import (
    NO_LIMIT,
    Candidates,
    DiskUse,
    InboxQuery,
    IsVisible,
    LogEntry,
    MessageQuery,
    RecallQuery,
    Span,
    StartupData,
    StoredEvent,
    StoredVector,
    ThreadMessage,
    VectorWindow,
    sqlite_read,
    sqlite_recall,
    sqlite_vectors,
    sqlite_write,
)
from gateway.store.schema import MIGRATIONS
from gateway.store.sequence_file import SequenceFile
from gateway.store.sqlite_retention import SqliteRetention

T = TypeVar("T")

READER_CONNECTIONS = 4
LOCK_WAIT_S = 5.0  # another program, `sqlite3` for instance, may hold the file locked for a moment
TIDY_DELAY_S = 1.0
CHECKPOINT_PAGES = 4000  # 16 MB: a page that changes often is written back to the database less often
CACHE_KIB = 16 * 1024
MIN_FREE_BYTES = 256 * 1024
PRIMARY_CODE_MASK = 0xFF  # the low byte of SQLite's extended error codes
DAMAGE_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
LOCKED_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class DatabaseDamaged(StorageFailed):
    """The file cannot be read as a database, or not whole."""


class SqliteStore:
    """`given` is the file that keeps the highest number ever given out, outside the database. A lock that another
    program holds is waited for `lock_wait_s` at most; then it is an error."""

    def __init__(
        self, path: Path, *, synchronous: str = "FULL", given: Path | None = None, lock_wait_s: float = LOCK_WAIT_S
    ) -> None:
        self.path = path
        self._given = SequenceFile(given) if given is not None else None
        self._store_id = ""
        self._synchronous, self._lock_wait_s = synchronous, lock_wait_s
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._readers = ThreadPoolExecutor(READER_CONNECTIONS, "store-reader")
        self._connection = open_database(path, synchronous, lock_wait_s)
        self._free: list[sqlite3.Connection] = []
        self._tidying: asyncio.TimerHandle | None = None
        self._at_rest = asyncio.Event()
        self._closed = False
        self.retention = SqliteRetention(path, self._read, self._write)

    def describe(self) -> str:
        return f"sqlite ({self._synchronous.lower()})"

    def disk_use(self) -> DiskUse:
        files = (Path(f"{self.path}{ending}") for ending in ("", "-wal", "-shm"))
        return DiskUse(
            sum(one.stat().st_size for one in files if one.exists()), shutil.disk_usage(self.path.parent).free
        )

    def when_lost(self, tell: Callable[[str], None]) -> None:
        """A lock keeps every other gateway from the file."""

    async def load(self) -> StartupData:
        try:
            loaded = await self._write(sqlite_read.load_startup_data)
        except StorageFailed as error:
            raise open_error(self.path, error.__cause__ or error) from error
        self._plan_tidying()
        self._store_id = loaded.store_id
        known = self._given.highest(loaded.store_id) if self._given is not None else 0
        return replace(loaded, given=max(loaded.last_seq, known))

    async def first_seqs(self, batch: Sequence[LogEntry]) -> list[int]:
        """What `append` would return, without writing anything."""
        if all(entry.client_id is None for entry in batch):
            return [entry.seq for entry in batch]
        return await self._write(lambda connection: sqlite_write.first_seqs(connection, batch))

    async def append(self, batch: Sequence[LogEntry]) -> list[int]:
        seqs = await self._write(lambda connection: self._append(connection, batch))
        self._plan_tidying()
        return seqs

    def _append(self, connection: sqlite3.Connection, batch: Sequence[LogEntry]) -> list[int]:
        seqs = sqlite_write.append_batch(connection, batch)
        stored = [entry.seq for entry, seq in zip(batch, seqs, strict=True) if seq == entry.seq]
        if self._given is not None and stored:
            self._given.note(self._store_id, max(stored))
        return seqs

    async def read(self, after: int, limit: int, visible: IsVisible) -> tuple[list[StoredEvent], int]:
        return await self._read(lambda connection: sqlite_read.read_log(connection, after, limit, visible))

    async def read_back(self, before: int | None, limit: int, visible: IsVisible) -> tuple[list[StoredEvent], int]:
        return await self._read(lambda connection: sqlite_read.read_log_back(connection, before, limit, visible))

    async def messages(self, query: MessageQuery) -> list[StoredEvent]:
        return await self._read(lambda connection: sqlite_read.find_messages(connection, query))

    async def candidates(self, query: RecallQuery) -> Candidates:
        return await self._read(lambda connection: sqlite_recall.find_candidates(connection, query))

    async def vector_model(self) -> str | None:
        return await self._read(sqlite_vectors.read_vector_model)

    async def begin_vectors(self, model: str) -> None:
        await self._write(lambda connection: sqlite_vectors.begin_vectors(connection, model))

    async def put_vectors(self, vectors: Sequence[StoredVector]) -> None:
        await self._write(lambda connection: sqlite_vectors.put_vectors(connection, vectors))

    async def vectors_before(self, before: int | None, limit: int) -> list[StoredVector]:
        return await self._read(lambda connection: sqlite_vectors.read_vectors_before(connection, before, limit))

    async def vectors_of(self, numbers: Sequence[int]) -> list[StoredVector]:
        return await self._read(lambda connection: sqlite_vectors.read_vectors_of(connection, numbers))

    async def vector_window(self, most: int) -> VectorWindow:
        return await self._read(lambda connection: sqlite_vectors.read_vector_window(connection, most))

    async def without_vector(self, after: int, before: int | None, limit: int) -> list[StoredEvent]:
        return await self._read(lambda connection: sqlite_vectors.read_without_vector(connection, after, before, limit))

    async def ended_asks(self, span: Span, limit: int, visible: IsVisible) -> tuple[list[StoredEvent], bool]:
        return await self._read(lambda connection: sqlite_read.read_ended_asks(connection, span, limit, visible))

    async def one(self, seq: int) -> StoredEvent | None:
        return await self._read(lambda connection: sqlite_read.read_event(connection, seq))

    async def several(self, seqs: Sequence[int]) -> list[StoredEvent]:
        return await self._read(lambda connection: sqlite_read.read_several(connection, seqs))

    async def sent_as(self, sender: str, client_id: str) -> StoredEvent | None:
        return await self._read(lambda connection: sqlite_read.read_sent_as(connection, sender, client_id))

    async def thread(self, first: int, limit: int) -> list[ThreadMessage]:
        return await self._read(lambda connection: sqlite_read.read_thread(connection, first, limit))

    async def about(
        self, number: int, skip: int = 0, limit: int = NO_LIMIT, kind: str | None = None
    ) -> list[StoredEvent]:
        return await self._read(lambda connection: sqlite_read.read_events_about(connection, number, skip, limit, kind))

    async def about_each(self, numbers: Sequence[int], kind: str) -> dict[int, list[StoredEvent]]:
        return await self._read(lambda connection: sqlite_read.read_about_each(connection, numbers, kind))

    async def aside(self, kind: str, key: str) -> bytes | None:
        return await self._read(lambda connection: sqlite_read.read_store_only_document(connection, kind, key))

    async def deliveries(self, message: int) -> list[Delivery]:
        return await self._read(lambda c: sqlite_read.read_deliveries(c, "message = ? ORDER BY member", (message,)))

    async def delivery(self, message: int, member: str) -> Delivery | None:
        found = await self._read(
            lambda c: sqlite_read.read_deliveries(c, "message = ? AND member = ?", (message, member))
        )
        return found[0] if found else None

    async def open_deliveries(self, member: str, after: int, limit: int, *, begun: bool = False) -> list[Delivery]:
        which = " AND rung NOT IN ('queued', 'held')" if begun else ""
        where = f"open = 1 AND member = ? AND message > ?{which} ORDER BY message LIMIT ?"
        return await self._read(lambda c: sqlite_read.read_deliveries(c, where, (member, after, limit)))

    async def inbox(self, query: InboxQuery) -> tuple[list[tuple[Delivery, StoredEvent]], bool]:
        return await self._read(lambda connection: sqlite_read.read_inbox(connection, query))

    async def overdue(self, now: float, limit: int) -> tuple[list[Delivery], float | None]:
        return await self._read(lambda connection: sqlite_read.overdue_deliveries(connection, now, limit))

    def _plan_tidying(self) -> None:
        """Merge the search index step by step when the writer has been idle for a while; no timer runs otherwise."""
        self._at_rest.clear()
        if self._tidying is not None:
            self._tidying.cancel()
        self._tidying = asyncio.get_running_loop().call_later(TIDY_DELAY_S, self._tidy)

    def _tidy(self) -> None:
        self._tidying = None
        step = asyncio.get_running_loop().run_in_executor(
            self._writer, lambda: self._telling(sqlite_write.merge_index_segments, self._connection)
        )
        step.add_done_callback(self._tidied)

    def _tidied(self, step: asyncio.Future[bool]) -> None:
        """Do the next step at once, unless there were writes meanwhile. After a failure, the next append reports the
        error."""
        if self._tidying is not None or self._closed:
            return
        if step.exception() is None and step.result():
            self._tidy()
        else:
            self._at_rest.set()

    async def at_rest(self) -> None:
        """Wait until the writer has been idle for a while and the search index is merged."""
        await self._at_rest.wait()

    async def close(self) -> None:
        self._closed = True
        if self._tidying is not None:
            self._tidying.cancel()
        await self._write(lambda connection: connection.execute("PRAGMA optimize").fetchall())
        self._writer.shutdown()
        self._readers.shutdown()
        for connection in [*self._free, self._connection]:
            connection.close()
        if self._given is not None:
            self._given.close()

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, lambda: self._telling(work, self._connection))

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, lambda: self._borrowing(work))

    def _borrowing(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._free.pop()
        except IndexError:
            connection = _connect(self.path, self._lock_wait_s, read_only=True)
        try:
            return self._telling(work, connection)
        finally:
            self._free.append(connection)

    def _telling(self, work: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
        try:
            return work(connection)
        except GroupChatError:
            raise
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.rollback()
            raise _translate_error(self.path, error) from error


def _translate_error(path: Path, error: sqlite3.Error) -> GroupChatError:
    if is_full(path, error):
        return StorageFull(
            f"The disk is full, so nothing of this request was stored ({error}). Free some space and try again."
        )
    if _primary_code_of(error) in DAMAGE_CODES:
        return DatabaseDamaged(_remedy_for(path, error))
    return StorageFailed(f"The database refused the write, so nothing of this request was stored ({error}).")


def is_full(path: Path, error: BaseException) -> bool:
    """SQLite reports an I/O error if there is no room for its shared memory file."""
    code = _primary_code_of(error)
    full_by_size = code == sqlite3.SQLITE_IOERR and shutil.disk_usage(path.parent).free < MIN_FREE_BYTES
    return code == sqlite3.SQLITE_FULL or full_by_size


def _primary_code_of(error: BaseException) -> int:
    """SQLite's own code of an error. An error that Python's module raises by itself has none."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)) & PRIMARY_CODE_MASK


def open_database(path: Path, synchronous: str = "FULL", lock_wait_s: float = LOCK_WAIT_S) -> sqlite3.Connection:
    """The writer's connection to a database, migrated to the current schema. A file that is no database is not
    changed."""
    try:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = _connect(path, lock_wait_s)
    except sqlite3.DatabaseError as error:
        raise open_error(path, error) from error
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        _migrate(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise open_error(path, error) from error
    except GroupChatError:
        connection.close()
        raise
    return connection


def open_error(path: Path, error: BaseException) -> StorageFailed:
    kind = DatabaseDamaged if _is_damage(error) else StorageFailed
    return kind(_remedy_for(path, error))


def _is_damage(error: BaseException) -> bool:
    """An error without a code of SQLite comes from Python's module, which cannot make sense of what it reads."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_NOTADB) & PRIMARY_CODE_MASK
    return code in DAMAGE_CODES


def _remedy_for(path: Path, error: BaseException) -> str:
    if _primary_code_of(error) in LOCKED_CODES:
        return (
            f"{path} is locked by another program. Find it with `fuser {path}` and stop it, "
            "or give this gateway a state folder of its own with --state."
        )
    if is_full(path, error):
        return f"There is no room for {path} ({error}). Free some space there and start again."
    if not _is_damage(error):
        return f"{path} cannot be used ({error}). Check the disk and the permissions, then start again."
    return (
        f"{path} cannot be read as a database ({error}). Nothing was changed. Put a backup in its place, or rescue "
        f"what is left with `sqlite3 {path} .recover | sqlite3 rescued.db`, or move the file away to start "
        "with an empty log."
    )


def _connect(path: Path, lock_wait_s: float, *, read_only: bool = False) -> sqlite3.Connection:
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=lock_wait_s,
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
