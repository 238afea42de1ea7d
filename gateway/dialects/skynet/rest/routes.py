"""The REST routes of Skynet Linker's server. Each also works behind `/t/TOKEN`, for clients that take only an
address."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from gateway.access.permissions import Actor
from gateway.api import auth
from gateway.api.auth import HUB
from gateway.api.error_responses import json_response
from gateway.dialects.skynet import name_mapping
from gateway.dialects.skynet.rest import context_routes, message_routes, session_routes, views
from gateway.dialects.skynet.rest.answers import Handler, require_reader
from gateway.dialects.skynet.rest.api_page import DocumentedRoute, build_api_page
from gateway.dialects.skynet.shared_state import SERVICE
from gateway.operations.health import gateway_health, traffic_statistics
from gateway.runtime.hub import Hub
from gateway.statistics.prometheus_page import METRICS_CONTENT_TYPE, Shows

HEALTH_TIMEOUT_S = 1.0


def skynet_routes() -> list[web.RouteDef]:
    return [
        web.route(route.method, prefix + route.path, handler)
        for route, handler in ROUTES
        for prefix in ("", "/t/{secret}")
    ]


async def describe_health(request: web.Request) -> web.StreamResponse:
    """This answer must not wait for the disk: it says whether the disk is stuck."""
    await _require_reader_at_once(request)
    service = request.app[SERVICE]
    seen = gateway_health.gateway_health(service.hub)
    shown = views.agents_shown(service.hub.state, service.agents, service.hub.now)
    rooms = views.public_rooms(service.hub.state)
    fields = views.health_fields(seen.uptime, store_ok=seen.status == "ok", agents=len(shown), channels=len(rooms))
    return json_response(fields)


async def _require_reader_at_once(request: web.Request) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEALTH_TIMEOUT_S):
            await require_reader(request, settled=False)


async def describe_info(request: web.Request) -> web.StreamResponse:
    await _require_reader_at_once(request)
    return json_response(views.info_fields(gateway_health.gateway_health(request.app[HUB]).uptime))


async def describe_stats(request: web.Request) -> web.StreamResponse:
    caller = await require_reader(request)
    service = request.app[SERVICE]
    state, agents = service.hub.state, service.agents
    shown = views.agents_shown(state, agents, service.hub.now)
    fields = [views.agent_fields(state, agents, one) for one in shown]
    channels = views.channel_fields(state, agents, shown, views.public_rooms(state))
    server = {"uptime_seconds": gateway_health.gateway_health(service.hub).uptime, "connected_agents": len(shown)}
    storage = views.storage_fields(state, len(shown))
    routing = views.routing_fields(fields, channels)
    traffic = traffic_statistics.gateway_statistics(service.hub, _shown_figures(service.hub, caller))
    return json_response({"server": server, "routing": routing, "storage": storage, "traffic": traffic})


async def send_metrics(request: web.Request) -> web.StreamResponse:
    caller, hub = await require_reader(request), request.app[HUB]
    page = traffic_statistics.metrics_page(hub, _shown_figures(hub, caller))
    return web.Response(body=page, headers={"Content-Type": METRICS_CONTENT_TYPE})


def _shown_figures(hub: Hub, caller: Actor | None) -> Shows:
    """Without a token there are the totals, and the figures of the agents that have none either."""
    if caller is not None:
        return traffic_statistics.whose_figures(caller)
    members = hub.state.members.items()
    return Shows(only=frozenset(name for name, record in members if name_mapping.is_skynet_guest(record)))


async def describe_agents(request: web.Request) -> web.StreamResponse:
    """The agents that are connected; with `?away=true`, which is ours, also those that are not at the moment."""
    await require_reader(request)
    service = request.app[SERVICE]
    state, agents, now = service.hub.state, service.agents, service.hub.now
    fields = [views.agent_fields(state, agents, one) for one in views.agents_shown(state, agents, now)]
    if request.query.get("away") == "true":
        fields += [views.away_fields(state, agents, one, now) for one in views.agents_away(state, agents, now)]
    return json_response({"total": len(fields), "agents": fields})


async def describe_agent(request: web.Request) -> web.StreamResponse:
    await require_reader(request)
    service, agent_id = request.app[SERVICE], request.match_info["agent_id"]
    name = name_mapping.member_with_agent_id(service.hub.state, agent_id)
    shown = views.agents_shown(service.hub.state, service.agents, service.hub.now)
    member = next((one for one in shown if one.name == name), None)
    if member is None:
        raise name_mapping.unknown_id_error(agent_id)
    return json_response(views.agent_fields(service.hub.state, service.agents, member))


async def describe_channels(request: web.Request) -> web.StreamResponse:
    """The open channels, and the closed ones that the caller is in."""
    caller: Actor | None = await require_reader(request)
    service = request.app[SERVICE]
    state = service.hub.state
    shown = views.agents_shown(state, service.agents, service.hub.now)
    own = sorted(state.rooms_of[caller.name]) if caller else []
    rooms = list(dict.fromkeys((*views.public_rooms(state), *own)))
    channels = views.channel_fields(state, service.agents, shown, rooms)
    return json_response({"total": len(channels), "channels": channels})


async def send_api_page(request: web.Request) -> web.StreamResponse:
    auth.check_origin(request)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    page = build_api_page(route for route, _ in ROUTES)
    return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": policy})


ROUTES: tuple[tuple[DocumentedRoute, Handler], ...] = (
    (DocumentedRoute("GET", "/health", "Whether the gateway works."), describe_health),
    (DocumentedRoute("GET", "/info", "Versions and features."), describe_info),
    (DocumentedRoute("GET", "/stats", "Counts of agents, channels and messages."), describe_stats),
    (DocumentedRoute("GET", "/metrics", "The same figures for Prometheus."), send_metrics),
    (DocumentedRoute("GET", "/agents", "The agents and members that are connected."), describe_agents),
    (DocumentedRoute("GET", "/agents/{agent_id}", "One of them."), describe_agent),
    (DocumentedRoute("GET", "/channels", "The channels and who hears them."), describe_channels),
    (
        DocumentedRoute(
            "POST",
            "/messages/send",
            "Send a message: {from_agent, content, to_agent?, type, channel, context, meta}.",
        ),
        message_routes.serve_send,
    ),
    (
        DocumentedRoute("GET", "/history/{agent_id}", "The newest messages of an agent; limit=50."),
        message_routes.show_message_history,
    ),
    (DocumentedRoute("GET", "/context/{agent_id}", "The context of an agent."), context_routes.send_context),
    (
        DocumentedRoute("POST", "/context", "Merge into a context: {agent_id, context}; null removes a field."),
        context_routes.merge_posted_context,
    ),
    (
        DocumentedRoute("POST", "/sessions", "Open a session: {participants, session_id?, goal?, metadata}."),
        session_routes.open_posted_session,
    ),
    (DocumentedRoute("GET", "/sessions/{session_id}", "One session."), session_routes.send_session),
    (DocumentedRoute("GET", "/docs", "This page."), send_api_page),
)
