"""The SQLite store behind its interface: what every store does, and what only a file can do."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.protocol.errors import StorageFailed, StorageFull
from gateway.store.schema import MIGRATIONS
from gateway.store.sqlite import SqliteStore, _remedy_for, _translate_error, open_database
from tests.contract.store import EVERYTHING, StoreContract, found, message, with_delivery


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "log.db")
    yield store
    await store.close()


class TestSqlite(StoreContract):
    """The contract, over a file."""


async def test_a_number_that_was_not_stored_is_not_noted_as_given(tmp_path: Path) -> None:
    """What is above the log's last number tells of a log that was put back from a backup."""
    store = SqliteStore(tmp_path / "log.db", given=tmp_path / "numbers")
    await store.load()
    for batch in (
        [message(1, client_id="a"), message(2)],
        [message(3, client_id="a")],
        [message(4), message(5, client_id="a")],
    ):
        await store.append(batch)
    again = SqliteStore(tmp_path / "log.db", given=tmp_path / "numbers")
    loaded = await again.load()
    assert (loaded.last_seq, loaded.given) == (4, 4)
    await again.close()
    await store.close()


async def test_a_store_that_is_opened_again_has_everything(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "log.db")
    await first.append([with_delivery(message(7, "kept"), "ben")])
    await first.close()
    second = SqliteStore(tmp_path / "log.db")
    try:
        assert (await second.load()).last_seq == 7
        assert await found(second, EVERYTHING, words="kept") == [7]
        assert (tmp_path / "log.db").stat().st_mode & 0o777 == 0o600
    finally:
        await second.close()


def test_every_migration_leads_to_the_same_schema(tmp_path: Path) -> None:
    """A database of any earlier version is brought up to date."""

    def schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
        return connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()

    fresh = open_database(tmp_path / "fresh.db")
    wanted = schema(fresh)
    fresh.close()
    for version in range(len(MIGRATIONS) + 1):
        path = tmp_path / f"from-{version}.db"
        old = sqlite3.connect(path, isolation_level=None)
        for number, script in enumerate(MIGRATIONS[:version], start=1):
            old.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
        old.close()
        connection = open_database(path)
        assert schema(connection) == wanted
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        connection.close()


async def test_each_store_has_an_id_of_its_own_that_it_keeps(tmp_path: Path) -> None:
    ids: list[str] = []
    for name in ("one.db", "one.db", "two.db"):
        store = SqliteStore(tmp_path / name)
        ids.append((await store.load()).store_id)
        await store.close()
    assert ids[0] == ids[1] != ids[2]
    assert all(len(one) == 32 for one in ids)


# What SQLite says


def sqlite_error(path: Path, *statements: str, locked: bool = False) -> sqlite3.Error:
    """The error that the last statement causes, under words that no code may depend on."""
    with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE notes (text)")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            if locked:
                other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(sqlite3.OperationalError) as raised:
                for statement in statements:
                    connection.execute(statement)
    raised.value.args = ("no words of ours",)
    return raised.value


def test_a_full_disk_is_known_by_its_code(tmp_path: Path) -> None:
    error = sqlite_error(
        tmp_path / "full.db", "PRAGMA max_page_count = 3", f"INSERT INTO notes VALUES ('{'x' * 99999}')"
    )
    assert isinstance(_translate_error(tmp_path / "full.db", error), StorageFull)
    assert _remedy_for(tmp_path / "full.db", error).startswith("There is no room for ")


def test_a_locked_database_is_known_by_its_code(tmp_path: Path) -> None:
    error = sqlite_error(tmp_path / "locked.db", "INSERT INTO notes VALUES ('x')", locked=True)
    assert isinstance(_translate_error(tmp_path / "locked.db", error), StorageFailed)
    assert "is locked by another program" in _remedy_for(tmp_path / "locked.db", error)


def test_words_about_a_full_disk_are_no_full_disk(tmp_path: Path) -> None:
    error = sqlite_error(tmp_path / "words.db", "INSERT INTO nothing VALUES ('x')")
    error.args = ("the table is full and locked",)
    assert not isinstance(_translate_error(tmp_path / "words.db", error), StorageFull)
