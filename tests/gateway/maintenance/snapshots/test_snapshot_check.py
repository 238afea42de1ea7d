"""Where the snapshots of a state folder are found, and what `groupchat doctor` says about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.files.private_files import write_private
from gateway.maintenance.snapshots.snapshot_check import find_snapshot, snapshot_verdict, usual_folder
from gateway.protocol.errors import NotFound
from gateway.protocol.results import SnapshotStanding
from gateway.snapshots.disk_space import LEFT_FOR_LOG_BYTES
from gateway.snapshots.schedule import FOLDER_NOTE
from tests.support.tiny_disk import tiny_disk

EVERY_S = 1800.0


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder whose gateway was told to take snapshots."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    (tmp_path / "kept").mkdir(mode=0o700)
    write_private(folder / FOLDER_NOTE, f"{tmp_path / 'kept'}\n")
    return folder


def test_a_snapshot_is_named_by_its_path_or_by_its_name(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = tmp_path / "kept" / "groupchat-1"
    one.mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_snapshot(Path("groupchat-1"), state) == find_snapshot(one, state) == one
    assert find_snapshot(Path("kept/groupchat-1"), state) == Path("kept/groupchat-1")
    for wrong in (Path("groupchat-2"), Path("elsewhere/groupchat-1")):
        with pytest.raises(NotFound, match=f"There is no snapshot {wrong} here or in {tmp_path}/kept"):
            find_snapshot(wrong, state)


def test_a_folder_that_was_never_told_of_snapshots_has_no_row(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert snapshot_verdict(tmp_path, None) is None
    assert usual_folder(tmp_path / "state") == tmp_path / "state-snapshots"


def test_without_a_gateway_none_is_due(state: Path) -> None:
    verdict = snapshot_verdict(state, None)
    assert verdict is not None and verdict[0]
    assert verdict[1].endswith("kept: there is no snapshot; none is taken now")


def test_a_warning_has_a_remedy(state: Path) -> None:
    old = snapshot_verdict(state, SnapshotStanding(EVERY_S, age=7200))
    assert old is not None and not old[0]
    assert "The newest is 2 h 0 min old, and one is due every 30 min." in old[1]
    assert "the gateway tries again" in old[2]


def test_a_disk_without_room_for_the_next_one_is_told_before_it_fails(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", 1) as disk:
        state = disk.folder / "state"
        state.mkdir(mode=0o700)
        write_private(state / FOLDER_NOTE, f"{disk.folder / 'kept'}\n")
        verdict = snapshot_verdict(state, SnapshotStanding(EVERY_S, age=60))
        assert verdict is not None and not verdict[0]
        assert f"a snapshot needs {LEFT_FOR_LOG_BYTES / 1e6:.1f} MB" in verdict[2]
