"""Server-sent events: the same events as on the socket, for whoever can only read HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from aiohttp import HttpVersion11, web

from gateway.access.permissions import Action, Actor
from gateway.api import frames
from gateway.api.auth import HUB, actor_of
from gateway.api.replay import catch_up
from gateway.api.rest import MAX_DIGITS
from gateway.operations import hello_operation
from gateway.protocol import codec
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Replayed
from gateway.protocol.requests import Hello
from gateway.push.broadcaster import Connection, Renderer
from gateway.runtime.hub import Hub


async def full_stream(request: web.Request) -> web.StreamResponse:
    """`/v1/events?since=SEQ`: the welcome, what was missed, then live."""
    actor = await actor_of(request, reads=True)
    hub = request.app[HUB]
    since = last_event_id(request)
    echo = request.query.get("echo", "true") != "false"
    if hub.house.members[actor.name].member.hidden or not hub.house.rooms_of[actor.name]:
        await hello_operation.hello(hub, actor, Hello())
    welcome = await hello_operation.welcome(hub, actor)
    async with streaming(request, hub, frames.event_on_stream, actor) as (connection, response):
        connection.snapshots = frames.snapshot_on_stream
        connection.echo = echo
        connection.say(frames.snapshot_on_stream(codec.encode(welcome)))
        start = welcome.last_seq if since is None else since
        await catch_up(hub, connection, start, lambda until: frames.snapshot_on_stream(codec.encode(Replayed(until))))
        await until_gone(connection)
    return response


@contextlib.asynccontextmanager
async def streaming(
    request: web.Request, hub: Hub, renderer: Renderer, actor: Actor
) -> AsyncIterator[tuple[Connection, web.StreamResponse]]:
    """A connection that writes chunks of an open HTTP answer, entered in the switchboard while it lasts."""
    if request.version < HttpVersion11:
        raise BadRequest("Event streams need HTTP/1.1.")
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    response.enable_chunked_encoding()
    await response.prepare(request)
    assert request.transport is not None
    connection = Connection(actor.name, request.transport, renderer, observer=actor.may(Action.READ_DIRECT))
    connection.token = actor.token
    connection.keepalive = frames.SSE_COMMENT
    connection.farewell = frames.SSE_END
    connection.listens = False
    hub.streams.enter(connection)
    try:
        yield connection, response
    finally:
        hub.streams.depart(connection)


async def until_gone(connection: Connection) -> None:
    """The handler is cancelled when the client goes; a stream that was given up by us ends here."""
    await connection.ended.wait()


def last_event_id(request: web.Request) -> int | None:
    text = request.headers.get("Last-Event-ID") or request.query.get("since")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        raise BadRequest(f"`since` must be a sequence number, not {text[:40]!r}.")
    return int(text)
