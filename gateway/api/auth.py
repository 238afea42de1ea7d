"""Authenticates a request by its token, and for browsers checks the origin of the page."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.access import tokens
from gateway.access.operation_kinds import OperationKind
from gateway.access.permissions import Actor
from gateway.access.provider_token_record import is_provider_token
from gateway.api.origin_check import AllowedHosts, is_own_page, page_origin, requested_host
from gateway.client.discovery.local_socket import is_own_peer
from gateway.listening.acceptor import ConnectionLimiter
from gateway.operations.access.admission import admit_actor
from gateway.protocol.errors import Forbidden, Unauthorized
from gateway.rooms import member_tokens, members
from gateway.runtime.hub import Hub

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HUB: web.AppKey[Hub] = web.AppKey("hub", Hub)
LIMITER: web.AppKey[ConnectionLimiter] = web.AppKey("limiter", ConnectionLimiter)
# The kind of a route: a request counts against the rate of its caller for that kind.
EFFECT: web.RequestKey[OperationKind | None] = web.RequestKey("effect", OperationKind | None)  # type: ignore[arg-type]
CALLER: web.RequestKey[str] = web.RequestKey("caller", str)  # the member that a request has proven to come from
HOSTS: web.AppKey[AllowedHosts] = web.AppKey("hosts", AllowedHosts)


@web.middleware
async def allow_only_own_user(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only the gateway's own user and root may connect through its unix socket."""
    end = request.transport.get_extra_info("socket") if request.transport is not None else None
    if end is not None and end.family == socket.AF_UNIX and not is_own_peer(end):
        raise Forbidden("Only the user who runs this gateway may use this socket.")
    return await handler(request)


def token_of(request: web.Request) -> str:
    """The token, from any of its three places, or from the path: some clients can be configured only
    with an address."""
    if secret := request.match_info.get("secret"):
        return secret
    header = request.headers.get("Authorization", "")
    scheme, _, bearer = header.partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        return bearer.strip()
    token = request.headers.get("X-Auth-Token") or request.query.get("token")
    if not token:
        raise Unauthorized(
            "This needs a token: `Authorization: Bearer TOKEN`, `X-Auth-Token: TOKEN` or `?token=TOKEN`."
        )
    return token


async def actor_of(
    request: web.Request, *, speaks_as: str | None = None, tools_token: bool = False, reads: bool = False
) -> Actor:
    """The member this request comes from. The team token stands for `speaks_as`, or for the human of the team. An
    agent's tool token is accepted only where each request is authorized by itself (`tools_token`). A read-only token is
    accepted there and where nothing is changed (`reads`)."""
    hub = request.app[HUB]
    check_origin(request)
    token = token_of(request)
    if tokens.is_team_token(token, hub.team_digest):
        actor = members.team_actor(hub.state, speaks_as or members.TEAM_PERSON_NAME)
        mark_proven(request, actor)
        await admit_actor(hub, actor)
    else:
        actor = await owner_of(request, token, tools_token=tools_token, reads=reads)
    if (effect := _operation_effect(request)) is not None:
        hub.throttle.take(effect, actor.name, time.monotonic())
    return actor


def mark_proven(request: web.Request, actor: Actor) -> None:
    """Mark the connection as a member's."""
    request[CALLER] = actor.name
    mark_connection(request, actor.name)


def mark_connection(request: web.Request, name: str) -> None:
    """Mark whose connection it is, a member's or another gateway's. It stays open when there are too many unproven
    connections."""
    if (limiter := request.app.get(LIMITER)) is not None:
        limiter.mark_proven(request.transport, name)


def mark_refused(request: web.Request) -> None:
    """Mark the connection as refused. It is the first to be closed when there are too many."""
    if (limiter := request.app.get(LIMITER)) is not None:
        limiter.mark_refused(request.transport)


