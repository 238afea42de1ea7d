"""The simple interface: `/register`, `/agent-output`, `/inbox`, `/ws`, ... as small scripts and CSP tools use it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from aiohttp import web

from gateway.access.operation_effects import Effect
from gateway.access.permissions import Action, Actor
from gateway.api.auth import EFFECT, HUB, actor_of
from gateway.api.errors import error_response, json_response, path_for_log, settled_error
from gateway.api.rest import decoded
from gateway.dialects.common_text import milliseconds
from gateway.dialects.csp import wire_format as words
from gateway.dialects.csp.posting import said
from gateway.dialects.csp.streams import simple_socket, simple_stream
from gateway.dialects.csp.turn_modes import begin, floor_of
from gateway.mode_rules import rules
from gateway.model.log_events import Ruling
from gateway.operations import hello_operation, inbox_operations, message_queries, status
from gateway.protocol.errors import BadRequest, Forbidden, GroupChatError, InvalidName, NotFound
from gateway.protocol.modes import NextTurn
from gateway.protocol.requests import Address, Hello
from gateway.protocol.results import Done
from gateway.protocol.types import member_name_of
from gateway.rooms import members
from gateway.runtime.hub import Hub

VIEW_LIMIT = 1000
COUNTED_BY_MEANING = None  # a message, an order, a mode
HEALTH_PATIENCE_S = 1.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Registering(msgspec.Struct):
    agentId: str = ""
    capabilities: Any = None


class ModeWish(msgspec.Struct):
    mode: str
    topic: str = ""
    agents: Annotated[tuple[Address, ...], msgspec.Meta(max_length=100)] | None = None
    rounds: int = 3


def routes() -> list[web.RouteDef]:
    table: list[tuple[str, str, Handler, Effect | None]] = [
        ("GET", "/health", health, Effect.READS),
        ("POST", "/register", register, Effect.CHANGES),
        ("POST", "/agent-output", said, COUNTED_BY_MEANING),
        ("POST", "/message", said, COUNTED_BY_MEANING),
        ("GET", "/inbox/{id}", inbox, Effect.TAKES),
        ("GET", "/agents", agents, Effect.READS),
        ("DELETE", "/agent/{id}", forget, Effect.CHANGES),
        ("GET", "/history", history, Effect.READS),
        ("GET", "/mode", get_mode, Effect.READS),
        ("POST", "/mode", set_mode, Effect.CHANGES),
        ("POST", "/turn/next", next_turn, Effect.CHANGES),
        ("GET", "/ws", simple_socket, Effect.GREETS),
        ("GET", "/events", simple_stream, Effect.GREETS),
    ]
    return [web.route(method, path, _plain_errors(handler, effect)) for method, path, handler, effect in table]


def _plain_errors(handler: Handler, effect: Effect | None) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        request[EFFECT] = effect
        try:
            response = await handler(request)
            if handler in READS:
                await request.app[HUB].answers.settled()  # the streams have it before the answer
            return response
        except web.HTTPException:
            raise
        except Exception as failure:
            where = {"method": request.method, "path": path_for_log(request)}
            error = await settled_error(request.app[HUB], failure, **where)
            return error_response(error, words.simple_error(error))

    return handle


def _floor(request: web.Request) -> Any:
    return floor_of(request.app[HUB].house)


async def health(request: web.Request) -> web.StreamResponse:
    """503 when nothing reaches the disk any more: then this must not wait for it either."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEALTH_PATIENCE_S):
            await actor_of(request, reads=True)
    seen = status.health(request.app[HUB])
    shown = {"status": seen.status, "agents": seen.agents, "uptime": seen.uptime, "queue": seen.uncommitted}
    shown |= {"commitAge": seen.commit_age, "lastError": seen.last_error}
    return json_response(shown, 200 if seen.status == "ok" else 503)


async def register(request: web.Request) -> web.StreamResponse:
    hub, actor = request.app[HUB], await actor_of(request)
    asked = await decoded(Registering, request)
    try:
        name = member_name_of(asked.agentId)
    except GroupChatError:
        raise InvalidName("Invalid agent name") from None
    if not actor.team:
        return await _registered_again(hub, actor, name)
    if name == members.TEAM_MEMBER:
        return await _registered_person(hub, actor)
    name = members.team_name_for(hub.house, name, hub.now)
    known = asked.capabilities if isinstance(asked.capabilities, list) else []
    capabilities = [one for one in known if isinstance(one, str)]
    token, facts = members.register_by_team(hub.house, name, capabilities, hub.clerk(), hub.entropy())
    await hub.carry_out(Ruling(Done(), facts))
    hub.house.live[name].heard = hub.now
    return json_response({"success": True, "agentId": name, "token": token}, 201)


async def _registered_person(hub: Hub, actor: Actor) -> web.StreamResponse:
    """The person of the team goes on speaking with the team token; a token of its own would be a person's."""
    await hello_operation.hello(hub, actor, Hello(inbox=True))
    await hub.carry_out(Ruling(Done(), (members.joined_the_team(actor.name, hub.clerk()),)))
    return json_response({"success": True, "agentId": actor.name}, 201)


