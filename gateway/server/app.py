"""What the main door of a gateway answers, path by path."""

from __future__ import annotations

import socket

from aiohttp import web

from gateway.api import auth, mcp_proxy, openapi, rest
from gateway.api.errors import clear_errors
from gateway.api.event_stream import full_stream
from gateway.api.origins import Hosts
from gateway.api.websocket import full_socket
from gateway.dialects.csp import routes
from gateway.push import metrics
from gateway.runtime.config import Config
from gateway.runtime.hub import Hub


def make_app(hub: Hub, config: Config, mcp: mcp_proxy.McpProcess) -> web.Application:
    app = web.Application(middlewares=[clear_errors, auth.this_user_alone], client_max_size=rest.MAX_BODY)
    app[auth.HUB] = hub
    app[auth.HOSTS] = Hosts.of(config.host, config.allow_hosts, socket.gethostname())
    app[mcp_proxy.MCP] = mcp
    app.add_routes(rest.routes())
    app.add_routes(routes.routes())
    app.add_routes(mcp_proxy.routes())
    app.add_routes(
        [
            web.post("/v1/op", rest.operation_by_name),
            web.get("/v1/ws", full_socket),
            web.get("/v1/events", full_stream),
            web.get("/metrics", _metrics),
            web.get("/openapi.json", _openapi),
            web.get("/docs", _docs),
        ]
    )
    return app


async def _metrics(request: web.Request) -> web.Response:
    await auth.actor_of(request, reads=True)
    hub = request.app[auth.HUB]
    hub.metrics.queued.set(sum(hub.house.queued.values()))
    return web.Response(body=hub.metrics.page(), headers={"Content-Type": metrics.CONTENT_TYPE})


async def _openapi(request: web.Request) -> web.Response:
    auth.check_page(request)
    return web.Response(body=openapi.encoded(), content_type="application/json")


async def _docs(request: web.Request) -> web.Response:
    auth.check_page(request)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return web.Response(text=openapi.page(), content_type="text/html", headers={"Content-Security-Policy": policy})
