"""Reports how the running team is doing: each agent's pane, and its state at the gateway."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from controller.team import workspace_record
from controller.team.team import CHAT_PANE
from controller.wording.member_state_text import state_text
from controller.workspace.team_location import location_from_record
from controller.workspace.team_ownership import require_own_session
from gateway.client import Client
from gateway.client.paged_requests import fetch_all_pages
from gateway.console.client_options import ClientOptions
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import MemberView
from gateway.protocol.requests.connection_requests import Status
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.results import Health, MemberList


@dataclass(frozen=True)
class AgentStatus:
    """`pane` is running, ended or missing."""

    name: str
    pane: str
    doing: str = ""
    exit: str = ""


@dataclass(frozen=True)
class TeamStatus:
    """`name` is the team's name, `state` its folder, `file` its team file, if it has one; `url` is the gateway's
    address."""

    session: str | None
    team: tuple[AgentStatus, ...]
    name: str = ""
    state: str = ""
    file: str = ""
    url: str = ""

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


async def fetch_status(context: ClientOptions) -> tuple[Health, TeamStatus]:
    async with Client(context.endpoint()) as client:
        health = await client.request(Status(), Health)
        members = {one.name: one for one in (await fetch_all_pages(client.request, Members(), MemberList)).agents}
        url = client.endpoint.shown
    return health, replace(await _team_status(context, members), url=url)


async def _team_status(context: ClientOptions, members: dict[str, MemberView]) -> TeamStatus:
    """Only for a team that was started with this state folder; a gateway elsewhere has no panes here."""
    if context.gateway:
        return TeamStatus(None, ())
    choice = context.team()
    state = Path(choice.state)
    record = workspace_record.read_workspace_record(state)
    known = TeamStatus(None, (), choice.name, choice.state, choice.file)
    if record is None:
        return known
    try:
        site = await require_own_session(record, location_from_record(state))
        panes = {one.name: one for one in await site.workspace.panes()}
    except GroupChatError:
        return replace(known, team=tuple(AgentStatus(one.name, "missing") for one in record.agents))
    lines = []
    for name in (CHAT_PANE, *(one.name for one in record.agents)):
        pane, member = panes.get(name), members.get(name)
        life = "missing" if pane is None else "ended" if pane.dead else "running"
        doing = state_text(member) if member is not None and name != CHAT_PANE else ""
        lines.append(AgentStatus(name, life, doing, pane.status if pane is not None and pane.dead else ""))
    return replace(known, session=record.session, team=tuple(lines))
