"""Whether the session, the gateway and the folder that were found are those of a record, and not of another team."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from controller.team import team_record as records
from controller.team.team import CHAT
from controller.team.team_record import Record
from controller.tmux.session import Workspace
from controller.workspace.gateway_process import supervisor_of
from controller.workspace.team_location import Site
from gateway.client.discovery.running_gateway import is_owned
from gateway.client.discovery.team_choice import TeamChoice, TeamRecord, is_of_another, two_teams
from gateway.client.discovery.team_discovery import if_there
from gateway.protocol.errors import Conflict, NotFound


def script_of(state: Path, name: str) -> Path:
    return state / "panes" / f"{name}.sh"


def as_recorded(site: Site, record: Record) -> Site:
    """Where the record says that its session is: the command that began it may have run inside another tmux, and the
    record may have been written while we waited for our turn."""
    known = site.workspace
    socket = record.socket or known.socket
    if (known.session, known.socket) == (record.session, socket):
        return site
    return replace(site, workspace=Workspace(record.session, socket))


async def is_ours(record: Record, site: Site) -> bool:
    """Whether the session of this site is the one that the record tells of."""
    workspace = site.workspace
    if record.session != workspace.session or not await workspace.exists():
        return False
    if record.born:
        return await workspace.born() == record.born
    return await workspace.begun_with() == str(script_of(site.state, CHAT))


async def need_session(record: Record, site: Site) -> Site:
    """The site of the team's own session; a namesake of another folder may have one of the same name."""
    there = as_recorded(site, record)
    if not await is_ours(record, there):
        raise NotFound(f"The session {record.session} of {site.state} is not running; `groupchat up` starts it.")
    return there


async def runs(record: Record, site: Site) -> bool:
    """Whether anything of it is alive."""
    if is_owned(site.state) or supervisor_of(site.state) is not None:
        return True
    return await is_ours(record, as_recorded(site, record))


async def refuse_another(record: Record, site: Site, team: str, file: str) -> None:
    """A folder in which another team lives is not to be shared, and that team not to be ended by mistake."""
    known = TeamRecord(record.team, if_there(record.file))
    if is_of_another(known, team, file) and await runs(record, site):
        raise Conflict(two_teams(str(site.state), known, team, file))


async def check_own(site: Site, choice: TeamChoice) -> None:
    """Before anything that runs is changed or ended."""
    if choice.conflict:
        raise Conflict(choice.conflict)
    record = records.recall(site.state)
    if record is not None:
        await refuse_another(record, site, choice.name, choice.file)
