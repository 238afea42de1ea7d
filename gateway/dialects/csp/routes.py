"""The simple interface: `/register`, `/agent-output`, `/inbox`, `/ws`, ... as small scripts and CSP tools use it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from aiohttp import web

from gateway.access.operation_kinds import OperationKind
from gateway.access.permissions import Actor, Permission
from gateway.api.auth import CALLER, EFFECT, HUB, actor_of
from gateway.api.error_responses import error_response, json_response, path_for_log, settled_error
from gateway.api.request_validation import decode_body
from gateway.dialects.csp import wire_format
from gateway.dialects.csp.posted_messages import serve_post
from gateway.dialects.csp.streams import serve_event_stream_push, serve_socket_push
from gateway.dialects.csp.turn_modes import begin_mode, simple_floor
from gateway.dialects.message_conversion import milliseconds
from gateway.mode_rules import mode_control
from gateway.model.rule_outcome import RuleOutcome
from gateway.operations.delivery import inbox_operations
from gateway.operations.health import gateway_health
from gateway.operations.members import hello_operation
from gateway.operations.messages import message_queries
from gateway.protocol.errors import BadRequest, Forbidden, GroupChatError, InvalidName, NotFound
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.mode_requests import NextTurn
from gateway.protocol.requests.request import Address
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import canonical_member_name
from gateway.rooms import members
from gateway.runtime.hub import Hub

MAX_VIEW_MESSAGES = 1000
EFFECT_BY_CONTENT = None  # depends on the text: a message, a command, or a mode
HEALTH_TIMEOUT_S = 1.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RegisterBody(msgspec.Struct):
    agentId: str = ""
    capabilities: Any = None


class ModeBody(msgspec.Struct):
    mode: str
    topic: str = ""
    agents: Annotated[tuple[Address, ...], msgspec.Meta(max_length=100)] | None = None
    rounds: int = 3


def csp_routes() -> list[web.RouteDef]:
    table: list[tuple[str, str, Handler, OperationKind | None]] = [
        ("GET", "/health", serve_health, OperationKind.READS),
        ("POST", "/register", serve_register, OperationKind.CHANGES),
        ("POST", "/agent-output", serve_post, EFFECT_BY_CONTENT),
        ("POST", "/message", serve_post, EFFECT_BY_CONTENT),
        ("GET", "/inbox/{id}", serve_inbox, OperationKind.TAKES),
        ("GET", "/agents", serve_agents, OperationKind.READS),
        ("DELETE", "/agent/{id}", serve_forget, OperationKind.CHANGES),
        ("GET", "/history", serve_history, OperationKind.READS),
        ("GET", "/mode", serve_get_mode, OperationKind.READS),
        ("POST", "/mode", serve_set_mode, OperationKind.CHANGES),
        ("POST", "/turn/next", serve_next_turn, OperationKind.CHANGES),
        ("GET", "/ws", serve_socket_push, OperationKind.GREETS),
        ("GET", "/events", serve_event_stream_push, OperationKind.GREETS),
    ]
    return [web.route(method, path, _with_simple_errors(handler, effect)) for method, path, handler, effect in table]


def _with_simple_errors(handler: Handler, effect: OperationKind | None) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        request[EFFECT] = effect
        try:
            response = await handler(request)
            if handler in READ_HANDLERS:
                await request.app[HUB].answers.wait_until_settled()  # the streams get it before the answer
            return response
        except web.HTTPException:
            raise
        except Exception as failure:
            where = {"method": request.method, "path": path_for_log(request)}
            error = await settled_error(request.app[HUB], failure, member=request.get(CALLER), **where)
            return error_response(error, wire_format.error_fields(error))

    return handle


def _floor_status(request: web.Request) -> Any:
    return simple_floor(request.app[HUB].state)


async def serve_health(request: web.Request) -> web.StreamResponse:
    """503 when nothing reaches the disk any more. So this answer must not wait for the disk."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEALTH_TIMEOUT_S):
            await actor_of(request, reads=True)
    seen = gateway_health.gateway_health(request.app[HUB])
    shown = {"status": seen.status, "agents": seen.agents, "uptime": seen.uptime, "queue": seen.uncommitted}
    shown |= {"commitAge": seen.commit_age, "lastError": seen.last_error}
    return json_response(shown, 200 if seen.status == "ok" else 503)


async def serve_register(request: web.Request) -> web.StreamResponse:
    hub, actor = request.app[HUB], await actor_of(request)
    asked = await decode_body(RegisterBody, request)
    try:
        name = canonical_member_name(asked.agentId)
    except GroupChatError:
        raise InvalidName("Invalid agent name") from None
    if not actor.team:
        return await _register_again(hub, actor, name)
    if name == members.TEAM_PERSON_NAME:
        return await _register_person(hub, actor)
    name = members.simple_client_name(hub.state, name, hub.now)
    known = asked.capabilities if isinstance(asked.capabilities, list) else []
    capabilities = [one for one in known if isinstance(one, str)]
    token, facts = members.register_by_team(hub.state, name, capabilities, hub.rule_context(), hub.entropy())
    await hub.carry_out(RuleOutcome(Done(), facts))
    hub.state.live[name].heard = hub.now
    return json_response({"success": True, "agentId": name, "token": token}, 201)