def mark_received(app: web.Application, transport: asyncio.BaseTransport | None) -> None:
    """Mark the connection as a guest's: this listener admits it without a token."""
    if (limiter := app.get(LIMITER)) is not None:
        limiter.mark_guest(transport)


def _operation_effect(request: web.Request) -> OperationKind | None:
    """The effect of the request's route, counted only once: a handler may ask for the actor twice."""
    effect = request.get(EFFECT)
    request[EFFECT] = None
    return effect


async def owner_of(request: web.Request, token: str, *, tools_token: bool = False, reads: bool = False) -> Actor:
    """The member that this member token belongs to."""
    hub = request.app[HUB]
    actor = await _identify(hub, token)
    mark_proven(request, actor)
    if actor.is_tools_token and not tools_token:
        raise Forbidden("This token is for an agent's tools: use POST /v1/op; it cannot open a stream.")
    if not (tools_token or reads):
        actor.require_write("this request changes something or connects you to another system")
    await admit_actor(hub, actor)
    return actor


async def _identify(hub: Hub, token: str) -> Actor:
    """The member that a token of this gateway, or of an identity provider, belongs to."""
    if hub.providers is not None and is_provider_token(token):
        return await hub.providers.identify(token)
    return await _identify_with_own_token(hub, token)


async def _identify_with_own_token(hub: Hub, token: str) -> Actor:
    """A gateway that follows looks again when it has shown all that is decided: the token may be a moment old."""
    try:
        return member_tokens.identify(hub.state, token, hub.now)
    except Unauthorized:
        if not hub.follows or hub.role.shared_log is None:
            raise
    await hub.role.shared_log.catch_up()
    return member_tokens.identify(hub.state, token, hub.now)


def check_origin(request: web.Request) -> None:
    """Refuse web pages of other origins, so that none reaches the gateway through a browser or by DNS rebinding."""
    hosts, asked = request.app[HOSTS], requested_host(request.host, secure=request.secure)
    if asked is None or asked.host not in hosts:
        raise Forbidden(f"The Host {request.host[:100]!r} is not allowed. Allow it with --allow-host.")
    origins = request.headers.getall("Origin", [])
    if not origins and _is_cross_site(request) and not _is_followed_link(request):
        raise Forbidden("Pages of other origins may not use this gateway.")
    for origin in origins:
        if not is_own_page(page_origin(origin), asked, hosts, _local_address(request)):
            raise Forbidden(f"Pages of {origin[:100]!r} may not use this gateway. Allow their host with --allow-host.")


def own_page_origin(request: web.Request) -> str:
    """The origin of the page of ours that sends this request. Any other request is refused, also one without an origin:
    a form, a link or an image of another page may send one."""
    check_origin(request)
    origins = request.headers.getall("Origin", [])
    if len(origins) != 1:
        raise Forbidden("Only the page of this gateway may ask this, in a browser that says where a page comes from.")
    return origins[0]


def forbid_browser_pages(request: web.Request) -> None:
    """For listeners without authentication: also refuse browser requests that do not say where they come from."""
    check_origin(request)
    if _is_cross_site(request):
        raise Forbidden("Pages of other origins may not use this gateway.")


def _is_cross_site(request: web.Request) -> bool:
    """Whether the browser marks the request as cross-site. Browsers set this also on requests without an Origin header.
    Another port of this machine counts as `same-site`."""
    return request.headers.get("Sec-Fetch-Site", "").strip().lower() in ("cross-site", "same-site")


def _is_followed_link(request: web.Request) -> bool:
    """Whether the user followed a link. The page with the link cannot read the answer."""
    asked = tuple(request.headers.get(f"Sec-Fetch-{name}", "").lower() for name in ("Mode", "Dest"))
    return request.method == "GET" and asked == ("navigate", "document")


def _local_address(request: web.Request) -> str:
    """The local address that received this request; empty for a unix socket."""
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return str(name[0]) if isinstance(name, tuple) else ""
