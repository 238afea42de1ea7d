"""A place in the room for each agent before its terminal is there, so that the first word said reaches everybody."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from controller.team.team import AgentSpec, RoomSpec
from gateway.client import Client, Endpoint, write_private
from gateway.client.discovery.token_files import check_owner, file_for, kept_token, wrong_kind
from gateway.client.pages import whole
from gateway.protocol.errors import Conflict, Forbidden, NameTaken, Unauthorized, Unavailable
from gateway.protocol.requests import CreateRoom, Hello, Members, Register, RotateToken, SetActivity
from gateway.protocol.results import Done, MemberList, Registered, TokenMade
from gateway.protocol.types import Activity, MemberKind, Presence


async def seat_all(client: Client, endpoint: Endpoint, state: Path, agents: Sequence[AgentSpec]) -> None:
    await asyncio.gather(*(seat(client, endpoint, state, agent) for agent in agents))


async def seat(client: Client, endpoint: Endpoint, state: Path, agent: AgentSpec) -> None:
    """A name, a token and an inbox: from now on what is said to it waits for it."""
    path = file_for(state, agent.name, MemberKind.AGENT, endpoint)
    kept = kept_token(state, agent.name, MemberKind.AGENT, endpoint)
    if kept is None or not await _enters(endpoint, kept, agent):
        token = await _new_token(client, agent)
        write_private(path, token)
        if not await _enters(endpoint, token, agent):
            raise Unavailable(f"{agent.name} could not enter with a new token; `groupchat logs gateway` may say why.")


async def _enters(endpoint: Endpoint, token: str, agent: AgentSpec) -> bool:
    """And is starting, for all to see, until its sidecar says more."""
    hello = Hello(inbox=True, role=agent.role or None)
    try:
        async with Client(dataclasses.replace(endpoint, token=token), hello) as client:
            check_owner(client.welcome.you, agent.name)
            await client.request(SetActivity(activity=Activity.STARTING), Done)
            return True
    except Unauthorized:
        return False


async def _new_token(client: Client, agent: AgentSpec) -> str:
    wish = Register(name=agent.name, kind=MemberKind.AGENT, role=agent.role or None)
    try:
        return (await client.request(wish, Registered)).token
    except NameTaken as taken:
        return await _taken_over(client, agent.name, taken)


async def _taken_over(client: Client, name: str, taken: NameTaken) -> str:
    """An agent whose token was lost keeps its name and what waits for it. A person's name is not touched, nor an
    agent's that is here."""
    known = {one.name: one for one in (await whole(client.request, Members(all=True), MemberList)).agents}
    if name in known and known[name].kind is not MemberKind.AGENT:
        raise wrong_kind(name, known[name].kind) from taken
    if name in known and known[name].presence is Presence.ONLINE:
        raise taken
    try:
        return (await client.request(RotateToken(name=name, grace=0), TokenMade)).token
    except Forbidden:
        raise taken from None


async def furnish(client: Client, rooms: Sequence[RoomSpec]) -> None:
    """The team's further rooms, if they are not there yet."""
    for room in rooms:
        try:
            wish = CreateRoom(room=room.name, topic=room.topic, invite_only=room.invite_only)
            await client.request(wish, Done)
        except Conflict:
            continue
