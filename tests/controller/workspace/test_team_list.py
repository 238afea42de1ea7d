"""The teams of a person: found by name, completed by the shell; and a session that only has the name of ours."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from controller.team.team import AgentSpec, ChatSpec, LayoutSpec
from controller.team.workspace_record import WorkspaceRecord, write_workspace_record
from controller.tmux.panes import PanePlan, SessionSetup
from controller.workspace import launcher
from controller.workspace.team_list import find_running_teams, find_team_by_name, find_teams, team_names
from controller.workspace.team_location import TeamLocation, location_from_record
from controller.workspace.team_ownership import require_own_session
from gateway.client.discovery.team_discovery import home_folder
from gateway.protocol.errors import Conflict, NotFound


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    sockets = tmp_path / "s"
    sockets.mkdir(mode=0o700)
    for name, value in {"XDG_STATE_HOME": tmp_path / "home", "TMUX_TMPDIR": sockets}.items():
        monkeypatch.setenv(name, str(value))
    for name in ("TMUX", "GROUPCHAT_STATE"):
        monkeypatch.delenv(name, raising=False)
    return home_folder()


def record(team: str) -> WorkspaceRecord:
    return WorkspaceRecord(team, "llm-groupchat", "", None, (AgentSpec("ada", ("true",)),), LayoutSpec(), ChatSpec())


@pytest.mark.processes
async def test_a_team_is_found_by_its_name(home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    for state, team in {home: "default", home / "teams" / "site": "site", elsewhere: "far"}.items():
        write_workspace_record(state, record(team))
    assert [one.team for one in await find_teams([elsewhere])] == ["default", "site", "far"]
    assert await find_running_teams() == []
    assert (await find_team_by_name("site")).state == str(home / "teams" / "site")
    assert (await find_team_by_name("far", [elsewhere])).state == str(elsewhere)
    with pytest.raises(NotFound, match=r"no team 'far'; there are: no team runs"):
        await find_team_by_name("far")
    assert (team_names(""), team_names("s")) == (["default", "site"], ["site"])


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.processes
async def test_a_namesakes_session_is_left_alone(home: Path, tmp_path: Path) -> None:
    """Two default teams with folders of their own: the session of that name is of one of them alone."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    site = TeamLocation.of(theirs, "llm-groupchat", None)
    for state in (ours, theirs):
        write_workspace_record(state, record("default"))
        (state / "panes").mkdir()
        (state / "panes" / "chat.sh").write_text("sleep 60")
    await site.workspace.build(PanePlan("chat", "chat", theirs / "panes" / "chat.sh"), SessionSetup(), theirs)
    try:
        (born,) = {await site.workspace.born()}
        assert (await require_own_session(record("default"), site)).state == theirs
        with pytest.raises(NotFound, match=r"of .*/ours is not running"):
            await launcher.restart_pane(location_from_record(ours), "chat")
        with pytest.raises(NotFound):
            await launcher.remove_agent(location_from_record(ours), "ada")
        assert await launcher.end_team(location_from_record(ours)) == []
        assert await site.workspace.born() == born
        assert [(one.team, one.state) for one in await find_running_teams()] == [("default", str(theirs))]
        with pytest.raises(Conflict, match=rf"with the folder {theirs}"):
            await location_from_record(ours).workspace.build(
                PanePlan("chat", "chat", ours / "panes" / "chat.sh"), SessionSetup(), ours
            )
    finally:
        await site.workspace.kill()
