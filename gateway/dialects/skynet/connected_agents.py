"""Tracks which Skynet clients are connected and what they subscribe to, counts their messages, and sends heartbeats.

It does nothing before the first client.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from gateway.api import stream_frames
from gateway.dialects.skynet import name_mapping
from gateway.dialects.skynet.name_mapping import SKYNET
from gateway.dialects.skynet.wire import messages
from gateway.dialects.skynet.wire.message_ids import MessageIds
from gateway.model.rule_outcome import RuleOutcome
from gateway.model.state import GatewayState
from gateway.protocol import codec
from gateway.protocol.events import Durable, MemberEvent, Message, Receipt, RoomAction, RoomEvent
from gateway.protocol.results import Result
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.push.event_broadcaster import OutgoingEvent, Renderer
from gateway.rooms import guests
from gateway.runtime.hub import Hub

log = structlog.get_logger("gateway.skynet")

TAKEN_OVER_TEXT = "Another connection uses this agent id now. This one is closed."
NO_GUEST_TEXT = (
    "This agent id can no longer be used without a token: it got a token of its own, or was removed. "
    "This connection is closed."
)
MAX_KEPT_RENDERERS = 1000
MAX_NEW_COUNTS = 100  # before the counts of members and rooms that are gone are forgotten


@dataclass
class MessageCount:
    """The messages that each channel and each agent got. A message counts once, however it was sent."""

    in_room: Counter[str] = field(default_factory=Counter)
    to_member: Counter[str] = field(default_factory=Counter)

    def note(self, message: Message) -> None:
        if message.recipients:
            self.to_member.update(message.recipients)
        else:
            self.in_room[message.room] += 1

    def __len__(self) -> int:
        return len(self.in_room) + len(self.to_member)

    def forget_others(self, members: Collection[str], rooms: Collection[str]) -> None:
        """Keep only the counts of these. Guests come and go without end."""
        for counts, kept in ((self.to_member, members), (self.in_room, rooms)):
            for name in [one for one in counts if one not in kept]:
                del counts[name]


class RegisteredClient(Protocol):
    """A connected client. `subscriptions` maps each room to the client's name of the channel."""

    name: str
    connected_at: str
    watches: bool

    @property
    def subscriptions(self) -> Mapping[str, str]: ...
    @property
    def received(self) -> int: ...
    def keeps_token(self) -> bool: ...
    def say(self, frame: bytes) -> None: ...
    def make_way(self, why: str) -> None: ...
    def unsubscribe(self, room: str) -> None: ...
    def note_own(self, message: Message) -> None: ...
    def note_receipt(self, receipt: Receipt) -> None: ...


