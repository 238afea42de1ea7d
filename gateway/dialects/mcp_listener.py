"""`--listen mcp=127.0.0.1:9998`: the MCP tools on an address of their own, for clients that are configured for such an
address.

Many of these clients cannot send a token. A process of this machine without a token acts as the member `mcp`, which all
of them share; from another machine a token is required.
"""

from __future__ import annotations

from aiohttp import web

from gateway.api import auth, mcp_proxy
from gateway.api.error_responses import translate_errors
from gateway.api.mcp_proxy import MCP, McpProcess
from gateway.api.request_validation import MAX_BODY_BYTES
from gateway.dialects.anonymous_access import has_token, require_local_peer
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.types.core_types import MemberKind
from gateway.runtime.hub import Hub

GUEST_TOKEN_REQUEST = CreateToken(name="mcp", kind=MemberKind.AGENT)


def make_mcp_app(hub: Hub, mcp: McpProcess) -> web.Application:
    app = web.Application(middlewares=[translate_errors], client_max_size=MAX_BODY_BYTES)
    app[auth.HUB] = hub
    app[MCP] = mcp
    app.add_routes(mcp_proxy.mcp_routes(_forward_request))
    return app


async def _forward_request(request: web.Request) -> web.StreamResponse:
    if has_token(request):
        return await mcp_proxy.proxy_request(request)
    auth.forbid_browser_pages(request)
    require_local_peer(request)
    auth.mark_received(request.app, request.transport)
    return await mcp_proxy.forward_request(request, await request.app[MCP].token_for(GUEST_TOKEN_REQUEST))
