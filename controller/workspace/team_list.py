"""Lists the teams of this user: what `up` recorded in each state folder, and what of it runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from controller.team import workspace_record
from controller.team.workspace_record import WorkspaceRecord
from controller.tmux.session import Workspace
from controller.workspace.team_location import location_from_record
from controller.workspace.team_ownership import is_own_session, site_of_record
from gateway.client.discovery.running_gateway import RunningGateway, read_live_gateway
from gateway.client.discovery.team_choice import DEFAULT_TEAM, ChoiceBasis, TeamChoice
from gateway.client.discovery.team_discovery import own_state_folders, read_record
from gateway.protocol.errors import Conflict, GroupChatError, NotFound


@dataclass(frozen=True)
class TeamView:
    """`file`: its team file, if it has one; `folder`: the folder of that file. `since`: its start, in UTC. `session` is
    empty if it does not exist. `url`: the address of its gateway; `gateway`: whether it runs: yes, no, or elsewhere."""

    team: str
    state: str
    file: str = ""
    folder: str = ""
    since: str = ""
    agents: tuple[str, ...] = ()
    session: str = ""
    url: str = ""
    gateway: str = "no"

    @property
    def runs(self) -> bool:
        return bool(self.session) or self.gateway == "yes"


async def find_teams(named: Sequence[Path] = ()) -> list[TeamView]:
    """The teams of all state folders of this user, and of all sessions of the local tmux server."""
    states = dict.fromkeys([*own_state_folders(named), *await _states_in_tmux()])
    return [one for one in await asyncio.gather(*(_team_view(state) for state in states)) if one is not None]


async def find_running_teams(named: Sequence[Path] = ()) -> list[TeamView]:
    return [one for one in await find_teams(named) if one.runs]


def team_names(incomplete: str) -> list[str]:
    """Team names for shell completion, which cannot wait for tmux."""
    found = [record.team for state in own_state_folders() if (record := read_record(state)) is not None]
    return [name for name in dict.fromkeys(found) if name.startswith(incomplete)]


async def find_team_by_name(name: str, named: Sequence[Path] = ()) -> TeamChoice:
    """The team of this name. No team file is read."""
    known = await find_teams(named)
    found = [one for one in known if one.team == name]
    if len(alive := [one for one in found if one.runs]) > 1:
        states = " and ".join(one.state for one in alive)
        raise Conflict(f"Two teams are called {name}, in {states}. Choose one with --state DIR.")
    for one in alive or found:
        return TeamChoice(one.state, one.team, ChoiceBasis.NAME, one.file)
    others = ", ".join(dict.fromkeys(one.team for one in known if one.runs)) or "no team runs"
    raise NotFound(f"There is no team {name!r}; there are: {others}. `groupchat teams` lists them.")


async def _states_in_tmux() -> list[Path]:
    with contextlib.suppress(GroupChatError):
        return list((await Workspace().begun_sessions()).values())
    return []


async def _team_view(state: Path) -> TeamView | None:
    record, running = workspace_record.read_workspace_record(state), _running_gateway(state)
    if record is None:
        return TeamView(DEFAULT_TEAM, str(state), url=running.url, gateway="yes") if running else None
    gateway = "yes" if running else "elsewhere" if record.url and not record.gateway else "no"
    return TeamView(
        record.team,
        str(state),
        record.file,
        str(Path(record.file).parent) if record.file else "",
        _local_timestamp(record.since),
        tuple(one.name for one in record.agents),
        record.session if await _has_session(state, record) else "",
        running.url if running else record.url,
        gateway,
    )


def _running_gateway(state: Path) -> RunningGateway | None:
    with contextlib.suppress(GroupChatError, OSError):
        return read_live_gateway(state)
    return None


def _local_timestamp(since: float) -> str:
    return datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if since else ""


async def _has_session(state: Path, record: WorkspaceRecord) -> bool:
    site = location_from_record(state)
    with contextlib.suppress(GroupChatError):
        return await is_own_session(record, site_of_record(site, record))
    return False
