"""The routes of the main listener."""

from __future__ import annotations

import socket

from aiohttp import web

from gateway.api import auth, mcp_proxy, openapi, rest
from gateway.api.errors import translate_errors
from gateway.api.event_stream import serve_event_stream
from gateway.api.origin_check import AllowedHosts
from gateway.api.websocket import serve_websocket
from gateway.dialects.csp import routes
from gateway.push import metrics
from gateway.runtime.config import Config
from gateway.runtime.hub import Hub


def make_main_app(hub: Hub, config: Config, mcp: mcp_proxy.McpProcess) -> web.Application:
    app = web.Application(middlewares=[translate_errors, auth.allow_only_own_user], client_max_size=rest.MAX_BODY_BYTES)
    app[auth.HUB] = hub
    app[auth.HOSTS] = AllowedHosts.of(config.host, config.allow_hosts, socket.gethostname())
    app[mcp_proxy.MCP] = mcp
    app.add_routes(rest.routes())
    app.add_routes(routes.routes())
    app.add_routes(mcp_proxy.routes())
    app.add_routes(
        [
            web.post("/v1/op", rest.operation_by_name),
            web.get("/v1/ws", serve_websocket),
            web.get("/v1/events", serve_event_stream),
            web.get("/metrics", _serve_metrics),
            web.get("/openapi.json", _serve_openapi),
            web.get("/docs", _serve_docs),
        ]
    )
    return app


async def _serve_metrics(request: web.Request) -> web.Response:
    await auth.actor_of(request, reads=True)
    hub = request.app[auth.HUB]
    hub.metrics.queued.set(sum(hub.state.queued.values()))
    return web.Response(body=hub.metrics.page(), headers={"Content-Type": metrics.METRICS_CONTENT_TYPE})


async def _serve_openapi(request: web.Request) -> web.Response:
    auth.check_origin(request)
    return web.Response(body=openapi.encoded_document(), content_type="application/json")


async def _serve_docs(request: web.Request) -> web.Response:
    auth.check_origin(request)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return web.Response(
        text=openapi.build_page(), content_type="text/html", headers={"Content-Security-Policy": policy}
    )
