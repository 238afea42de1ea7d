"""Copies a database while others write to it, and tells what a copy holds.

The copy is what one moment saw: the source stays in one read transaction, so commits go on beside it and are not in it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.protocol.errors import GroupChatError, StorageFailed, StorageFull
from gateway.store.sqlite import is_full, open_error
from gateway.store.sqlite_read import read_store_only_document

STEP_PAGES = 256  # 1 MB: the gateway's own threads run between two steps
SYNC_BYTES = 2 * 1024 * 1024  # written back a little at a time, so that no commit waits behind a whole copy
REST_SHARE, MAX_REST_S = 3.0, 0.05  # rest longer than a step took: most of a core and of the disk stay free
OK = "ok"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DatabaseFacts:
    schema: int
    store_id: str
    last_seq: int


def copy_database(
    source: Path, target: Path, progress: Progress, *, pause: Callable[[float], None] = time.sleep
) -> None:
    """Copy to a new file that only its owner can read. `progress` gets the bytes that are done, and all of them."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with _opened(source, "ro") as reading, _opened(target, "rw") as writing:
            writing.execute("PRAGMA synchronous = OFF")
            writing.execute("PRAGMA journal_mode = OFF")
            reading.execute("BEGIN")
            (page_bytes,) = reading.execute("PRAGMA page_size").fetchone()
            reading.execute("SELECT count(*) FROM house").fetchone()  # from here on it sees this moment
            with _written_back(target) as write_back:
                steps = _Steps(page_bytes, progress, write_back, pause)
                reading.backup(writing, pages=STEP_PAGES, progress=steps.done, sleep=0.001)
            writing.execute("PRAGMA journal_mode = DELETE")  # a file of its own, without others beside it
        _sync(target)
    except sqlite3.Error as error:
        raise copy_error(source, target, error) from error


def copy_error(source: Path, target: Path, error: sqlite3.Error) -> GroupChatError:
    """Only what is written can be full."""
    if is_full(target, error):
        return StorageFull(f"There is no room for a copy in {target.parent} ({error}). Free some space there.")
    return open_error(source, error)


class _Steps:
    """What happens between two steps of a copy."""

    def __init__(
        self, page_bytes: int, progress: Progress, write_back: Callable[[], None], pause: Callable[[float], None]
    ) -> None:
        self._page_bytes, self._progress, self._write_back, self._pause = page_bytes, progress, write_back, pause
        self._began = time.perf_counter()
        self._written_back = 0

    def done(self, status: int, remaining: int, total: int) -> None:
        done = (total - remaining) * self._page_bytes
        if done - self._written_back >= SYNC_BYTES:
            self._written_back = done
            self._write_back()
        self._progress(done, total * self._page_bytes)
        self._pause(min(MAX_REST_S, (time.perf_counter() - self._began) * REST_SHARE))
        self._began = time.perf_counter()


@contextmanager
def _written_back(path: Path) -> Iterator[Callable[[], None]]:
    handle = os.open(path, os.O_RDWR)
    try:
        yield lambda: os.fdatasync(handle)
    finally:
        os.close(handle)


def describe_database(path: Path) -> DatabaseFacts:
    """What a copy holds. Its file is not changed, and nothing is written beside it."""
    try:
        with _opened(path, "ro") as connection:
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
            (store_id,) = connection.execute("SELECT id FROM house").fetchone()
            (last_seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()
            return DatabaseFacts(schema, store_id, last_seq)
    except (sqlite3.Error, TypeError) as error:
        raise open_error(path, error) from error


def check_database(path: Path) -> None:
    """StorageFailed with SQLite's first finding, if the database is not sound."""
    try:
        with _opened(path, "ro") as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise open_error(path, error) from error
    if verdict != OK:
        raise StorageFailed(f"{path} is damaged ({verdict}).")


def change_store_id(path: Path, store_id: str) -> None:
    try:
        with _opened(path, "rw") as connection:
            connection.execute("UPDATE house SET id = ?", (store_id,))
    except sqlite3.Error as error:
        raise copy_error(path, path, error) from error


def read_aside(path: Path, kind: str, key: str) -> bytes | None:
    with _opened(path, "ro") as connection:
        return read_store_only_document(connection, kind, key)


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    with closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    ) as connection:
        yield connection


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
