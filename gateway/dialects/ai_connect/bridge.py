"""AI-Connect's bridge, for its existing clients: `--listen ai-connect=127.0.0.1:9999`.

The dialect knows no authentication. What a process on this machine may do here **without a token**, and nothing more:

- register under a full name that is free, or that this dialect gave away before: these peers, its *guests*, can pass
  for one another, as they always could. It can never speak for, nor read what is meant for, a member with a token of
  its own, one that the team token registered, or the human of the team; a name of theirs is not given to it either.
- speak as its guest in the room `general`, to everyone or to one member, as an agent does: nothing urgent, no keys, no
  pauses, no approvals, no other rooms.
- read what is sent to its guest, what is said to everyone, the history between its guest and one other, and who is
  here.

From another machine there is nothing without a token. A token (`?token=`, `/t/TOKEN/` before any path, or a header)
makes the caller its member, whatever name it registers. The team token and those of agents' tools open nothing here.
Pages of browsers are refused like everywhere. Whoever shares a machine with people they do not trust leaves it off.
"""

from __future__ import annotations

import asyncio
import time

import structlog
from aiohttp import web

from gateway.access.permissions import Actor, Permission
from gateway.api import auth, stream_frames
from gateway.api.error_responses import settled_error, translate_errors
from gateway.api.websocket_base import serve_socket
from gateway.dialects.ai_connect import frames, name_mapping
from gateway.dialects.ai_connect.delivery import PeerDelivery
from gateway.dialects.ai_connect.name_mapping import AI_CONNECT, RequestedName
from gateway.dialects.ai_connect.peers import HeartbeatSettings, PeerRegistry
from gateway.dialects.anonymous_access import ANY_PATH, caller_of
from gateway.dialects.guest_admission import GuestAdmission
from gateway.model.records.stored_records import MemberRecord
from gateway.operations import dispatch
from gateway.operations.members import hello_operation
from gateway.operations.messages import message_queries
from gateway.protocol.errors import BadRequest, TooLarge, UnknownRecipient
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.push.event_broadcaster import Connection
from gateway.rooms import guests
from gateway.runtime.hub import Hub
from gateway.store import MessageQuery

log = structlog.get_logger("gateway.ai_connect")

PEERS_KEY: web.AppKey[PeerRegistry] = web.AppKey("peers", PeerRegistry)
GUESTS_KEY: web.AppKey[GuestAdmission] = web.AppKey("guests", GuestAdmission)


def make_ai_connect_app(hub: Hub, beats: HeartbeatSettings | None = None) -> web.Application:
    app = web.Application(middlewares=[translate_errors])
    app[auth.HUB] = hub
    app[PEERS_KEY] = PeerRegistry(hub, beats or HeartbeatSettings())
    app[GUESTS_KEY] = GuestAdmission(hub, AI_CONNECT)
    app.on_startup.append(_start_peers)
    app.on_cleanup.append(_stop_peers)
    app.add_routes([web.get(path, serve_ai_connect) for path in ANY_PATH])
    return app


async def _start_peers(app: web.Application) -> None:
    app[PEERS_KEY].start()


async def _stop_peers(app: web.Application) -> None:
    app[PEERS_KEY].stop()


# opening


async def serve_ai_connect(request: web.Request) -> web.StreamResponse:
    caller = await caller_of(request)
    return await serve_socket(request, lambda transport: AiConnectConnection(request, caller, transport))