async def _registered_again(hub: Hub, actor: Actor, name: str) -> web.StreamResponse:
    """A member that comes with its own token gets its own name back, whatever became of it."""
    if name != actor.name:
        raise Forbidden(f"This token belongs to {actor.name!r}; it cannot register {name!r}.")
    await hello_operation.hello(hub, actor, Hello(inbox=True))
    return json_response({"success": True, "agentId": name}, 201)


async def inbox(request: web.Request) -> web.StreamResponse:
    hub, name = request.app[HUB], request.match_info["id"].lower()
    actor = await actor_of(request, speaks_as=name)
    if actor.name != name:
        raise Forbidden(f"This token belongs to {actor.name!r}; it cannot read the inbox of {name!r}.")
    record = hub.house.members[name]
    if record.member.hidden or not record.member.inbox:
        await hello_operation.hello(hub, actor, Hello(inbox=True))
    page = await inbox_operations.waiting_messages(hub, actor, VIEW_LIMIT)
    taken = await inbox_operations.hand_over(hub, page, "taken from the inbox")
    floor = _floor(request)
    orders = hub.house.live[name].orders(name in hub.house.paused)
    said = [words.ordered(order, name, hub.clerk()) for order in orders]
    return json_response(said + [words.listed(hub.house, message, name, floor) for message in taken])


async def agents(request: web.Request) -> web.StreamResponse:
    await actor_of(request, reads=True)
    hub = request.app[HUB]
    seen = [hub.house.view(one.member, hub.now) for one in hub.house.members.values() if not one.member.hidden]
    return json_response(
        [
            {
                "id": one.name,
                "name": words.shown_name(hub.house, one.name),
                "lastSeen": milliseconds(one.last_seen) or int(hub.now * 1000),
                "online": one.presence == "online",
                "kind": one.kind,
                "activity": one.activity,
                "queued": one.queued,
            }
            for one in sorted(seen, key=lambda one: one.name)
        ]
    )


async def forget(request: web.Request) -> web.StreamResponse:
    hub, name = request.app[HUB], request.match_info["id"].lower()
    actor = await actor_of(request)
    record = hub.house.members.get(name)
    if record is None or record.member.hidden:
        raise NotFound(f"There is no agent {name!r}.")
    if actor.name != name and not (actor.team and record.by_team):
        actor.need(Action.ADMINISTER)
    await hub.carry_out(members.leave_house(hub.house, name, actor.name, hub.clerk()))
    return json_response({"success": True})


async def history(request: web.Request) -> web.StreamResponse:
    hub, actor, query = request.app[HUB], await actor_of(request, reads=True), request.query
    limit = _number(query.get("limit", "100"), 1, VIEW_LIMIT)
    since = _moment(query["since"]) if "since" in query else 0  # exclusive
    found = await message_queries.last_messages(hub, actor, query.get("from"), query.get("to"), VIEW_LIMIT)
    floor = _floor(request)
    recent = [one for one in found if milliseconds(one.timestamp) > since]
    shown = [words.listed(hub.house, one, None, floor) for one in recent[-limit:]]
    return json_response({"count": len(shown), "total": len(recent), "messages": shown})


def _number(text: str, least: int, most: int) -> int:
    try:
        return max(least, min(most, int(text)))
    except ValueError:
        raise BadRequest(f"{text[:40]!r} is not a number.") from None


def _moment(text: str) -> int:
    """Milliseconds, from milliseconds or from an ISO date."""
    try:
        return int(text) if text.isdigit() else int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise BadRequest(f"{text[:40]!r} is neither a time in milliseconds nor an ISO date.") from None


async def get_mode(request: web.Request) -> web.StreamResponse:
    await actor_of(request, reads=True)
    shape = words.orchestration(_floor(request))
    return json_response({**shape, "currentTurn": _floor(request).current, "orchestration": shape})


async def set_mode(request: web.Request) -> web.StreamResponse:
    hub, actor = request.app[HUB], await actor_of(request)
    wish = await decoded(ModeWish, request)
    await hub.carry_out(begin(hub.house, actor, wish.mode, wish.topic, wish.agents, wish.rounds, hub.clerk()))
    return json_response({"success": True, "orchestration": words.orchestration(_floor(request))})


async def next_turn(request: web.Request) -> web.StreamResponse:
    hub, actor = request.app[HUB], await actor_of(request)
    await hub.carry_out(rules.next_turn(hub.house, actor, NextTurn(), hub.clerk()))
    floor = _floor(request)
    if floor.current is None:
        return json_response({"success": True, "complete": True})
    return json_response({"success": True, "currentTurn": floor.current, "round": words.rounds_done(floor)})


READS = (agents, history, get_mode)  # what else is answered has been committed by itself; health waits for nothing
