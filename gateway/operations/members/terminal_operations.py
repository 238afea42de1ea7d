"""Watch an agent's terminal, and show one's own."""

from __future__ import annotations

from functools import partial

from gateway.access.permissions import Actor, Permission
from gateway.agent_control import terminal_watch_rules
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.agent_requests import ShowTerminal, UnwatchTerminal, WatchTerminal
from gateway.protocol.results import Done, Shown, Watching
from gateway.protocol.types.core_types import bare_name
from gateway.push.event_broadcaster import Connection
from gateway.runtime.hub import Hub

NO_STREAM_TEXT = "A terminal is watched over a WebSocket (/v1/ws): its pictures come as events of that connection."


async def watch_terminal(hub: Hub, actor: Actor, request: WatchTerminal, stream: Connection | None) -> Watching:
    name = terminal_watch_rules.watchable_agent(hub.state, actor, request.member)
    if stream is None:
        raise BadRequest(NO_STREAM_TEXT)
    return hub.terminals.watch(stream, name, partial(terminal_watch_rules.why_not_watch, hub.state, actor, name))


async def unwatch_terminal(hub: Hub, actor: Actor, request: UnwatchTerminal, stream: Connection | None) -> Done:
    if stream is None:
        raise BadRequest(NO_STREAM_TEXT)
    hub.terminals.unwatch(stream, bare_name(request.member))
    return Done()


async def accept_picture(hub: Hub, actor: Actor, request: ShowTerminal) -> Shown:
    actor.require(Permission.ASK)
    return hub.terminals.show(actor.name, request)