async def _register_person(hub: Hub, actor: Actor) -> web.StreamResponse:
    """Register the person of the team, who keeps using the team token: a new token would be a person's."""
    await hello_operation.answer_hello(hub, actor, Hello(inbox=True))
    await hub.carry_out(RuleOutcome(Done(), (members.team_joined_notice(actor.name, hub.rule_context()),)))
    return json_response({"success": True, "agentId": actor.name}, 201)


async def _register_again(hub: Hub, actor: Actor, name: str) -> web.StreamResponse:
    """A member that registers with its own token gets its own name back, whatever it asks for."""
    if name != actor.name:
        raise Forbidden(f"This token belongs to {actor.name!r}; it cannot register {name!r}.")
    await hello_operation.answer_hello(hub, actor, Hello(inbox=True))
    return json_response({"success": True, "agentId": name}, 201)


async def serve_inbox(request: web.Request) -> web.StreamResponse:
    hub, name = request.app[HUB], request.match_info["id"].lower()
    actor = await actor_of(request, speaks_as=name)
    if actor.name != name:
        raise Forbidden(f"This token belongs to {actor.name!r}; it cannot read the inbox of {name!r}.")
    record = hub.state.members[name]
    if record.member.hidden or not record.member.inbox:
        await hello_operation.answer_hello(hub, actor, Hello(inbox=True))
    page = await inbox_operations.waiting_messages(hub, actor, MAX_VIEW_MESSAGES)
    taken = await inbox_operations.hand_over_messages(hub, page, "taken from the inbox")
    floor = _floor_status(request)
    orders = hub.state.live[name].orders(name in hub.state.paused)
    said = [wire_format.control_message_fields(order, name, hub.rule_context()) for order in orders]
    return json_response(said + [wire_format.message_fields(hub.state, message, name, floor) for message in taken])


async def serve_agents(request: web.Request) -> web.StreamResponse:
    await actor_of(request, reads=True)
    hub = request.app[HUB]
    seen = [hub.state.view(one.member, hub.now) for one in hub.state.members.values() if not one.member.hidden]
    return json_response(
        [
            {
                "id": one.name,
                "name": wire_format.shown_name(hub.state, one.name),
                "lastSeen": milliseconds(one.last_seen) or int(hub.now * 1000),
                "online": one.presence == "online",
                "kind": one.kind,
                "activity": one.activity,
                "queued": one.queued,
            }
            for one in sorted(seen, key=lambda one: one.name)
        ]
    )


async def serve_forget(request: web.Request) -> web.StreamResponse:
    hub, name = request.app[HUB], request.match_info["id"].lower()
    actor = await actor_of(request)
    record = hub.state.members.get(name)
    if record is None or record.member.hidden:
        raise NotFound(f"There is no agent {name!r}.")
    if actor.name != name and not (actor.team and record.by_team):
        actor.require(Permission.ADMINISTER)
    await hub.carry_out(members.leave_chat(hub.state, name, actor.name, hub.rule_context()))
    return json_response({"success": True})


async def serve_history(request: web.Request) -> web.StreamResponse:
    hub, actor, query = request.app[HUB], await actor_of(request, reads=True), request.query
    limit = _parse_number(query.get("limit", "100"), 1, MAX_VIEW_MESSAGES)
    since = _parse_moment(query["since"]) if "since" in query else 0  # exclusive
    found = await message_queries.last_messages(hub, actor, query.get("from"), query.get("to"), MAX_VIEW_MESSAGES)
    floor = _floor_status(request)
    recent = [one for one in found if milliseconds(one.timestamp) > since]
    shown = [wire_format.message_fields(hub.state, one, None, floor) for one in recent[-limit:]]
    return json_response({"count": len(shown), "total": len(recent), "messages": shown})


def _parse_number(text: str, least: int, most: int) -> int:
    try:
        return max(least, min(most, int(text)))
    except ValueError:
        raise BadRequest(f"{text[:40]!r} is not a number.") from None


def _parse_moment(text: str) -> int:
    """Parse a moment, in milliseconds or as an ISO date, into milliseconds."""
    try:
        return int(text) if text.isdigit() else int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise BadRequest(f"{text[:40]!r} is neither a time in milliseconds nor an ISO date.") from None


async def serve_get_mode(request: web.Request) -> web.StreamResponse:
    await actor_of(request, reads=True)
    shape = wire_format.orchestration_fields(_floor_status(request))
    return json_response({**shape, "currentTurn": _floor_status(request).current, "orchestration": shape})


async def serve_set_mode(request: web.Request) -> web.StreamResponse:
    hub, actor = request.app[HUB], await actor_of(request)
    wish = await decode_body(ModeBody, request)
    await hub.carry_out(
        begin_mode(hub.state, actor, wish.mode, wish.topic, wish.agents, wish.rounds, hub.rule_context())
    )
    return json_response({"success": True, "orchestration": wire_format.orchestration_fields(_floor_status(request))})


async def serve_next_turn(request: web.Request) -> web.StreamResponse:
    hub, actor = request.app[HUB], await actor_of(request)
    await hub.carry_out(mode_control.pass_turn_on(hub.state, actor, NextTurn(), hub.rule_context()))
    floor = _floor_status(request)
    if floor.current is None:
        return json_response({"success": True, "complete": True})
    return json_response({"success": True, "currentTurn": floor.current, "round": wire_format.finished_rounds(floor)})


READ_HANDLERS = (
    serve_agents,
    serve_history,
    serve_get_mode,
)  # all other answers are committed already; health waits for nothing
