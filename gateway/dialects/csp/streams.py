"""The push streams of the simple interface: `/ws` and `/events`."""

from __future__ import annotations

from aiohttp import WSMsgType, web

from gateway.access.permissions import Actor, Permission
from gateway.api import stream_frames
from gateway.api.auth import HUB, actor_of
from gateway.api.catch_up import catch_up
from gateway.api.event_stream import last_event_id, open_stream, wait_until_gone
from gateway.api.websocket_base import MAX_FRAME_BYTES
from gateway.dialects.csp import wire_format
from gateway.operations.members import hello_operation
from gateway.protocol.requests.connection_requests import Hello
from gateway.push.event_broadcaster import Connection
from gateway.runtime.hub import Hub


async def serve_socket_push(request: web.Request) -> web.StreamResponse:
    """Push every message that this token may see. Frames from the client are ignored, but pings are answered."""
    hub, actor = request.app[HUB], await actor_of(request, reads=True)
    await _mark_present(hub, actor)
    socket = web.WebSocketResponse(compress=False, autoping=False, max_msg_size=MAX_FRAME_BYTES)
    await socket.prepare(request)
    assert request.transport is not None
    observer = actor.may(Permission.READ_DIRECT)
    connection = Connection(
        actor.name, request.transport, hub.streams.renderer(wire_format.websocket_renderer), observer=observer
    )
    connection.keepalive = stream_frames.PING_FRAME
    connection.farewell = stream_frames.GOING_AWAY_FRAME
    connection.token = actor.token
    hub.streams.enter(connection)
    try:
        await catch_up(hub, connection, last_event_id(request))
        async for frame in socket:
            if frame.type is WSMsgType.PING:
                await socket.pong(frame.data)
            connection.mark_alive()
    finally:
        hub.streams.disconnect(connection)
    return socket


async def serve_event_stream_push(request: web.Request) -> web.StreamResponse:
    hub, actor = request.app[HUB], await actor_of(request, reads=True)
    await _mark_present(hub, actor)
    since = last_event_id(request)
    renderer = hub.streams.renderer(wire_format.stream_renderer)
    async with open_stream(request, hub, renderer, actor) as (connection, response):
        await catch_up(hub, connection, since)
        await wait_until_gone(connection)
    return response


async def _mark_present(hub: Hub, actor: Actor) -> None:
    """Mark a member that listens with its own token as present; the team token's streams stand for no member."""
    if not actor.team and (hub.state.members[actor.name].member.hidden or not hub.state.rooms_of[actor.name]):
        await hello_operation.answer_hello(hub, actor, Hello())
