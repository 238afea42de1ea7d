"""What is posted to the simple interface: who is speaking, what is meant, and what becomes of it."""

from __future__ import annotations

import time

import msgspec
from aiohttp import web

from gateway.access.operation_effects import Effect
from gateway.access.permissions import Action, Actor
from gateway.agent_control import agent_orders
from gateway.api.auth import HUB, actor_of
from gateway.api.errors import json_response
from gateway.api.rest import decoded
from gateway.dialects.csp import wire_format as words
from gateway.dialects.csp.turn_modes import begin, floor_of
from gateway.model.log_events import Ruling
from gateway.model.system_messages import brought, direct_notice
from gateway.operations import dispatch, hello_operation
from gateway.protocol.errors import BadRequest, Forbidden, GroupChatError
from gateway.protocol.events import Control
from gateway.protocol.modes import Working
from gateway.protocol.requests import Hello, Keys, Pause, Resume, Send
from gateway.protocol.results import Accepted, Done
from gateway.protocol.text.addressing import Said, parse_line, resolve
from gateway.protocol.types import DEFAULT_ROOM, MemberKind, member_name_of
from gateway.runtime.hub import Hub

MAX_KEPT_KEYS = 20


class Posted(msgspec.Struct):
    """The body of /agent-output and /message. Simple clients may send more; what we do not know is theirs."""

    content: str
    from_: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    id: str | None = None


async def said(request: web.Request) -> web.StreamResponse:
    hub, caller = request.app[HUB], await actor_of(request)
    posted = await decoded(Posted, request)
    actor = await _speaker(request, caller, posted.from_)
    if "orchestrator" in actor.name and not words.allowed_to_orchestrator(posted.content):
        raise BadRequest("Invalid orchestrator command")
    target = None if posted.to in (None, "", words.BROADCAST, "*", "all", "@all") else posted.to
    match words.meaning(posted.content, target):
        case words.Nothing():
            return json_response({"success": True, "messageId": None})
        case words.Working():
            done = await dispatch.perform(hub, actor, Working())
            return json_response({"success": True, "working": True, "updated": done.extended})
        case words.Order() as order:
            hub.throttle.take(Effect.CHANGES, actor.name, time.monotonic())
            ordered = await _ordered(hub, actor, order)
            return json_response({"success": True, "messageId": f"msg-{ordered.seq}"})
        case words.Status():
            return await _status(hub, actor)
        case words.SetMode(mode, topic, rounds):
            hub.throttle.take(Effect.CHANGES, actor.name, time.monotonic())
            await hub.carry_out(begin(hub.house, actor, mode, topic, None, rounds, hub.clerk()))
            return json_response({"success": True, "orchestration": words.orchestration(floor_of(hub.house))})
        case words.Text() as text:
            accepted = await _say(hub, actor, text, posted.id)
            return json_response({"success": True, "messageId": f"msg-{accepted.seq}", "seq": accepted.seq})


async def _status(hub: Hub, actor: Actor) -> web.StreamResponse:
    """As a line in the inbox and on the streams of whoever asks, since its client shows nothing of the answer."""
    floor = floor_of(hub.house)
    fact = direct_notice(DEFAULT_ROOM, actor.name, words.status(floor), hub.clerk())
    if hub.house.members[actor.name].member.inbox:
        fact = brought(fact, (actor.name,))
    await hub.carry_out(Ruling(Done(), (fact,)))
    return json_response(
        {"success": True, "messageId": f"msg-{fact.event.seq}", "orchestration": words.orchestration(floor)}
    )


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
        await hello_operation.hello(hub, actor, Hello())
    return actor


async def _ordered(hub: Hub, actor: Actor, order: words.Order) -> Done:
    clerk = hub.clerk()
    match order.action:
        case "pause":
            ruling = agent_orders.pause(hub.house, actor, Pause(member=order.to), clerk)
        case "resume":
            ruling = agent_orders.resume(hub.house, actor, Resume(member=order.to), clerk)
        case _:
            ruling = agent_orders.keys(hub.house, actor, Keys(member=order.to or "all", keys=order.keys), clerk)
            _keep_for_polling(hub, ruling, order.keys)
    done = await hub.carry_out(ruling)
    assert isinstance(done, Done)
    return done


def _keep_for_polling(hub: Hub, ruling: Ruling, keys: str) -> None:
    event = ruling.facts[0].event
    for name in event.to if isinstance(event, Control) else ():
        if hub.house.members[name].by_team:
            kept = hub.house.live[name].keys
            kept[:] = [*kept, f"!{keys}"][-MAX_KEPT_KEYS:]


async def _say(hub: Hub, actor: Actor, text: words.Text, client_id: str | None) -> Accepted:
    urgent = text.urgent and actor.may(Action.URGENT)
    content = text.content if urgent == text.urgent else text.whole
    to: tuple[str, ...] = (text.to,) if text.to else ()
    if not to:
        to, content = _addressed(hub, actor, content)
    request = Send(content=content, to=to, urgent=urgent, interrupt=urgent and text.interrupt, id=client_id)
    accepted = await dispatch.perform(hub, actor, request)
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
