"""A disk without room for a snapshot: it is refused or given up, says so, and leaves nothing behind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.errors import StorageFull
from gateway.snapshots.disk_space import LEFT_FOR_LOG_BYTES, missing_space
from gateway.snapshots.schedule import RETRY_DELAY_S, SnapshotPlan, SnapshotSchedule
from gateway.snapshots.taking import SnapshotWish, take_snapshot
from tests.support.gateways import gateway_in_process
from tests.support.tiny_disk import tiny_disk

NOW = 1_800_000_000.0
LARGE_TEXT = "x" * 60_000


async def a_log(state: Path) -> Path:
    async with gateway_in_process(state) as gateway, Client(gateway.operator) as alice:
        for number in range(60):
            await alice.send(f"{number} {LARGE_TEXT}")
    return state / "groupchat.db"


async def test_one_that_cannot_fit_is_not_begun(tmp_path: Path) -> None:
    database = await a_log(tmp_path / "state")
    with tiny_disk(tmp_path / "disk", 1) as disk:
        folder = disk.folder / "snapshots"
        words = re.escape(missing_space(tmp_path / "state", database, folder))
        assert "has 1.0 MB free, and a snapshot needs" in words.replace("\\", "")
        with pytest.raises(StorageFull, match=words):
            take_snapshot(SnapshotWish(tmp_path / "state", database, folder), NOW)
        assert list(folder.iterdir()) == []


async def test_a_disk_that_fills_up_meanwhile_ends_it(tmp_path: Path) -> None:
    database = await a_log(tmp_path / "state")
    with tiny_disk(tmp_path / "disk", 16) as disk:
        folder = disk.folder / "snapshots"
        with pytest.raises(StorageFull, match="There is no room for a copy in"):
            take_snapshot(
                SnapshotWish(tmp_path / "state", database, folder), NOW, lambda done, total: disk.fill(), lambda _: None
            )
        assert list(folder.iterdir()) == []
        disk.empty()
        assert take_snapshot(SnapshotWish(tmp_path / "state", database, folder), NOW).is_dir()


async def test_the_log_keeps_room_on_its_own_disk(tmp_path: Path) -> None:
    """Elsewhere, only the copy must fit; a sealed one needs a copy beside the log, too."""
    with tiny_disk(tmp_path / "own", 32) as own, tiny_disk(tmp_path / "other", 16) as other:
        state = own.folder / "state"
        database = await a_log(state)
        size = database.stat().st_size
        assert f"needs {(LEFT_FOR_LOG_BYTES + size) / 1e6:,.1f} MB, with the 64.0 MB" in missing_space(
            state, database, own.folder / "snapshots"
        )
        assert missing_space(state, database, other.folder / "snapshots") == ""
        assert f"The disk of {state} has" in missing_space(state, database, other.folder / "snapshots", sealed=True)


async def test_a_failure_is_tried_again_later_not_at_once(tmp_path: Path) -> None:
    """A copy of a large log is work, and a full disk stays full."""
    database = await a_log(tmp_path / "state")
    with tiny_disk(tmp_path / "disk", 1) as disk:
        wish = SnapshotWish(tmp_path / "state", database, disk.folder / "snapshots")
        schedule = SnapshotSchedule(SnapshotPlan(wish.folder, 1800.0, 2), lambda: wish)
        assert await schedule.take() is None
        standing = schedule.standing()
        assert (standing.failures, standing.age, standing.newest) == (1, None, "")
        assert "a snapshot needs" in standing.last_failure
        assert schedule._seconds_to_wait() == RETRY_DELAY_S
        schedule.close()