class AgentRegistry:
    """At most one agent per member; monitors are any number. A newer connection of an agent replaces the older."""

    def __init__(self, hub: Hub, heartbeat_s: float) -> None:
        self.ids = MessageIds()
        self.count = MessageCount()
        self._hub, self._heartbeat_s = hub, heartbeat_s
        self._clients: set[RegisteredClient] = set()
        self._of: dict[str, RegisteredClient] = {}
        self._watching: dict[str, RegisteredClient] = {}
        self._beating: asyncio.TimerHandle | None = None
        self._named: defaultdict[str, set[RegisteredClient]] = defaultdict(set)
        self._arriving: Counter[str] = Counter()
        self._kept_counts = 0
        self._begun = False
        self._renderers: dict[frozenset[tuple[str, str]], Renderer] = {}
        self._channel_renderers: dict[str, Renderer] = {}

    # life

    def start(self) -> None:
        """Guests of an earlier run are connected no longer."""
        for guest in [one for one in guests.guests_of(self._hub.state, SKYNET) if not one.hidden]:
            self._hide(guest.name)

    def stop(self) -> None:
        self._rest()
        if self._begun:
            self._hub.publisher.watchers.remove(self._happened)

    def begin(self) -> None:
        """Count messages from now on. A listener that nobody has used yet looks at no event."""
        if not self._begun:
            self._begun = True
            self._hub.publisher.watchers.append(self._happened)

    def _rest(self) -> None:
        """No heartbeats while nobody is connected."""
        if self._beating is not None:
            self._beating.cancel()
            self._beating = None

    # clients

    @contextmanager
    def arriving(self, name: str) -> Iterator[None]:
        """While a client connects, its member is not hidden: neither by the end of an older connection, nor after this
        one, unless it failed to connect."""
        self._arriving[name] += 1
        try:
            yield
        finally:
            self._arriving[name] -= 1
            self._hide_if_gone(name)

    def enter(self, client: RegisteredClient) -> None:
        self.begin()
        if self._beating is None:
            self._beating = asyncio.get_running_loop().call_later(self._heartbeat_s, self._beat)
        self._clients.add(client)
        self._named[client.name].add(client)
        if client.watches:
            self._watching[client.name] = client
            return
        older, self._of[client.name] = self._of.get(client.name), client
        if older is not None and older is not client:
            older.make_way(TAKEN_OVER_TEXT)

    def leave(self, client: RegisteredClient) -> None:
        """Unregister a client. If a newer connection has replaced it, the agent stays."""
        self._clients.discard(client)
        self._named[client.name].discard(client)
        for found in (self._of, self._watching):
            if found.get(client.name) is client:
                del found[client.name]
        self._hide_if_gone(client.name)
        if not self._clients:
            self._rest()

    def _hide_if_gone(self, name: str) -> None:
        if self._arriving[name] <= 0:
            del self._arriving[name]
        if not self._named.get(name):
            self._named.pop(name, None)
            if name not in self._arriving:
                self._hide(name)

    def _hide(self, name: str) -> None:
        outcome = guests.hide_guest(self._hub.state, SKYNET, name, self._hub.rule_context())
        self.carry_out(outcome)

    def carry_out(self, outcome: RuleOutcome) -> None:
        """Commit in the background. If the commit fails, the gateway is stopping, and its next start catches up."""
        self._hub.carry_out(outcome).add_done_callback(_note_failure)

    def client_of(self, name: str) -> RegisteredClient | None:
        """The connection of an agent, or one of a monitor with this name."""
        return self._of.get(name) or self._watching.get(name)

    def clients_named(self, name: str) -> int:
        """How many clients of a member are connected, monitors too."""
        return len(self._named.get(name, ()))

    def __iter__(self) -> Iterator[RegisteredClient]:
        return iter(tuple(self._clients))

    def __len__(self) -> int:
        return len(self._clients)

    # heartbeats

    def _beat(self) -> None:
        self._beating = asyncio.get_running_loop().call_later(self._heartbeat_s, self._beat)
        frame = control_frame("ping", timestamp=iso_from_seconds(self._hub.now))
        for client in self:
            client.say(frame)

    # events

    def _happened(self, event: Durable) -> None:
        match event:
            case Message():
                self._note_message(event)
            case Receipt():
                self._note_receipt(event)
            case RoomEvent(action=RoomAction.LEFT, member=str(name), room=room):
                for client in self._clients_of(name):
                    client.unsubscribe(room)
            case MemberEvent(member=member):
                self._forget_counts()
                for client in self._clients_of(member.name):
                    if not client.keeps_token():
                        client.make_way(NO_GUEST_TEXT)

    def _forget_counts(self) -> None:
        """Forget the counts of removed members and rooms, after many new counts. A client that is connected compares a
        count with an earlier one, so the rooms that it hears are kept."""
        if len(self.count) <= self._kept_counts + MAX_NEW_COUNTS:
            return
        state = self._hub.state
        open_rooms = {name for name, one in state.rooms.items() if not one.removed}
        heard = {room for client in self._clients for room in client.subscriptions}
        self.count.forget_others(state.members, open_rooms | heard)
        self._kept_counts = len(self.count)

    def _note_message(self, message: Message) -> None:
        self.ids.note(message)
        self.count.note(message)
        if (sender := self._of.get(message.from_)) is not None:
            sender.note_own(message)

    def _note_receipt(self, receipt: Receipt) -> None:
        known = self._hub.state.recent.get(receipt.message)
        if known is not None and known.from_ in self._of:
            self._of[known.from_].note_receipt(receipt)

    def _clients_of(self, name: str) -> list[RegisteredClient]:
        return list(self._named.get(name, ()))

    # rendering

    def renderer_for(self, subscriptions: Mapping[str, str]) -> Renderer:
        """The renderer for these channels. Clients with the same channels share it, so that a message is encoded once
        for all of them."""
        key = frozenset(subscriptions.items())
        if key not in self._renderers:
            if len(self._renderers) >= MAX_KEPT_RENDERERS:
                self._renderers.clear()  # connected clients keep theirs
                self._channel_renderers.clear()
            self._renderers[key] = self._make_renderer(dict(subscriptions))
        return self._renderers[key]

    def _make_renderer(self, subscriptions: Mapping[str, str]) -> Renderer:
        by_room = {room: self._channel_renderer(channel) for room, channel in subscriptions.items()}
        direct, state = self._channel_renderer(""), self._hub.state

        def render(outgoing: OutgoingEvent) -> bytes | None:
            if outgoing.record.kind != "message":
                return None
            if outgoing.record.ends is None:
                found = by_room.get(outgoing.record.room or "")
                return outgoing.rendered(found) if found is not None else None
            return outgoing.rendered(direct) if comes_by_stream(state, outgoing.event) else None

        return render

    def _channel_renderer(self, channel: str) -> Renderer:
        if channel not in self._channel_renderers:
            self._channel_renderers[channel] = make_channel_renderer(self._hub.state, self.ids, channel)
        return self._channel_renderers[channel]


def comes_by_stream(state: GatewayState, event: Durable) -> bool:
    """Whether a direct message waits in no inbox: one that wakes nobody, such as an acknowledgement or thanks. One that
    a loop guard holds comes when a person lifts the hold."""
    if not isinstance(event, Message) or event.deliveries:
        return False
    hold = state.loop_holds.get(event.room)
    return hold is None or not (hold.beyond or any(one.message == event.seq for one in hold.held))


def make_channel_renderer(state: GatewayState, ids: MessageIds, channel: str) -> Renderer:
    def render(outgoing: OutgoingEvent) -> bytes | None:
        event = outgoing.event
        if not isinstance(event, Message):
            return None
        shown = channel or name_mapping.channel_for_room(event.room)
        return messages.encode_message_frame(messages.skynet_message_fields(state, ids, event, shown))

    return render


def control_frame(action: str, **params: Any) -> bytes:
    body = {"type": "control", "data": {"action": action, "params": params}}
    return stream_frames.encode_websocket_text(codec.encode(body))


def _note_failure(done: asyncio.Future[Result]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        log.warning("! could not be stored", error=str(error))
