"""Registers a member in the room, with the kept token or a new one, and waits for a gateway that is away. If this
machine has a key of the member, the connection seals and opens what is sealed (`gateway/encryption/member_client`)."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from gateway.client import Client, Endpoint
from gateway.client.backoff import retry_delays
from gateway.client.discovery.token_files import check_token_owner, read_kept_token, token_file_for
from gateway.encryption.key_storage.key_files import list_keys
from gateway.encryption.member_client.member_machine import open_member_machine
from gateway.encryption.member_client.sealed_client import SealedClient
from gateway.files.private_files import write_private
from gateway.protocol.errors import GroupChatError, NameTaken, TimedOut, Unauthorized, Unavailable
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Register
from gateway.protocol.results import Registered
from gateway.protocol.types.core_types import MemberKind
from sidecar.run_files.delivery_journal import read_store_and_number


@dataclass(frozen=True)
class Registration:
    """Who joins. `state`: the folder where the token is kept, so that the name can be used again next time. `journal`:
    what is known about the store, by message number. `vendor`: who reads what this member reads. `may_seal`: it uses a
    key of the member, if this machine has one."""

    name: str
    role: str | None
    project: Path
    state: Path
    journal: Path | None = None
    vendor: str = ""
    may_seal: bool = True

    @property
    def hello(self) -> Hello:
        store_id, known = read_store_and_number(self.journal) if self.journal else ("", 0)
        project = str(self.project)[:1000]
        known = known if store_id else 0
        return Hello(
            inbox=True, role=self.role, project=project, store_id=store_id, known=known, vendor=self.vendor or None
        )


@contextlib.asynccontextmanager
async def connect_as_member(
    registration: Registration, endpoint: Endpoint, since: int | None = None
) -> AsyncIterator[Client]:
    """A connection as this member that starts after event `since`. A kept token that no longer works is replaced."""
    hello = structs.replace(registration.hello, since=since)
    async with contextlib.AsyncExitStack() as stack:
        kept = read_kept_token(registration.state, registration.name, MemberKind.AGENT, endpoint)
        client = (
            await _enter_with_kept_token(stack, _member_client(registration, endpoint, kept, hello)) if kept else None
        )
        if client is None:
            token = await _register_member(registration, endpoint)
            client = await stack.enter_async_context(_member_client(registration, endpoint, token, hello))
        check_token_owner(client.welcome.you, registration.name)
        yield client


async def connect_and_register(
    registration: Registration,
    find: Callable[[], Endpoint],
    say: Callable[[str], None],
    stack: contextlib.AsyncExitStack,
) -> Client:
    """Join the room. Waits for a gateway that is away, and looks for it anew each time."""
    pauses = retry_delays(random.random)
    for number, pause in enumerate(pauses):
        try:
            return await stack.enter_async_context(connect_as_member(registration, find()))
        except (Unavailable, TimedOut) as error:
            if number == 0:
                say(f"{registration.name} waits for the gateway. {error.message} It retries until the gateway answers.")
            await asyncio.sleep(pause)
    raise AssertionError("the pauses never end")


def _member_client(registration: Registration, endpoint: Endpoint, token: str, hello: Hello) -> Client:
    """A person who gives the agent a key while its sidecar runs restarts the sidecar."""
    endpoint = _endpoint_with_token(endpoint, token)
    if not registration.may_seal or not list_keys(registration.state, registration.name):
        return Client(endpoint, hello)
    return SealedClient(endpoint, hello, unlock=lambda name: open_member_machine(registration.state, name))


async def _enter_with_kept_token(stack: contextlib.AsyncExitStack, client: Client) -> Client | None:
    try:
        return await stack.enter_async_context(client)
    except Unauthorized:
        return None


async def _register_member(registration: Registration, endpoint: Endpoint) -> str:
    """The given token may already belong to this member. Otherwise it authorizes a new one."""
    async with Client(endpoint, Hello()) as vouching:
        if vouching.welcome.you.name == registration.name:
            check_token_owner(vouching.welcome.you, registration.name)
            return str(endpoint.token)
        request = Register(
            name=registration.name,
            kind=MemberKind.AGENT,
            role=registration.role,
            project=str(registration.project)[:1000],
        )
        made = await vouching.request(request, Registered)
    write_private(token_file_for(registration.state, registration.name, MemberKind.AGENT, endpoint), made.token)
    return made.token


def _endpoint_with_token(endpoint: Endpoint, token: str) -> Endpoint:
    return dataclasses.replace(endpoint, token=token)


def registration_advice(error: GroupChatError, name: str) -> str:
    """The error, with what a person can do about it."""
    if isinstance(error, NameTaken):
        return f"{error.message} Choose another name, or stop the other {name!r} first."
    if isinstance(error, Unauthorized):
        return f"{error.message} Give the team's token in CSP_AUTH_TOKEN, or start the gateway on this machine."
    return error.message
