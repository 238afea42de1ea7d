"""A name of one's own in the room: with the token that was kept, or with a new one."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from gateway.client import Client, Endpoint, write_private
from gateway.client.discovery.token_files import check_owner, file_for, kept_token
from gateway.protocol.errors import GroupChatError, NameTaken, Unauthorized
from gateway.protocol.requests import Hello, Register
from gateway.protocol.results import Registered
from gateway.protocol.types import MemberKind
from sidecar.process.delivery_journal import remembered


@dataclass(frozen=True)
class Seat:
    """Who joins, and the state folder where the token is kept so that the name is taken over the next time. `journal`:
    what is remembered of the house by number."""

    name: str
    role: str | None
    project: Path
    state: Path
    journal: Path | None = None

    @property
    def hello(self) -> Hello:
        house, known = remembered(self.journal) if self.journal else ("", 0)
        project = str(self.project)[:1000]
        return Hello(inbox=True, role=self.role, project=project, house=house, known=known if house else 0)


@contextlib.asynccontextmanager
async def joined(seat: Seat, endpoint: Endpoint, since: int | None = None) -> AsyncIterator[Client]:
    """A connection as this member, from `since` on. A kept token that no longer works is replaced."""
    hello = structs.replace(seat.hello, since=since)
    async with contextlib.AsyncExitStack() as stack:
        kept = kept_token(seat.state, seat.name, MemberKind.AGENT, endpoint)
        client = await _with_kept(stack, Client(_with(endpoint, kept), hello)) if kept else None
        if client is None:
            token = await _register(seat, endpoint)
            client = await stack.enter_async_context(Client(_with(endpoint, token), hello))
        check_owner(client.welcome.you, seat.name)
        yield client


async def _with_kept(stack: contextlib.AsyncExitStack, client: Client) -> Client | None:
    try:
        return await stack.enter_async_context(client)
    except Unauthorized:
        return None


async def _register(seat: Seat, endpoint: Endpoint) -> str:
    """The token we were given may already be this member's own; otherwise it vouches for a new one."""
    async with Client(endpoint, Hello()) as vouching:
        if vouching.welcome.you.name == seat.name:
            check_owner(vouching.welcome.you, seat.name)
            return str(endpoint.token)
        request = Register(name=seat.name, kind=MemberKind.AGENT, role=seat.role, project=str(seat.project)[:1000])
        made = await vouching.request(request, Registered)
    write_private(file_for(seat.state, seat.name, MemberKind.AGENT, endpoint), made.token)
    return made.token


def _with(endpoint: Endpoint, token: str) -> Endpoint:
    return dataclasses.replace(endpoint, token=token)


def advice(error: GroupChatError, name: str) -> str:
    """What a person can do about it."""
    if isinstance(error, NameTaken):
        return f"{error.message} Choose another name, or stop the other {name!r} first."
    if isinstance(error, Unauthorized):
        return f"{error.message} Give the team's token in CSP_AUTH_TOKEN, or start the gateway on this machine."
    return error.message
