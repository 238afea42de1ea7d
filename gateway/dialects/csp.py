"""The simple interface: `/register`, `/agent-output`, `/inbox`, `/ws`, ... as small scripts and CSP tools use it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec
import structlog
from aiohttp import WSMsgType, web

from gateway import control, members, operations, queries
from gateway.api import frames
from gateway.api.auth import HUB, actor_of, token_of
from gateway.api.errors import json_response
from gateway.api.event_stream import last_event_id, streaming, until_gone
from gateway.api.replay import catch_up
from gateway.api.rest import body_of
from gateway.api.websocket import MAX_FRAME
from gateway.dialects import csp_words as words
from gateway.dialects.turns import Turns
from gateway.house import Ruling
from gateway.hub import Hub
from gateway.protocol import codec
from gateway.protocol.addressing import Said, parse_line, resolve
from gateway.protocol.errors import BadRequest, Forbidden, GroupChatError, InvalidName, NotFound, Unavailable
from gateway.protocol.nouns import DEFAULT_ROOM, MemberKind, member_name_of
from gateway.protocol.requests import Hello, Keys, Pause, Resume, Send
from gateway.protocol.results import Accepted, Done
from gateway.rights import Action, Actor
from gateway.switchboard import Connection

log = structlog.get_logger("gateway.csp")

TURNS: web.AppKey[Turns] = web.AppKey("turns", Turns)
VIEW_LIMIT = 1000

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Posted(msgspec.Struct):
    """The body of /agent-output and /message. Simple clients may send more; what we do not know is theirs."""

    content: str
    from_: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    id: str | None = None


class Registering(msgspec.Struct):
    agentId: str = ""
    capabilities: Any = None


class ModeWish(msgspec.Struct):
    mode: str
    topic: str = ""
    agents: tuple[str, ...] | None = None
    rounds: int = 3


def routes() -> list[web.RouteDef]:
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/health", health),
        ("POST", "/register", register),
        ("POST", "/agent-output", said),
        ("POST", "/message", said),
        ("GET", "/inbox/{id}", inbox),
        ("GET", "/agents", agents),
        ("DELETE", "/agent/{id}", forget),
        ("GET", "/history", history),
        ("GET", "/mode", get_mode),
        ("POST", "/mode", set_mode),
        ("POST", "/turn/next", next_turn),
        ("GET", "/ws", simple_socket),
        ("GET", "/events", simple_stream),
    ]
    return [web.route(method, path, _plain_errors(handler)) for method, path, handler in table]


def _plain_errors(handler: Handler) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except GroupChatError as error:
            request.app[HUB].metrics.refused.labels(error.code).inc()
            body = words.simple_error(error)
            if error.status == 401:
                body["error"] = "Invalid authentication token"
            response = json_response(body, error.status)
            if error.retry_after is not None:
                response.headers["Retry-After"] = str(max(1, round(error.retry_after)))
            return response
        except web.HTTPException:
            raise
        except Exception:
            log.exception("! request failed", method=request.method, path=request.path)
            return json_response(words.simple_error(Unavailable("Something broke inside the gateway.")), 503)

    return handle


async def _decoded(kind: type[Any], request: web.Request) -> Any:
    return codec.decode(kind, await body_of(request))


def _floor(request: web.Request) -> Any:
    return request.app[HUB].house.floor(DEFAULT_ROOM)


async def health(request: web.Request) -> web.StreamResponse:
    await actor_of(request)
    seen = queries.health(request.app[HUB])
    return json_response({"status": seen.status, "agents": seen.agents, "uptime": seen.uptime})


async def register(request: web.Request) -> web.StreamResponse:
    hub, actor = request.app[HUB], await actor_of(request)
    asked = await _decoded(Registering, request)
    try:
        name = member_name_of(asked.agentId)
    except GroupChatError:
        raise InvalidName("Invalid agent name") from None
    if not actor.team:
        return await _registered_again(hub, actor, name)
    name = members.team_name_for(hub.house, name, hub.now)
    known = asked.capabilities if isinstance(asked.capabilities, list) else []
    capabilities = [one for one in known if isinstance(one, str)]
    token, facts = members.register_by_team(hub.house, name, capabilities, hub.clerk(), hub.entropy())
    await hub.carry_out(Ruling(Done(), facts))
    hub.house.live[name].heard = hub.now
    return json_response({"success": True, "agentId": name, "token": token}, 201)


async def _registered_again(hub: Hub, actor: Actor, name: str) -> web.StreamResponse:
    """A member that comes with its own token gets its own name back, whatever became of it."""
    if name != actor.name:
        raise Forbidden(f"This token belongs to {actor.name!r}; it cannot register {name!r}.")
    await queries.hello(hub, actor, Hello(inbox=True))
    return json_response({"success": True, "agentId": name}, 201)


async def said(request: web.Request) -> web.StreamResponse:
    hub, caller = request.app[HUB], await actor_of(request)
    posted = await _decoded(Posted, request)
    actor = await _speaker(request, caller, posted.from_)
    if "orchestrator" in actor.name and not words.allowed_to_orchestrator(posted.content):
        raise BadRequest("Invalid orchestrator command")
    target = None if posted.to in (None, "", words.BROADCAST, "*", "all", "@all") else posted.to
    match words.meaning(posted.content, target):
        case words.Nothing():
            return json_response({"success": True, "messageId": None})
        case words.Working():
            updated = await request.app[TURNS].extend(actor.name)
            return json_response({"success": True, "working": True, "updated": updated})
        case words.Order() as order:
            done = await _ordered(hub, actor, order)
            return json_response({"success": True, "messageId": f"msg-{done.seq}"})
        case words.SetMode(mode, topic, rounds):
            floor = await request.app[TURNS].begin(mode, topic, None, rounds)
            return json_response({"success": True, "orchestration": words.orchestration(floor)})
        case words.Text() as text:
            accepted = await _say(hub, actor, text, posted.id)
            request.app[TURNS].spoken(actor.name)
            return json_response({"success": True, "messageId": f"msg-{accepted.seq}", "seq": accepted.seq})


async def _speaker(request: web.Request, actor: Actor, claimed: str | None) -> Actor:
    """Who is speaking: with a token of its own the member itself, whatever the body says, and never another."""
    name = None if claimed is None else claimed.strip().lower()
    if actor.team:
        if name is None:
            raise BadRequest("`from` is missing: say who is speaking.")
        actor = await actor_of(request, speaks_as=member_name_of(name))
    elif name not in (None, actor.name):
        raise Forbidden(f"This token belongs to {actor.name!r}; it cannot speak as {claimed!r}.")
    hub = request.app[HUB]
    hub.house.live[actor.name].heard = hub.now
    if hub.house.members[actor.name].member.hidden:
        await queries.hello(hub, actor, Hello())
    return actor


async def _ordered(hub: Hub, actor: Actor, order: words.Order) -> Done:
    clerk = hub.clerk()
    match order.action:
        case "pause":
            ruling = control.pause(hub.house, actor, Pause(member=order.to), clerk)
        case "resume":
            ruling = control.resume(hub.house, actor, Resume(member=order.to), clerk)
        case _:
            ruling = control.keys(hub.house, actor, Keys(member=order.to or "all", keys=order.keys), clerk)
    done = await hub.carry_out(ruling)
    assert isinstance(done, Done)
    return done


async def _say(hub: Hub, actor: Actor, text: words.Text, client_id: str | None) -> Accepted:
    urgent = text.urgent and actor.may(Action.URGENT)
    content = text.content if urgent == text.urgent else "!" + text.content
    to: tuple[str, ...] = (text.to,) if text.to else ()
    if not to:
        to, content = _addressed(hub, actor, content)
    request = Send(content=content, to=to, urgent=urgent, id=client_id)
    accepted = await operations.perform(hub, actor, request)
    assert isinstance(accepted, Accepted)
    return accepted


def _addressed(hub: Hub, actor: Actor, content: str) -> tuple[tuple[str, ...], str]:
    """A leading `@name` addresses. For a person a name that does not resolve is an error, for a program it is text."""
    if not content.startswith("@"):
        return (), content
    try:
        line = parse_line(content)
        assert isinstance(line, Said)
        resolve(line.to, hub.house.directory(), actor.name)
    except GroupChatError:
        if actor.kind is MemberKind.HUMAN:
            raise
        return (), content
    return (tuple(str(one) for one in line.to), line.text) if line.text.strip() else ((), content)


async def inbox(request: web.Request) -> web.StreamResponse:
    hub, name = request.app[HUB], request.match_info["id"].lower()
    actor = await actor_of(request, speaks_as=name)
    if actor.name != name:
        raise Forbidden(f"This token belongs to {actor.name!r}; it cannot read the inbox of {name!r}.")
    record = hub.house.members[name]
    if record.member.hidden or not record.member.inbox:
        await queries.hello(hub, actor, Hello(inbox=True))
    page = await queries.waiting_messages(hub, actor, VIEW_LIMIT)
    taken = await queries.hand_over(hub, page, "taken from the inbox")
    floor = _floor(request)
    return json_response([words.listed(hub.house, message, name, floor) for message in taken])


async def agents(request: web.Request) -> web.StreamResponse:
    await actor_of(request)
    hub = request.app[HUB]
    seen = [hub.house.view(one.member, hub.now) for one in hub.house.members.values() if not one.member.hidden]
    return json_response(
        [
            {
                "id": one.name,
                "name": words.shown_name(hub.house, one.name),
                "lastSeen": words.milliseconds(one.last_seen) or int(hub.now * 1000),
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
    hub, actor, query = request.app[HUB], await actor_of(request), request.query
    limit = _number(query.get("limit", "100"), 1, VIEW_LIMIT)
    since = _moment(query["since"]) if "since" in query else 0
    found = await queries.last_messages(hub, actor, query.get("from"), query.get("to"), VIEW_LIMIT)
    floor = _floor(request)
    recent = [one for one in found if words.milliseconds(one.timestamp) >= since]
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
    await actor_of(request)
    shape = words.orchestration(_floor(request))
    return json_response({**shape, "currentTurn": _floor(request).current, "orchestration": shape})


async def set_mode(request: web.Request) -> web.StreamResponse:
    actor = await actor_of(request)
    actor.need(Action.PAUSE)
    wish = await _decoded(ModeWish, request)
    floor = await request.app[TURNS].begin(wish.mode, wish.topic, wish.agents, wish.rounds)
    return json_response({"success": True, "orchestration": words.orchestration(floor)})


async def next_turn(request: web.Request) -> web.StreamResponse:
    actor = await actor_of(request)
    actor.need(Action.PAUSE)
    floor = await request.app[TURNS].advance()
    if floor.current is None:
        return json_response({"success": True, "complete": True})
    return json_response({"success": True, "currentTurn": floor.current, "round": floor.round})


async def simple_socket(request: web.Request) -> web.StreamResponse:
    """Push only: every message this token may see. What the client sends is not read, but pings are answered."""
    hub, actor = request.app[HUB], await actor_of(request)
    await _present(hub, actor)
    socket = web.WebSocketResponse(compress=False, autoping=False, max_msg_size=MAX_FRAME)
    await socket.prepare(request)
    assert request.transport is not None
    observer = actor.may(Action.READ_DIRECT)
    connection = Connection(actor.name, request.transport, hub.renderer(words.on_websocket), observer=observer)
    connection.keepalive = frames.PING
    hub.enter(connection)
    try:
        await catch_up(hub, connection, last_event_id(request))
        async for frame in socket:
            if frame.type is WSMsgType.PING:
                await socket.pong(frame.data)
            connection.hear()
    finally:
        hub.depart(connection)
    return socket


async def simple_stream(request: web.Request) -> web.StreamResponse:
    hub, actor = request.app[HUB], await actor_of(request)
    await _present(hub, actor)
    since = last_event_id(request)
    observer = actor.may(Action.READ_DIRECT)
    renderer = hub.renderer(words.on_stream)
    async with streaming(request, hub, renderer, actor.name, observer=observer) as (connection, response):
        await catch_up(hub, connection, since)
        await until_gone(connection)
    return response


async def _present(hub: Hub, actor: Actor) -> None:
    """A member that listens with a token of its own is here; the team's sockets stand for nobody in particular."""
    if not actor.team and (hub.house.members[actor.name].member.hidden or not hub.house.rooms_of[actor.name]):
        await queries.hello(hub, actor, Hello())


__all__ = ["TURNS", "routes", "token_of"]
