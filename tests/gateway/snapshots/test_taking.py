"""A snapshot shows one moment, whatever is written meanwhile, and is there whole or not at all."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import NotFound
from gateway.snapshots.schedule import SnapshotPlan, SnapshotSchedule
from gateway.snapshots.snapshot_folder import list_snapshots, new_snapshot, read_manifest
from gateway.snapshots.taking import DATABASE_NAME, SnapshotWish, take_snapshot
from gateway.store.sqlite_copy import check_database, describe_database
from tests.support.gateways import Gateway, gateway_in_process

NOW = 1_800_000_000.0


def wish(state: Path, folder: Path) -> SnapshotWish:
    return SnapshotWish(state, state / "groupchat.db", folder)


async def say(gateway: Gateway, count: int) -> list[int]:
    async with Client(gateway.operator) as alice:
        return [(await alice.send(f"message {number}")).seq for number in range(count)]


async def test_messages_that_are_sent_meanwhile_are_accepted_and_not_in_it(tmp_path: Path) -> None:
    state, folder = tmp_path / "state", tmp_path / "snapshots"
    async with gateway_in_process(state) as gateway:
        before = await say(gateway, 200)
        loop, later = asyncio.get_running_loop(), list[int]()

        def between(done: int, total: int) -> None:
            if not later:
                later.extend(asyncio.run_coroutine_threadsafe(say(gateway, 5), loop).result(60))

        path = await asyncio.to_thread(take_snapshot, wish(state, folder), NOW, between)
        assert later and min(later) > max(before)
        facts = describe_database(path / DATABASE_NAME)
        assert facts.last_seq == before[-1] and facts.store_id == gateway.hub.state.id
    check_database(path / DATABASE_NAME)
    with closing(sqlite3.connect(path / DATABASE_NAME)) as database:
        (count,) = database.execute("SELECT count(*) FROM log WHERE kind = 'message' AND sender = 'alice'").fetchone()
        (found,) = database.execute("SELECT count(*) FROM words WHERE words MATCH 'message'").fetchone()
    assert (count, found) == (200, 200)


async def test_it_holds_the_tokens_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    state, folder = tmp_path / "state", tmp_path / "snapshots"
    async with gateway_in_process(state):
        path = take_snapshot(wish(state, folder), NOW)
    names = {one.name for one in read_manifest(path).files}
    assert {"groupchat.db", "files/tokens/team", "files/tokens/people/alice"} <= names
    for place, folders, files in os.walk(folder):
        assert all((Path(place) / one).stat().st_mode & 0o077 == 0 for one in (*folders, *files))


def test_without_a_log_there_is_nothing_to_take(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing to take"):
        take_snapshot(wish(tmp_path, tmp_path / "snapshots"), NOW)


async def test_an_interrupted_one_leaves_nothing_and_a_killed_one_is_tidied_up(tmp_path: Path) -> None:
    state, folder = tmp_path / "state", tmp_path / "snapshots"
    async with gateway_in_process(state) as gateway:
        await say(gateway, 5)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_snapshot(wish(state, folder), NOW, interrupt)
    assert list(folder.iterdir()) == []
    (folder / ".partial-of-a-killed-process").mkdir()
    with new_snapshot(folder, "groupchat-at-the-same-time"):
        path = take_snapshot(wish(state, folder), NOW)  # another process fills its own folder, and keeps it
    assert {one.name for one in folder.iterdir()} == {path.name, "groupchat-at-the-same-time"}


async def test_a_schedule_keeps_the_newest_and_survives_a_failure(tmp_path: Path) -> None:
    state, folder, now = tmp_path / "state", tmp_path / "snapshots", [NOW]
    plan = SnapshotPlan(folder, 30.0, 2)
    schedule = SnapshotSchedule(plan, lambda: wish(state, folder), lambda: now[0])
    assert await schedule.take() is None, "there is no log yet"
    async with gateway_in_process(state) as gateway:
        for number in range(4):
            await say(gateway, 1)
            now[0] = NOW + number
            assert await schedule.take() is not None
    assert [one.made for _, one in list_snapshots(folder) if not isinstance(one, Exception)] == [
        "2027-01-15T08:00:02.000Z",
        "2027-01-15T08:00:03.000Z",
    ]
    schedule.close()


async def test_a_new_log_neither_removes_the_snapshots_of_a_lost_one_nor_waits_for_them(tmp_path: Path) -> None:
    """A state folder that was removed and started anew must not push out what it can be restored from."""
    folder, taken = tmp_path / "snapshots", []
    for at, name in enumerate(("lost", "new")):
        state = tmp_path / name
        plan = SnapshotPlan(folder, 3600.0, 1)
        schedule = SnapshotSchedule(plan, partial(wish, state, folder), partial(float, NOW + at))
        async with gateway_in_process(state) as gateway:
            await say(gateway, 1)
            assert schedule._seconds_until_next() <= 0
            taken.append(await schedule.take())
            assert schedule._seconds_until_next() > 0
        schedule.close()
    assert [path for path, _ in list_snapshots(folder)] == taken


async def test_a_gateway_takes_them_by_itself(tmp_path: Path) -> None:
    state, folder = tmp_path / "state", tmp_path / "snapshots"
    schedule = SnapshotSchedule(SnapshotPlan(folder, 30.0, 2), lambda: wish(state, folder))
    async with gateway_in_process(state):
        task = spawn(schedule.run(), "snapshots")
        async with asyncio.timeout(60):
            while not list_snapshots(folder):
                await asyncio.sleep(0.05)
        task.cancel()
    schedule.close()
