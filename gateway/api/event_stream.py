"""Server-sent events: the same events as on the WebSocket, for clients that can only read HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from aiohttp import HttpVersion11, web

from gateway.access.permissions import Actor, Permission
from gateway.api import stream_frames
from gateway.api.auth import HUB, actor_of
from gateway.api.catch_up import catch_up
from gateway.api.request_validation import MAX_DIGITS
from gateway.operations.members import hello_operation
from gateway.protocol import codec
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Replayed, TerminalWatched
from gateway.protocol.requests.connection_requests import Hello
from gateway.push.event_broadcaster import Connection, Renderer
from gateway.runtime.hub import Hub


async def serve_event_stream(request: web.Request) -> web.StreamResponse:
    """`/v1/events?since=SEQ`: sends the welcome, then the missed events, then live ones."""
    actor = await actor_of(request, reads=True)
    hub = request.app[HUB]
    since = last_event_id(request)
    echo = request.query.get("echo", "true") != "false"
    if hub.state.members[actor.name].member.hidden or not hub.state.rooms_of[actor.name]:
        await hello_operation.answer_hello(hub, actor, Hello())
    welcome = await hello_operation.build_welcome(hub, actor)
    async with open_stream(request, hub, stream_frames.encode_event_for_stream, actor) as (connection, response):
        connection.snapshots = stream_frames.encode_snapshot_for_stream
        connection.echo = echo
        connection.say(stream_frames.encode_snapshot_for_stream(codec.encode(welcome)))
        if hub.terminals.is_watched(actor.name) and not welcome.watched:  # since the welcome was built
            connection.say(stream_frames.encode_snapshot_for_stream(codec.encode(TerminalWatched(on=True))))
        start = welcome.last_seq if since is None else since
        await catch_up(
            hub,
            connection,
            start,
            lambda until: stream_frames.encode_snapshot_for_stream(codec.encode(Replayed(until))),
        )
        await wait_until_gone(connection)
    return response


@contextlib.asynccontextmanager
async def open_stream(
    request: web.Request, hub: Hub, renderer: Renderer, actor: Actor
) -> AsyncIterator[tuple[Connection, web.StreamResponse]]:
    """A connection that writes chunks of an open HTTP answer, registered with the broadcaster while it is open."""
    if request.version < HttpVersion11:
        raise BadRequest("Event streams need HTTP/1.1.")
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    response.enable_chunked_encoding()
    await response.prepare(request)
    assert request.transport is not None
    connection = Connection(actor.name, request.transport, renderer, observer=actor.may(Permission.READ_DIRECT))
    connection.token = actor.token
    connection.keepalive = stream_frames.SSE_COMMENT
    connection.farewell = stream_frames.SSE_END
    connection.listens = False
    hub.streams.enter(connection)
    try:
        yield connection, response
    finally:
        hub.streams.disconnect(connection)


async def wait_until_gone(connection: Connection) -> None:
    """Wait until the stream ends. aiohttp cancels the handler when the client goes; a stream that we
    close ends here."""
    await connection.ended.wait()


def last_event_id(request: web.Request) -> int | None:
    text = request.headers.get("Last-Event-ID") or request.query.get("since")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        raise BadRequest(f"`since` must be a sequence number, not {text[:40]!r}.")
    return int(text)
