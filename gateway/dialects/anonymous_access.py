"""Identifies the caller of a listener whose protocol has no authentication.

A process of this machine may connect without a token, as a guest of that dialect; from another machine a token is
required. The team token and tokens of agents' tools are not accepted here, and browser pages are refused.
"""

from __future__ import annotations

from ipaddress import ip_address

from aiohttp import web

from gateway.access.permissions import Actor
from gateway.access.tokens import is_team_token
from gateway.api import auth
from gateway.protocol.errors import Forbidden, Unauthorized

ANY_PATH = ("/t/{secret}", "/t/{secret}/{path:.*}", "/{path:.*}")


async def caller_of(request: web.Request, *, reads: bool = False) -> Actor | None:
    """The member that the token belongs to; None for a process of this machine without a token. A read-only token is
    accepted where nothing is changed (`reads`)."""
    auth.check_origin(request)
    hub, token = request.app[auth.HUB], _token_in_request(request)
    if token is None:
        auth.forbid_browser_pages(request)
        require_local_peer(request)
        return None
    if is_team_token(token, hub.team_digest):
        raise Forbidden("The team token can be used only with the simple interface. Use a member's own token.")
    return await auth.owner_of(request, token, reads=reads)


def has_token(request: web.Request) -> bool:
    return _token_in_request(request) is not None


def require_local_peer(request: web.Request) -> None:
    if not _is_local_peer(request):
        raise Unauthorized(
            "A connection from another machine needs a token: `?token=TOKEN`, or `/t/TOKEN/` as the path."
        )


def _token_in_request(request: web.Request) -> str | None:
    try:
        return auth.token_of(request)
    except Unauthorized:
        return None


def _is_local_peer(request: web.Request) -> bool:
    assert request.transport is not None
    ends = (request.transport.get_extra_info(name) for name in ("sockname", "peername"))
    return all(end and ip_address(end[0]).is_loopback for end in ends)
