"""Registers each agent before its terminal starts, so that even the first message reaches all."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from controller.team.team import AgentSpec
from gateway.client import Client, Endpoint
from gateway.client.discovery.token_files import check_token_owner, read_kept_token, token_file_for, wrong_kind_error
from gateway.client.paged_requests import fetch_all_pages
from gateway.files.private_files import write_private
from gateway.protocol.errors import Forbidden, NameTaken, Unauthorized, Unavailable
from gateway.protocol.requests.agent_requests import SetActivity
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members, Register, RotateToken
from gateway.protocol.results import Done, MemberList, Registered, TokenMade
from gateway.protocol.types.core_types import Activity, MemberKind, Presence


async def register_agents(client: Client, endpoint: Endpoint, state: Path, agents: Sequence[AgentSpec]) -> None:
    await asyncio.gather(*(register_agent(client, endpoint, state, agent) for agent in agents))


async def register_agent(client: Client, endpoint: Endpoint, state: Path, agent: AgentSpec) -> None:
    """Register an agent: from now on messages to it wait in its inbox."""
    path = token_file_for(state, agent.name, MemberKind.AGENT, endpoint)
    kept = read_kept_token(state, agent.name, MemberKind.AGENT, endpoint)
    if kept is None or not await _can_enter(endpoint, kept, agent):
        token = await _create_agent_token(client, agent)
        write_private(path, token)
        if not await _can_enter(endpoint, token, agent):
            raise Unavailable(f"{agent.name} could not connect with a new token; `groupchat logs gateway` may say why.")


async def _can_enter(endpoint: Endpoint, token: str, agent: AgentSpec) -> bool:
    """Whether the stored token still works. The agent then shows as starting until its sidecar says more."""
    hello = Hello(inbox=True, role=agent.role or None)
    try:
        async with Client(dataclasses.replace(endpoint, token=token), hello) as client:
            check_token_owner(client.welcome.you, agent.name)
            await client.request(SetActivity(activity=Activity.STARTING), Done)
            return True
    except Unauthorized:
        return False


async def _create_agent_token(client: Client, agent: AgentSpec) -> str:
    wish = Register(name=agent.name, kind=MemberKind.AGENT, role=agent.role or None)
    try:
        return (await client.request(wish, Registered)).token
    except NameTaken as taken:
        return await _take_over_name(client, agent.name, taken)


async def _take_over_name(client: Client, name: str, taken: NameTaken) -> str:
    """Take over the name of an agent whose token was lost; it keeps its inbox. A person's name is never taken, nor that
    of an agent that is present."""
    known = {one.name: one for one in (await fetch_all_pages(client.request, Members(all=True), MemberList)).agents}
    if name in known and known[name].kind is not MemberKind.AGENT:
        raise wrong_kind_error(name, known[name].kind) from taken
    if name in known and known[name].presence is Presence.ONLINE:
        raise taken
    try:
        return (await client.request(RotateToken(name=name, grace=0), TokenMade)).token
    except Forbidden:
        raise taken from None