class AiConnectConnection:
    """One socket: unknown until it registers, then a peer or a viewer."""

    def __init__(self, request: web.Request, caller: Actor | None, transport: asyncio.Transport) -> None:
        self.name = ""
        self.ip = request.remote or ""
        self.since = iso_from_seconds(request.app[auth.HUB].now)
        self.watches = False
        self._app = request.app
        self._hub = request.app[auth.HUB]
        self._peers = request.app[PEERS_KEY]
        self._caller = caller
        self._transport = transport
        self._connection: Connection | None = None
        self._delivery: PeerDelivery | None = None
        self._active = asyncio.get_running_loop().time()
        self._silent = False
        self._hub.streams.strangers.add(self._transport)
        self._alarm = asyncio.get_running_loop().call_later(self._peers.beats.patience, self._look)

    # frames

    async def receive(self, data: str | bytes) -> None:
        self._active = asyncio.get_running_loop().time()
        try:
            frame = frames.decode_frame(data)
        except TooLarge as refusal:
            self._tell(refusal.message)
            return
        if frame is None:
            log.debug("< ignored, not a frame of this protocol", member=self.name)
            return
        try:
            await self._do(frame)
        except Exception as failure:
            error = await settled_error(self._hub, failure, frame=type(frame).__name__, member=self.name)
            self._tell(error.message)

    async def _do(self, frame: frames.AiConnectFrame) -> None:
        match frame:
            case frames.RegisterFrame():
                await self._register(frame)
            case frames.PingFrame():
                self.say(frames.PONG_FRAME)
            case frames.ListPeersFrame():
                await self._hub.answers.wait_until_settled()
                self.say(frames.peer_list_frame(self._peers.list_peers()))
            case frames.MessageFrame():
                await self._say(self._actor(), frame)
            case frames.HistoryFrame():
                found = await self._history(self._actor(), frame)
                await self._hub.answers.wait_until_settled()
                self.say(frames.history_frame(frame.peer, found))

    def mark_alive(self, pong: bytes | None) -> None:
        """A pong: a sign of life from a viewer, and the acknowledgement of the messages sent before the ping."""
        if self._connection is not None:
            self._connection.mark_alive()
        if self._delivery is not None and pong is not None:
            self._delivery.answered(pong)

    def _actor(self) -> Actor:
        """The actor of this socket, looked up anew each time: a guest that got a token of its own is
        no longer a guest."""
        if self._connection is None:
            raise BadRequest('Register first: {"type":"register","name":"..."}.')
        return self._caller or guests.guest_actor(self._hub.state, AI_CONNECT, self.name)

    def keeps_token(self) -> bool:
        return self._caller is not None or guests.is_guest(self._hub.state, AI_CONNECT, self.name)

    # presence

    async def _register(self, frame: frames.RegisterFrame) -> None:
        wanted = RequestedName.of(frame.name, frame.project, bool(frame.observer))
        name = await (self._as_member(self._caller, wanted) if self._caller else self._as_guest(wanted))
        if self._connection is not None and (name, wanted.watches) != (self.name, self.watches):
            self._leave(silent=True)
        new = self._connection is None
        if new:
            self._enter(name, wanted.watches)
        self.say(frames.registered_frame(name_mapping.full_name_of(self._hub.state, name), frame.name))
        if new and self._connection is not None and not wanted.watches:
            self._delivery = PeerDelivery(self._hub, self._connection, self._actor)
        else:
            self.say(frames.unread_frame([]))

    async def _as_member(self, caller: Actor, wanted: RequestedName) -> str:
        await hello_operation.answer_hello(self._hub, caller, Hello(inbox=not wanted.watches, project=wanted.project))
        return caller.name

    async def _as_guest(self, wanted: RequestedName) -> str:
        hub = self._hub
        guest = name_mapping.guest_for(hub.state, wanted)
        hub.throttle.sends.take(guest.name, time.monotonic())
        with self._peers.arriving(guest.name):
            await self._app[GUESTS_KEY].arrive(MemberRecord(guest, dialect=AI_CONNECT))
        return guest.name

    def _enter(self, name: str, watches: bool) -> None:
        """Register the client: from here on the others see it, and it gets every event, with no gap in between."""
        state = self._hub.state
        renderer = (
            self._hub.streams.renderer(frames.viewer_renderer)
            if watches
            else frames.not_delivered_renderer(state, name)
        )
        self.name, self.watches = name, watches
        sees_all = watches and self._caller is not None and self._caller.may(Permission.READ_DIRECT)
        connection = Connection(name, self._transport, renderer, observer=sees_all, echo=watches)
        connection.farewell = frames.RESTART_CLOSE_FRAME
        connection.keepalive = stream_frames.PING_FRAME if watches else None
        connection.listens = watches
        connection.token = self._caller.token if self._caller else ""
        connection.cursor = self._hub.committed_seq
        connection.live = True
        self._hub.streams.strangers.discard(self._transport)
        if self._caller is None:
            auth.mark_received(self._app, self._transport)
        self._connection = connection
        self._hub.streams.enter(connection)
        self._peers.enter(self)

    def _leave(self, *, silent: bool) -> None:
        if self._delivery is not None:
            self._delivery.stop()
            self._delivery = None
        if self._connection is not None:
            self._hub.streams.disconnect(self._connection)
            self._connection = None
            self._peers.leave(self, silent=silent)

    def end(self, farewell: bytes = frames.RESTART_CLOSE_FRAME) -> None:
        """Close the socket after the frames that are being sent; its handler does the rest."""
        if self._connection is not None:
            self._connection.farewell = farewell
            self._connection.flush()
            self._connection.close()
        else:
            self._transport.close()

    def close(self) -> None:
        self._alarm.cancel()
        self._hub.streams.strangers.discard(self._transport)
        self._leave(silent=self._silent)

    def _look(self) -> None:
        """Close a peer that is silent for too long. Only frames that a client sends unasked count, not its answers to
        us. A viewer never sends frames, so its pongs count."""
        loop, patience = asyncio.get_running_loop(), self._peers.beats.patience
        remaining = patience if self.watches else self._active + patience - loop.time()
        if remaining > 0:
            self._alarm = loop.call_later(remaining, self._look)
            return
        log.info("! a peer sent nothing for too long", member=self.name)
        self._silent = True
        self.end()

    # messages

    def say(self, frame: bytes) -> None:
        if self._connection is not None:
            self._connection.say(frame)
        elif not self._transport.is_closing():
            self._transport.write(frame)

    def _tell(self, text: str) -> None:
        name = name_mapping.full_name_of(self._hub.state, self.name) if self.name else ""
        self.say(frames.notice_frame(text, name, iso_from_seconds(self._hub.now)))

    async def _say(self, actor: Actor, frame: frames.MessageFrame) -> None:
        if frame.context is not None and not isinstance(frame.context, dict):
            raise BadRequest("`context` must be an object such as {file, lines}. Nothing was sent.")
        to: tuple[str, ...] = ()
        if frame.to.strip() != name_mapping.EVERYONE_NAME:
            to = (f"@{self._meant(frame.to)}",)
        await dispatch.run_operation(
            self._hub, actor, Send(content=frame.content, to=to, context=frame.context or None)
        )

    def _meant(self, text: str) -> str:
        return name_mapping.find_recipient(self._hub.state, text, self.name, self._peers.here())

    async def _history(self, actor: Actor, frame: frames.HistoryFrame) -> list[dict[str, object]]:
        """The messages between the two, in both directions, oldest first. Of the undelivered ones for this peer, only
        those already sent to it."""
        try:
            other = self._meant(frame.peer)
        except UnknownRecipient as error:
            self._tell(error.message)
            return []
        hub, limit = self._hub, frame.most()
        view = message_queries.viewer_of(hub, actor)
        ways = ((actor.name, other), (other, actor.name))
        asked = [MessageQuery(view, sender=one, recipient=two, limit=limit) for one, two in ways]
        found = [
            message_queries.decode_message(record) for query in asked for record in await hub.store.messages(query)
        ]
        hidden = await self._delivery.undelivered_messages() if self._delivery is not None else ()
        seen = sorted((one for one in found if one.seq not in hidden), key=lambda message: message.seq)
        return [frames.message_entry(hub.state, message) for message in seen[-limit:]]
