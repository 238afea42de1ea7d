"""How the running team is doing: each agent's pane beside what the room knows of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from controller.commands.state_text import state_words
from controller.team import team_record as records
from controller.team.team import CHAT
from controller.workspace.session_ownership import need_session
from controller.workspace.team_location import site_at
from gateway.client import Client
from gateway.client.console.cli_options import Context
from gateway.client.pages import whole
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import MemberView
from gateway.protocol.requests import Members, Status
from gateway.protocol.results import Health, MemberList


@dataclass(frozen=True)
class Line:
    """`pane` is running, ended or missing."""

    name: str
    pane: str
    doing: str = ""
    exit: str = ""


@dataclass(frozen=True)
class TeamStatus:
    """`name` is of the team, `state` its folder, `file` its team file, if it has one."""

    session: str | None
    team: tuple[Line, ...]
    name: str = ""
    state: str = ""
    file: str = ""

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


async def look(context: Context) -> tuple[Health, TeamStatus]:
    async with Client(context.endpoint()) as client:
        health = await client.request(Status(), Health)
        members = {one.name: one for one in (await whole(client.request, Members(), MemberList)).agents}
    return health, await _team(context, members)


async def _team(context: Context, members: dict[str, MemberView]) -> TeamStatus:
    """Only of a team that was started with this state folder; a gateway elsewhere has no panes here."""
    if context.gateway:
        return TeamStatus(None, ())
    choice = context.team()
    state = Path(choice.state)
    record = records.recall(state)
    known = TeamStatus(None, (), choice.name, choice.state, choice.file)
    if record is None:
        return known
    try:
        site = await need_session(record, site_at(state))
        panes = {one.name: one for one in await site.workspace.panes()}
    except GroupChatError:
        return replace(known, team=tuple(Line(one.name, "missing") for one in record.agents))
    lines = []
    for name in (CHAT, *(one.name for one in record.agents)):
        pane, member = panes.get(name), members.get(name)
        life = "missing" if pane is None else "ended" if pane.dead else "running"
        doing = state_words(member) if member is not None and name != CHAT else ""
        lines.append(Line(name, life, doing, pane.status if pane is not None and pane.dead else ""))
    return replace(known, session=record.session, team=tuple(lines))
