"""Tracks which AgentChat clients are connected, who is in which channel, and what the others are told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Protocol

import structlog

from gateway.access.permissions import Actor
from gateway.dialects.agentchat import frames, name_mapping
from gateway.dialects.agentchat.name_mapping import AGENTCHAT
from gateway.dialects.guest_admission import GuestAdmission
from gateway.model.records.stored_records import MemberRecord, RoomRecord
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Durable, MemberEvent, MemberView, RoomAction, RoomEvent
from gateway.protocol.results import Done, Result
from gateway.protocol.types.core_types import SYSTEM_NAME, Presence
from gateway.rooms import guests
from gateway.runtime.hub import Hub

log = structlog.get_logger("gateway.agentchat")

IDENTIFY_TIMEOUT_S = 60.0  # the time for a client to identify itself
AGENTS_CHANNEL = "agents"  # like `general`, it always exists


class ChannelClient(Protocol):
    """An identified connection. `joined` maps each room to the client's spelling of the channel."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def guest(self) -> MemberRecord | None: ...
    @property
    def proven(self) -> bool: ...
    @property
    def joined(self) -> Mapping[str, str]: ...

    async def arrive(self) -> Actor: ...
    def keeps_token(self) -> bool: ...
    def say(self, frame: bytes) -> None: ...
    def end(self, reason: GroupChatError | None = None) -> None: ...
    def make_way(self) -> None: ...


class ChannelRegistry:
    """Tells who is in each channel: a guest while its client has joined, everybody else while they are in the room and
    present."""

    def __init__(self, hub: Hub, patience: float = IDENTIFY_TIMEOUT_S) -> None:
        self.patience = patience
        self.guests = GuestAdmission(hub, AGENTCHAT)
        self._hub = hub
        self._by_id: dict[str, ChannelClient] = {}
        self._shown: dict[str, set[str]] = {}  # the members that the clients in a room see as present

    # start

    def start(self) -> None:
        """Mark guests of an earlier run as gone: they have no connection any more, and protocol 0.3 clients do not
        reconnect by themselves."""
        self._hub.presence.watchers.append(self._seen)
        self._hub.publisher.watchers.append(self._happened)
        state = self._hub.state
        for name in [one.name for one in guests.guests_of(state, AGENTCHAT) if not one.hidden]:
            self.carry_out(guests.remove_departed_guest(state, AGENTCHAT, name, self._hub.rule_context()))
        if AGENTS_CHANNEL not in state.rooms:
            record = RoomRecord(AGENTS_CHANNEL, created_by=SYSTEM_NAME)
            rule_context = self._hub.rule_context()
            event = RoomEvent(rule_context.seq(), AGENTS_CHANNEL, RoomAction.CREATED, SYSTEM_NAME, rule_context.stamp)
            self.carry_out(
                RuleOutcome(Done(), (EventToCommit(event, changes=(StateChange("room", AGENTS_CHANNEL, record),)),))
            )

    def stop(self) -> None:
        self._hub.presence.watchers.remove(self._seen)
        self._hub.publisher.watchers.remove(self._happened)

    def carry_out(self, outcome: RuleOutcome) -> None:
        """Commit in the background. If the commit fails, the gateway is stopping, and its next start catches up."""
        self._hub.carry_out(outcome).add_done_callback(note_failure)

    # clients

    def enter(self, client: ChannelClient) -> None:
        self._by_id[client.id] = client

    def leave(self, client: ChannelClient) -> None:
        if self._by_id.get(client.id) is client:
            del self._by_id[client.id]

    def with_id(self, id_: str) -> ChannelClient | None:
        return self._by_id.get(id_)

    def guest_with_key(self, pem: str) -> MemberRecord | None:
        """The guest that is connected with this key now. It may have done nothing yet that makes it a member."""
        return next((one.guest for one in self._by_id.values() if one.guest and one.guest.key == pem), None)

    def is_taken(self, id_: str) -> bool:
        return id_ in self._by_id

    # presence

    def here(self, room: str) -> list[str]:
        return sorted(name for name in self._hub.state.in_room[room] if self._is_here(name, room))

    def _is_here(self, name: str, room: str) -> bool:
        state = self._hub.state
        record = state.members.get(name)
        if record is None or record.member.hidden or name not in state.in_room[room]:
            return False
        if name_mapping.is_agentchat_guest(record):
            client = self._by_id.get(name_mapping.agentchat_id_of(state, name))
            return client is not None and room in client.joined
        if record.dialect and not record.member.inbox:
            return False  # a viewer of another dialect: nobody can write to it
        return state.presence(record.member, self._hub.now) is Presence.ONLINE

    def look(self, name: str) -> None:
        """Tell the clients in each channel if this member has come or gone since they were last told."""
        for room, shown in self._shown.items():
            is_here = self._is_here(name, room)
            if is_here == (name in shown):
                continue
            (shown.add if is_here else shown.discard)(name)
            self._tell(room, name, "AGENT_JOINED" if is_here else "AGENT_LEFT")

    def refresh(self, *rooms: str) -> None:
        """Announce who has come and gone before a list shows it: changes of a member's connection arrive late."""
        for room in rooms or tuple(self._shown):
            for name in self._shown.get(room, set()) ^ set(self.here(room) if room in self._shown else ()):
                self.look(name)

    def show(self, room: str, newcomer: str) -> None:
        """From now on, tell this client who comes to the room and goes."""
        if room not in self._shown:
            self._shown[room] = set(self.here(room)) - {newcomer}
        self.look(newcomer)

    def _tell(self, room: str, name: str, kind: str) -> None:
        state, ts = self._hub.state, int(self._hub.now * 1000)
        for client, spelled in self._in(room):
            if client.name != name:
                client.say(frames.encode_reply(kind, ts, channel=spelled, agent=name_mapping.at_id(state, name)))

    def _in(self, room: str) -> Iterator[tuple[ChannelClient, str]]:
        for client in self._by_id.values():
            if room in client.joined:
                yield client, client.joined[room]

    # events of the hub

    def _seen(self, view: MemberView) -> None:
        self.look(view.name)

    def _happened(self, event: Durable) -> None:
        match event:
            case RoomEvent(action=RoomAction.JOINED | RoomAction.LEFT, member=str(name)):
                self.look(name)
            case MemberEvent(member=member):
                self.look(member.name)
                for client in [one for one in self._by_id.values() if one.name == member.name]:
                    if not client.keeps_token():
                        client.end()


def note_failure(done: asyncio.Future[Result]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        log.warning("! could not be stored", error=str(error))
