"""Foresees what `up` would do, for `up --dry-run`. It reads and asks, and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.team import workspace_record
from controller.team.preflight import ExpectedConversation
from controller.team.team import AgentSpec, Team
from controller.workspace.startup.startup_facts import ask_requirements
from controller.workspace.team_location import TeamLocation
from controller.workspace.team_ownership import is_own_session, refuse_other_team, site_of_record
from gateway.client.discovery.running_gateway import read_live_gateway

STARTS, RUNS = "starts", "runs"


@dataclass(frozen=True)
class AgentPreview:
    """`does`: it starts, or it runs already. `conversation`: how it would begin; None: nobody could tell."""

    name: str
    command: tuple[str, ...]
    project: str
    does: str
    conversation: ExpectedConversation | None = None


@dataclass(frozen=True)
class StartPreview:
    """`gateway`: the address at which one runs already; empty: it would start. `runs`: the session is there."""

    session: str
    runs: bool
    gateway: str
    agents: tuple[AgentPreview, ...]


async def preview_start(team: Team, site: TeamLocation, *, fresh: bool) -> StartPreview:
    record = workspace_record.read_workspace_record(site.state)
    agents, alive = team.agents, set[str]()
    runs = False
    if record is not None:
        await refuse_other_team(record, site, team.name, team.file)
        there = site_of_record(site, record)
        runs = bool(record.born) and await is_own_session(record, there)
        if runs:
            agents = record.agents
            alive = {one.name for one in await there.workspace.panes() if not one.dead}
    waiting = [one for one in agents if one.name not in alive]
    found = await ask_requirements(waiting, site, conversations=True, fresh=fresh)
    begins = dict(zip((one.name for one in waiting), (one.conversation for one in found), strict=False))
    live = read_live_gateway(site.state)
    address = team.gateway.url or (live.url if live is not None else "")
    return StartPreview(team.session, runs, address, _previews(agents, site.cwd, alive, begins))


def _previews(
    agents: Sequence[AgentSpec], cwd: Path, alive: set[str], begins: dict[str, ExpectedConversation | None]
) -> tuple[AgentPreview, ...]:
    return tuple(
        AgentPreview(
            one.name,
            one.command,
            str((cwd / Path(one.project).expanduser()).resolve()),
            RUNS if one.name in alive else STARTS,
            begins.get(one.name),
        )
        for one in agents
    )
