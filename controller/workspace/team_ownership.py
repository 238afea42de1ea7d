"""Checks that a found session, gateway and folder belong to a record, not to another team."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from controller.team import workspace_record
from controller.team.team import CHAT_PANE
from controller.team.workspace_record import WorkspaceRecord
from controller.tmux.session import Workspace
from controller.workspace.gateway_process import find_supervisor
from controller.workspace.team_location import TeamLocation
from gateway.client.discovery.running_gateway import has_live_gateway
from gateway.client.discovery.team_choice import TeamChoice, TeamRecord, is_of_another, two_teams_error
from gateway.client.discovery.team_discovery import existing_team_file
from gateway.protocol.errors import Conflict, NotFound


def chat_script_path(state: Path, name: str) -> Path:
    return state / "panes" / f"{name}.sh"


def site_of_record(site: TeamLocation, record: WorkspaceRecord) -> TeamLocation:
    """The location of the session by the record: `up` may have run inside another tmux server, and may have written the
    record while we waited for the lock."""
    known = site.workspace
    socket = record.socket or known.socket
    if (known.session, known.socket) == (record.session, socket):
        return site
    return replace(site, workspace=Workspace(record.session, socket))


async def is_own_session(record: WorkspaceRecord, site: TeamLocation) -> bool:
    """Whether the session at this location is the recorded one."""
    workspace = site.workspace
    if record.session != workspace.session or not await workspace.exists():
        return False
    if record.born:
        return await workspace.born() == record.born
    return await workspace.begun_with() == str(chat_script_path(site.state, CHAT_PANE))


async def require_own_session(record: WorkspaceRecord, site: TeamLocation) -> TeamLocation:
    """The location of the team's own session. A team of the same name from another folder may have a session of the
    same name."""
    there = site_of_record(site, record)
    if not await is_own_session(record, there):
        raise NotFound(f"The session {record.session} of {site.state} is not running; `groupchat up` starts it.")
    return there


async def is_anything_alive(record: WorkspaceRecord, site: TeamLocation) -> bool:
    """Whether anything of it is alive."""
    if has_live_gateway(site.state) or find_supervisor(site.state) is not None:
        return True
    return await is_own_session(record, site_of_record(site, record))


async def refuse_other_team(record: WorkspaceRecord, site: TeamLocation, team: str, file: str) -> None:
    """Refuse a folder that belongs to another team: it must not be shared, nor that team ended by mistake."""
    known = TeamRecord(record.team, existing_team_file(record.file))
    if is_of_another(known, team, file) and await is_anything_alive(record, site):
        raise Conflict(two_teams_error(str(site.state), known, team, file))


async def check_own_team(site: TeamLocation, choice: TeamChoice) -> None:
    """Check this before a running team is changed or ended."""
    if choice.conflict:
        raise Conflict(choice.conflict)
    record = workspace_record.read_workspace_record(site.state)
    if record is not None:
        await refuse_other_team(record, site, choice.name, choice.file)
