"""Two commands do not change one team at the same time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from controller.workspace.team_lock import hold_team_lock
from gateway.protocol.errors import Unavailable


async def test_the_second_waits_and_then_says_for_whom(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    async with hold_team_lock(tmp_path):
        with pytest.raises(Unavailable, match=rf"process {os.getpid()}\) is starting or ending the team"):
            async with hold_team_lock(tmp_path, within_s=0.1):
                pass
    async with hold_team_lock(tmp_path, within_s=0.1):
        pass


async def test_where_there_is_no_folder_none_is_made(tmp_path: Path) -> None:
    async with hold_team_lock(tmp_path / "state"):
        assert not (tmp_path / "state").exists()
