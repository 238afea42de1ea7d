"""The routes of the main listener."""

from __future__ import annotations

import socket

from aiohttp import web

from gateway.access.operation_kinds import OperationKind
from gateway.api import auth, mcp_proxy, openapi, rest
from gateway.api.error_responses import json_response, translate_errors
from gateway.api.event_stream import serve_event_stream
from gateway.api.origin_check import AllowedHosts
from gateway.api.request_validation import MAX_BODY_BYTES
from gateway.dialects.csp import routes
from gateway.operations import dispatch
from gateway.operations.health import traffic_statistics
from gateway.protocol.requests.connection_requests import Stats
from gateway.runtime.config import Config
from gateway.server.listeners.decider_proxy import pass_to_decider
from gateway.server.listeners.dialect_listeners import ListenerSetup
from gateway.statistics.prometheus_page import METRICS_CONTENT_TYPE
from gateway.web.browser_websocket import serve_full_protocol
from gateway.web.routes import web_routes


def make_main_app(setup: ListenerSetup, config: Config) -> web.Application:
    hub, mcp = setup.hub, setup.mcp
    app = web.Application(middlewares=[translate_errors, auth.allow_only_own_user], client_max_size=MAX_BODY_BYTES)
    app[auth.HUB] = hub
    app[auth.HOSTS] = AllowedHosts.of(config.host, config.allow_hosts, socket.gethostname())
    app[mcp_proxy.MCP] = mcp
    app.add_routes(rest.rest_routes())
    app.add_routes(pass_to_decider(routes.csp_routes(), setup.cluster))
    app.add_routes(setup.cluster.routes(auth.mark_connection) if setup.cluster is not None else ())
    app.add_routes(mcp_proxy.mcp_routes())
    app.add_routes(web_routes())
    app.add_routes(
        [
            web.post("/v1/op", rest.operation_by_name),
            web.get("/v1/ws", serve_full_protocol),
            web.get("/v1/events", serve_event_stream),
            web.get("/stats", _serve_stats),
            web.get("/metrics", _serve_metrics),
            web.get("/openapi.json", _serve_openapi),
            web.get("/docs", _serve_docs),
        ]
    )
    return app


async def _serve_metrics(request: web.Request) -> web.Response:
    request[auth.EFFECT] = OperationKind.READS
    actor = await auth.actor_of(request, reads=True)
    page = traffic_statistics.metrics_page(request.app[auth.HUB], traffic_statistics.whose_figures(actor))
    return web.Response(body=page, headers={"Content-Type": METRICS_CONTENT_TYPE})


async def _serve_stats(request: web.Request) -> web.Response:
    """`/v1/stats` by the name that other systems use."""
    actor = await auth.actor_of(request, reads=True)
    return json_response(await dispatch.run_operation(request.app[auth.HUB], actor, Stats()))


async def _serve_openapi(request: web.Request) -> web.Response:
    auth.check_origin(request)
    return web.Response(body=openapi.encoded_document(), content_type="application/json")


async def _serve_docs(request: web.Request) -> web.Response:
    auth.check_origin(request)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return web.Response(
        text=openapi.build_page(), content_type="text/html", headers={"Content-Security-Policy": policy}
    )
