"""How the running team is doing: each agent's pane beside what the room knows of it."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass

from controller import record as records
from controller.site import site_of
from controller.state_words import state_words
from controller.team import CHAT
from gateway.client import Client, state_folder
from gateway.client.pages import whole
from gateway.client.terminal import Context
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
    session: str | None
    team: tuple[Line, ...]

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


async def look(context: Context) -> tuple[Health, TeamStatus]:
    async with Client(context.endpoint()) as client:
        health = await client.request(Status(), Health)
        members = {one.name: one for one in (await whole(client.request, Members(), MemberList)).agents}
    return health, await _team(context, members)


async def _team(context: Context, members: dict[str, MemberView]) -> TeamStatus:
    """Only of a team that was started with this state folder; a gateway elsewhere has no panes here."""
    record = None if context.gateway else records.recall(state_folder(os.environ, context.state))
    if record is None:
        return TeamStatus(None, ())
    try:
        panes = {one.name: one for one in await site_of(context.state).workspace.panes()}
    except GroupChatError:
        return TeamStatus(None, tuple(Line(one.name, "missing") for one in record.agents))
    lines = []
    for name in (CHAT, *(one.name for one in record.agents)):
        pane, member = panes.get(name), members.get(name)
        state = "missing" if pane is None else "ended" if pane.dead else "running"
        doing = state_words(member) if member is not None and name != CHAT else ""
        lines.append(Line(name, state, doing, pane.status if pane is not None and pane.dead else ""))
    return TeamStatus(record.session, tuple(lines))
