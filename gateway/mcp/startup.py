"""Starts the MCP process: behind the gateway for many callers, or beside one client."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from gateway.client import Client, Endpoint, TlsTrust
from gateway.client.discovery.endpoint import check_url
from gateway.client.discovery.token_files import check_token_owner, read_kept_token, token_file_for
from gateway.console.client_options import ClientOptions
from gateway.files.private_files import write_private
from gateway.mcp import http, stdio
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import BadRequest, GroupChatError
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Register
from gateway.protocol.results import Registered
from gateway.protocol.types.core_types import MemberKind, canonical_agent_name


async def serve_behind_gateway(context: ClientOptions, socket: Path, through: Path | None) -> None:
    """Each request carries its own token; all go through the gateway's unix socket."""
    assert context.gateway is not None
    trust = TlsTrust(context.cafile, context.fingerprint)
    await http.serve_http(Endpoint(check_url(context.gateway), "", trust, through), socket)


async def serve_beside_client(context: ClientOptions, name: str | None, project: Path, patience: float) -> None:
    async with _endpoint_as(context, name) as endpoint:
        await stdio.serve_stdio(endpoint, project.expanduser().resolve(), patience)


@contextlib.asynccontextmanager
async def _endpoint_as(context: ClientOptions, name: str | None) -> AsyncIterator[Endpoint]:
    """An endpoint with a member's own token. A tool never uses the local person's token merely because it can read it.
    A member created here exists as long as its client runs."""
    endpoint = context.endpoint()
    if name is None:
        if os.environ.get("CSP_AUTH_TOKEN"):
            yield endpoint
            return
        raise BadRequest("Name the member that uses it: --as NAME, or the member's own token in CSP_AUTH_TOKEN.")
    own, state = canonical_agent_name(name), context.folder
    kept = read_kept_token(state, own, MemberKind.AGENT, endpoint)
    if kept is None:
        async with Client(endpoint, Hello()) as vouching:
            made = await vouching.request(Register(name=own, kind=MemberKind.AGENT), Registered)
        kept = made.token
        write_private(token_file_for(state, own, MemberKind.AGENT, endpoint), kept)
    found = replace(endpoint, token=kept)
    async with Client(found, Hello(inbox=True)) as client:
        check_token_owner(client.welcome.you, own)
        staying = spawn(_stay_connected(client), "presence")
        try:
            yield found
        finally:
            staying.cancel()


async def _stay_connected(client: Client) -> None:
    """Stay connected, and reconnect. The tools fetch events when they are called."""
    with contextlib.suppress(GroupChatError):
        async for _ in client.events():
            pass
