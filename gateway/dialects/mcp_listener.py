"""`--listen mcp=127.0.0.1:9998`: the tools at a door of their own, for clients that are configured for such an address.

Many of them know no token. A process of this machine that brings none acts as the member `mcp`, which all of them
share; from another machine nothing goes without one.
"""

from __future__ import annotations

from aiohttp import web

from gateway.api import auth, mcp_proxy, rest
from gateway.api.errors import clear_errors
from gateway.api.mcp_proxy import MCP, McpProcess
from gateway.dialects.anonymous_access import has_token, need_this_machine
from gateway.protocol.requests import CreateToken
from gateway.protocol.types import MemberKind
from gateway.runtime.hub import Hub

GUEST = CreateToken(name="mcp", kind=MemberKind.AGENT)


def make_app(hub: Hub, mcp: McpProcess) -> web.Application:
    app = web.Application(middlewares=[clear_errors], client_max_size=rest.MAX_BODY)
    app[auth.HUB] = hub
    app[MCP] = mcp
    app.add_routes(mcp_proxy.routes(_handed_on))
    return app


async def _handed_on(request: web.Request) -> web.StreamResponse:
    if has_token(request):
        return await mcp_proxy.by_token(request)
    auth.need_no_page(request)
    need_this_machine(request)
    auth.received(request.app, request.transport)
    return await mcp_proxy.handed_on(request, await request.app[MCP].token_for(GUEST))
