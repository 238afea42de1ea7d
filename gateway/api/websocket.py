"""`/v1/ws`: the full protocol. Each request carries a number and gets an answer; each event carries its seq."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import structlog
from aiohttp import web

from gateway.access.permissions import Actor, Permission
from gateway.api import stream_frames
from gateway.api.auth import HUB, actor_of
from gateway.api.catch_up import catch_up
from gateway.api.error_responses import error_to_tell
from gateway.api.websocket_base import serve_socket
from gateway.operations import dispatch
from gateway.operations.access import share_link_operations
from gateway.operations.members import hello_operation
from gateway.process_basics.tasks import spawn
from gateway.protocol import codec
from gateway.protocol.errors import BadRequest, GroupChatError, Unauthorized
from gateway.protocol.events import Replayed, Welcome
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Answer
from gateway.push.event_broadcaster import Connection
from gateway.rooms import member_tokens
from gateway.runtime.hub import Hub

log = structlog.get_logger("gateway.api.websocket")

MAX_UNANSWERED_REQUESTS = 1000
HELLO_TIMEOUT_S = 15.0


async def serve_websocket(request: web.Request) -> web.StreamResponse:
    hub, actor = request.app[HUB], await actor_of(request, reads=True)
    return await serve_socket(request, lambda transport: WebSocketConnection(hub, actor, transport))


class WebSocketConnection:
    """One client of the full protocol."""

    def __init__(self, hub: Hub, actor: Actor, transport: asyncio.Transport) -> None:
        self._hub = hub
        self._actor = actor
        self._transport = transport
        hub.streams.strangers.add(transport)
        self._connection: Connection | None = None
        self._replay: asyncio.Task[None] | None = None
        self._unanswered = 0
        self._fewer = asyncio.Event()
        self._alarm = asyncio.get_running_loop().call_later(HELLO_TIMEOUT_S, transport.close)

    async def receive(self, data: str | bytes) -> None:
        try:
            request = await self._hub.aside.run(self._actor.name, len(data), partial(codec.decode_request, data))
        except GroupChatError as error:
            self._refuse(codec.request_number_in(data), error)
            return
        try:
            await self._begin(request)
        except Exception as failure:
            self._refuse(request.n, failure, op=type(request).__name__)
            if self._connection is None and isinstance(failure, Unauthorized):
                self._end_refused()

    async def _begin(self, request: Request) -> None:
        """Start a request. Sends are committed in the background, in order; reads are answered before the next request
        starts."""
        if isinstance(request, Hello):
            await self._hello(request)
            return
        if self._connection is None:
            raise BadRequest('Send hello first: {"op":"hello","n":1}.')
        await self._wait_for_capacity()
        begun = dispatch.start_operation(self._hub, self._actor, request, self._connection)
        if isinstance(begun, asyncio.Future):
            self._answer_in_turn(request.n, begun)
            return
        answer = await dispatch.wait_and_answer_in_turn(self._hub, self._actor, request, begun)
        self._answer_in_turn(request.n, answer)
        await asyncio.wait((answer,))

    async def _wait_for_capacity(self) -> None:
        """Stop reading while too many requests wait for the disk, or while the replay runs and too many answers wait
        for its end. The client then feels backpressure on its socket."""
        assert self._connection is not None
        await self._connection.wait_for_answer_space()
        if self._unanswered >= MAX_UNANSWERED_REQUESTS:
            self._fewer.clear()
            await self._fewer.wait()

    def _answer_in_turn(self, number: int, done: asyncio.Future[Any]) -> None:
        self._unanswered += 1
        self._hub.answers.write_at_its_turn(done, lambda: self._answer(number, done))

    def _answer(self, number: int, done: asyncio.Future[Any]) -> None:
        self._unanswered -= 1
        self._fewer.set()
        error = done.exception()
        if error is None:
            self._say(codec.encode_answer(number, done.result()))
        else:
            self._refuse(number, error)

    async def _hello(self, request: Hello) -> None:
        if self._connection is not None:
            raise BadRequest("This connection has sent hello already.")
        member_tokens.check_token_holds(self._hub.state, self._actor, self._hub.now)
        connection = Connection(
            self._actor.name,
            self._transport,
            stream_frames.encode_event_for_websocket,
            snapshots=stream_frames.encode_websocket_text,
            ping=stream_frames.encode_ping,
            observer=self._actor.may(Permission.READ_DIRECT),
            echo=request.echo,
        )
        connection.keepalive = stream_frames.PING_FRAME
        connection.farewell = stream_frames.GOING_AWAY_FRAME
        connection.token = self._actor.token
        welcome = await self._welcome(request)
        if self._actor.link is not None:
            connection.snapshots = None
            connection.shows = (
                await share_link_operations.view_of_link(self._hub, self._actor, self._actor.link)
            ).shows
        self._connection = connection
        self._alarm.cancel()
        self._hub.streams.strangers.discard(self._transport)
        self._hub.streams.enter(connection)
        self._say(codec.encode(Answer(request.n, codec.encode_raw(welcome))))
        connection.hold_answers()
        start = self._start(request, welcome)
        self._replay = spawn(self._catch_up(connection, start), "replay")

    async def _welcome(self, request: Hello) -> Welcome:
        try:
            return await hello_operation.answer_hello(self._hub, self._actor, request)
        except GroupChatError as error:
            raise await self._hub.answers.settled_error(error) from None

    async def _catch_up(self, connection: Connection, since: int) -> None:
        """Replay in the background. Requests run meanwhile, and are answered after the replay."""
        try:
            await catch_up(self._hub, connection, since, _encode_replayed)
        except GroupChatError as error:
            log.error("! replay failed", member=self._actor.name, error=error.message)
        except Exception:
            log.exception("! replay failed", member=self._actor.name)

    @staticmethod
    def _start(request: Hello, welcome: Welcome) -> int:
        """The seq to replay from. A client that asks for no replay still gets the events since its
        welcome was written."""
        return welcome.last_seq if request.since is None else request.since

    def _refuse(self, number: int, failure: BaseException, **where: object) -> None:
        error = error_to_tell(self._hub, failure, member=self._actor.counted_as, **where)
        self._say(codec.encode_error(number, error.body()))

    def _end_refused(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(stream_frames.REFUSED_FRAME)
            self._transport.close()

    def _say(self, payload: bytes) -> None:
        if self._connection is not None:
            self._connection.answer(stream_frames.encode_websocket_text(payload))
        elif not self._transport.is_closing():
            self._transport.write(stream_frames.encode_websocket_text(payload))

    def mark_alive(self, pong: bytes | None) -> None:
        if self._connection is not None:
            self._connection.mark_alive()
            if pong:
                self._hub.terminals.confirm(self._connection, pong)

    def close(self) -> None:
        self._alarm.cancel()
        self._hub.streams.strangers.discard(self._transport)
        if self._replay is not None:
            self._replay.cancel()
        if self._connection is not None:
            self._hub.terminals.forget(self._connection)
            self._hub.streams.disconnect(self._connection)


def _encode_replayed(until: int) -> bytes:
    return stream_frames.encode_websocket_text(codec.encode(Replayed(until)))
