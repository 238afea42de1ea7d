"""One WebSocket of a Skynet client: what it subscribes to, what it sends, and what is sent to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog

from gateway.access.permissions import Actor, Permission
from gateway.api import stream_frames
from gateway.api.error_responses import error_to_tell, settled_error
from gateway.dialects.acknowledged_delivery import AcknowledgedDelivery
from gateway.dialects.skynet import message_sending, name_mapping
from gateway.dialects.skynet.channels import enter_channel
from gateway.dialects.skynet.connected_agents import NO_GUEST_TEXT, control_frame
from gateway.dialects.skynet.name_mapping import SKYNET
from gateway.dialects.skynet.shared_state import SkynetState
from gateway.dialects.skynet.wire import frames, messages
from gateway.dialects.skynet.wire.connect_options import MAX_CHANNELS, ConnectOptions
from gateway.dialects.skynet.wire.error_codes import skynet_error_frame
from gateway.model.records.stored_records import MemberRecord
from gateway.model.rule_outcome import RuleOutcome
from gateway.operations.delivery.inbox_operations import WaitingMessage
from gateway.operations.members import hello_operation
from gateway.protocol.errors import BadRequest, Conflict, GroupChatError
from gateway.protocol.events import Message, Receipt
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Member, Rung
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.push.event_broadcaster import Connection, OutgoingEvent, Renderer
from gateway.rooms import guests, members

log = structlog.get_logger("gateway.skynet")

REPLACED_CLOSE_FRAME = stream_frames.encode_close(4000)  # a client must not come back by itself after this
REFUSED_CLOSE_FRAME = stream_frames.encode_close(1008)
MAX_UNANSWERED_SENDS = 64


class SkynetConnection:
    def __init__(self, service: SkynetState, caller: Actor | None, transport: asyncio.Transport) -> None:
        self.name = ""
        self.connected_at = iso_from_seconds(service.hub.now)
        self.watches = False
        self.subscriptions: dict[str, str] = {}
        self._service, self._hub, self._agents = service, service.hub, service.agents
        self._caller = caller
        self._transport = transport
        self._connection: Connection | None = None
        self._delivery: AcknowledgedDelivery | None = None
        self._live_since: dict[str, int] = {}  # for each channel, the last event before the subscription
        self._counted: dict[str, int] = {}  # for each channel, its messages before the subscription
        self._own = self._received_before = self._direct_before = 0
        self._sees_all = False
        self._streams_all = False  # whether what is said to everyone comes by the stream alone
        self._unanswered = 0
        self._fewer = asyncio.Event()
        self._hub.streams.strangers.add(transport)

    # connecting

    async def connect(self, options: ConnectOptions) -> None:
        """Register the agent, enter its channels, and begin to send what waits for it."""
        self.watches = options.watches
        who = self._caller or self._guest_for(options)
        self.name = who.name
        with self._agents.arriving(self.name):
            actor = await self._become(who, options)
            self._enter(await self._enter_channels(actor, options.channels))
        now, agent_id = iso_from_seconds(self._hub.now), name_mapping.agent_id_of(self._hub.state, self.name)
        welcome = f"Connected to MCP Server as {agent_id}"
        self.say(control_frame("connected", agent_id=agent_id, server_time=now, message=welcome))
        if not self.watches:
            assert self._connection is not None
            self._delivery = AcknowledgedDelivery(
                self._hub, self._connection, self.actor, self._send_waiting, by_rank=True, failed=self._delivery_failed
            )

    def _delivery_failed(self) -> None:
        """It may notice before the event arrives that this is no guest any more."""
        assert self._connection is not None
        if self.keeps_token():
            self._connection.close()
        else:
            self.make_way(NO_GUEST_TEXT)

    def _guest_for(self, options: ConnectOptions) -> Member:
        guest = name_mapping.guest_with_agent_id(
            self._hub.state, options.agent_id, options.agent_type, options.priority
        )
        name_mapping.check_same_use(self._hub.state, options.agent_id, guest)
        return guest

    async def _become(self, who: Actor | Member, options: ConnectOptions) -> Actor:
        if isinstance(who, Actor):
            await self._become_member(who, options)
            return who
        self._hub.throttle.sends.take(who.name, time.monotonic())
        await self._service.admission.arrive(MemberRecord(who, dialect=SKYNET, named_only=True))
        return guests.guest_actor(self._hub.state, SKYNET, who.name)

    async def _become_member(self, caller: Actor, options: ConnectOptions) -> None:
        """A member keeps what it does not name, and all of it if this is a monitor or it is already here with another
        client. If it had no inbox, it gets one for what names it: what is said to everyone comes by the stream, which
        costs the same for any number of readers."""
        hello = Hello(role=name_mapping.named_role(options.agent_type), priority=options.priority)
        if options.watches or self._is_here_otherwise(caller.name):
            hello = Hello()
        await hello_operation.answer_hello(self._hub, caller, hello)
        if not options.watches:
            facts = members.keep_named_messages(self._hub.state, caller.name, self._hub.rule_context())
            await self._hub.carry_out(RuleOutcome(Done(), facts))

    def _is_here_otherwise(self, name: str) -> bool:
        """Whether the member is connected with a client of another kind: its agent in a terminal, say. An older agent
        of this dialect is replaced, and its monitors only read."""
        return self._hub.state.live[name].connections > self._agents.clients_named(name)

    async def _enter_channels(self, actor: Actor, channels: tuple[str, ...]) -> dict[str, str]:
        """The rooms of the channels. A channel that it may not enter is reported, and the connection lives on."""
        rooms: dict[str, str] = {}
        for channel in channels:
            try:
                rooms[await enter_channel(self._hub, actor, channel)] = channel
            except GroupChatError as error:
                self._refuse(error_to_tell(self._hub, error))
        return rooms

    def _enter(self, rooms: dict[str, str]) -> None:
        """From here on the others see the agent, and it gets every event, with no gap in between."""
        connection = Connection(
            self.name, self._transport, self._agents.renderer_for({}), observer=self.watches, echo=self.watches
        )
        connection.farewell = stream_frames.GOING_AWAY_FRAME
        connection.keepalive = stream_frames.PING_FRAME
        connection.token = self._caller.token if self._caller else ""
        connection.cursor = self._hub.committed_seq
        self._connection, self._sees_all = connection, self.actor().may(Permission.READ_DIRECT)
        self._direct_before = self._agents.count.to_member[self.name]
        for room, channel in rooms.items():
            self._subscribe(room, channel)
        connection.live = True
        self._hub.streams.strangers.discard(self._transport)
        self._hub.streams.enter(connection)
        self._agents.enter(self)

    def _subscribe(self, room: str, channel: str) -> None:
        if room not in self.subscriptions:
            self._live_since[room] = self._hub.committed_seq
            self._counted[room] = self._agents.count.in_room[room]
        self.subscriptions[room] = channel
        self._choose_renderer()

    def unsubscribe(self, room: str) -> None:
        if self.subscriptions.pop(room, None) is not None:
            self._received_before += self._agents.count.in_room[room] - self._counted.pop(room)
            self._live_since.pop(room)
            self._choose_renderer()

    def _choose_renderer(self) -> None:
        assert self._connection is not None
        shared = self._shared_renderer()
        if self.watches:
            self._connection.renderer = self._monitor_renderer()
        else:
            self._streams_all = self._hub.state.members[self.name].named_only
            self._connection.renderer = shared if self._streams_all else self._member_renderer(shared)

    def _shared_renderer(self) -> Renderer:
        return self._agents.renderer_for(self.subscriptions)

    def _member_renderer(self, shared: Renderer) -> Renderer:
        """A member with a token may have an inbox that also keeps what is said to everyone: it gets that from there."""

        def render(outgoing: OutgoingEvent) -> bytes | None:
            event = outgoing.event
            if isinstance(event, Message) and self.name in event.deliveries:
                return None
            return outgoing.rendered(shared)

        return render

    def _monitor_renderer(self) -> Renderer:
        """A monitor sees its channels, also what its own member says there, and the direct messages in them: with the
        observer scope all, else those between agents without a token, which have no secrets from each other."""
        shown = {room: channel for room, channel in self.subscriptions.items()}

        def render(outgoing: OutgoingEvent) -> bytes | None:
            record, event = outgoing.record, outgoing.event
            if not isinstance(event, Message):
                return None
            if event.room not in shown or self.name not in self._hub.state.in_room[event.room]:
                return None
            if record.ends is not None and not self._may_watch(record.ends):
                return None
            fields = messages.skynet_message_fields(self._hub.state, self._agents.ids, event, shown[event.room])
            return messages.encode_message_frame(fields)

        return render

    def _may_watch(self, ends: tuple[str, ...]) -> bool:
        return self._sees_all or all(guests.is_guest(self._hub.state, SKYNET, name) for name in ends)

    # what others need to know of it

    def actor(self) -> Actor:
        """The actor of this socket, looked up anew each time: a guest that got a token of its own is no longer a
        guest."""
        return self._caller or guests.guest_actor(self._hub.state, SKYNET, self.name)

    def keeps_token(self) -> bool:
        return self._caller is not None or guests.is_guest(self._hub.state, SKYNET, self.name)

    @property
    def received(self) -> int:
        """The messages that it got: those to its channels that others sent, and those to itself."""
        count = self._agents.count
        public = sum(count.in_room[room] - before for room, before in self._counted.items())
        return self._received_before + public - self._own + count.to_member[self.name] - self._direct_before

    def note_own(self, message: Message) -> None:
        if not message.recipients and message.room in self.subscriptions:
            self._own += 1

    def note_receipt(self, receipt: Receipt) -> None:
        """Tell the sender that a message was not delivered in time, or cannot be delivered."""
        last = receipt.steps[-1]
        if last.rung in (Rung.EXPIRED, Rung.FAILED):
            to = name_mapping.agent_id_of(self._hub.state, receipt.member)
            text = f"The message for {to!r} was not delivered: {last.reason or last.rung}."
            self._refuse(Conflict(text), self._agents.ids.id_of(receipt.message))

    # frames

    async def receive(self, data: str | bytes) -> None:
        try:
            frame = frames.decode_skynet_frame(data)
        except GroupChatError as error:
            self._refuse(error_to_tell(self._hub, error), frames.id_of_frame(data))
            return
        message_id = frame.data.id if isinstance(frame, frames.McpMessageFrame) else None
        try:
            await self._do(frame)
        except Exception as failure:
            self._refuse(await settled_error(self._hub, failure, member=self.name), message_id)

    async def _do(self, frame: frames.SkynetFrame) -> None:
        if isinstance(frame, frames.ControlFrame):
            await self._control(frame.data)
        elif frame.data.type == "heartbeat":
            self._hub.state.live[self.name].heard = self._hub.now
        else:
            await self._send(frame.data)

    async def _control(self, control: frames.ControlData) -> None:
        match control.action:
            case "ping":
                self.say(control_frame("pong", timestamp=iso_from_seconds(self._hub.now)))
            case "pong":
                pass
            case "subscribe":
                channel = _channel_in(control)
                self._check_channel_count(name_mapping.room_behind_channel(channel))
                self._subscribe(await enter_channel(self._hub, self.actor(), channel), channel)
                self.say(control_frame("subscribed", channel=channel))
            case "unsubscribe":
                channel = _channel_in(control)
                self.unsubscribe(name_mapping.room_behind_channel(channel))
                self.say(control_frame("unsubscribed", channel=channel))
            case _:
                raise BadRequest(
                    f"{control.action[:40]!r} is not a control action. Use ping, pong, subscribe or unsubscribe."
                )

    def _check_channel_count(self, room: str) -> None:
        if room not in self.subscriptions and len(self.subscriptions) >= MAX_CHANNELS:
            raise Conflict(
                f"You have subscribed to {MAX_CHANNELS} channels, which is the maximum. Unsubscribe from one."
            )

    async def _send(self, message: frames.WireMessage) -> None:
        while self._unanswered >= MAX_UNANSWERED_SENDS:
            self._fewer.clear()
            await self._fewer.wait()
        self._service.check_send(self.name, message)
        begun = await message_sending.begin_send(self._hub, self._agents.ids, self.actor(), message)
        assert isinstance(begun, asyncio.Future)
        self._unanswered += 1
        begun.add_done_callback(lambda done: self._sent(done, message.id))

    def _sent(self, done: asyncio.Future[Any], message_id: str) -> None:
        self._unanswered -= 1
        self._fewer.set()
        if not done.cancelled() and (error := done.exception()) is not None:
            self._refuse(error_to_tell(self._hub, error, member=self.name), message_id)

    def _send_waiting(self, waiting: Sequence[WaitingMessage]) -> int:
        for one in waiting:
            if (frame := self._delivered_frame(one.message)) is not None:
                self.say(frame)
        return len(waiting)

    def _delivered_frame(self, message: Message) -> bytes | None:
        """The frame of a message from the inbox. One to everyone may have come by the stream."""
        since = self._live_since.get(message.room)
        if not message.recipients and since is not None and message.seq > since and self._streams_all:
            return None
        channel = self.subscriptions.get(message.room) or name_mapping.channel_for_room(message.room)
        fields = messages.skynet_message_fields(self._hub.state, self._agents.ids, message, channel, self.name)
        return messages.encode_message_frame(fields)

    # the end

    def say(self, frame: bytes) -> None:
        if self._connection is not None:
            self._connection.say(frame)
        elif not self._transport.is_closing():
            self._transport.write(frame)

    def _refuse(self, error: GroupChatError, message_id: str | None = None) -> None:
        self.say(skynet_error_frame(error, iso_from_seconds(self._hub.now), message_id))

    def refuse_and_end(self, error: GroupChatError) -> None:
        self._refuse(error)
        self._end(REFUSED_CLOSE_FRAME)

    def make_way(self, why: str) -> None:
        """End for good: another connection has taken over this agent, or it may no longer be used without a token."""
        self._refuse(Conflict(why))
        self._end(REPLACED_CLOSE_FRAME)

    def _end(self, farewell: bytes) -> None:
        """Close the socket after the frames that are being sent; its handler does the rest."""
        if self._connection is not None:
            self._connection.farewell = farewell
            self._connection.flush()
            self._connection.close()
        elif not self._transport.is_closing():
            self._transport.write(farewell)
            self._transport.close()

    def mark_alive(self, pong: bytes | None) -> None:
        if self._connection is not None:
            self._connection.mark_alive()
        if self._delivery is not None and pong is not None:
            self._delivery.answered(pong)

    def close(self) -> None:
        self._hub.streams.strangers.discard(self._transport)
        if self._delivery is not None:
            self._delivery.stop()
        if self._connection is not None:
            self._hub.streams.disconnect(self._connection)
            self._agents.leave(self)


def _channel_in(control: frames.ControlData) -> str:
    if not isinstance(control.params.channel, str):
        raise BadRequest(f"`{control.action}` needs a channel: {{'channel': 'NAME'}}.")
    return name_mapping.check_channel_name(control.params.channel)
