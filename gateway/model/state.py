"""The gateway's state in memory: members, rooms, tokens, and the state of open deliveries.

Pure: rules read it, log events change it, nothing here does I/O. All of it but the live part can be rebuilt from the
store at any moment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.access.tokens import TokenRecord, is_in_force
from gateway.loop_guard.recent_traffic import RecentTraffic, hops_left
from gateway.model.addressable_members import MemberDirectory
from gateway.model.deliveries.open_deliveries import OpenDeliveries
from gateway.model.deliveries.recent_messages import RecentMessages
from gateway.model.file_writes import FileWrites
from gateway.model.records.state_tables import (
    ASK,
    CONTEXT,
    COST,
    DECISION,
    LOOP_HOLD,
    MEMBER,
    MEMBER_KEYS,
    MUTED,
    PAUSED,
    PIN,
    ROOM,
    ROOM_KEYS,
    SESSION,
    SHARE,
    TOKEN,
    TOOL_OFFER,
    Admissions,
    Calls,
    Floors,
    Memberships,
    Owner,
    ReadMarks,
    Table,
)
from gateway.model.records.stored_records import AdmissionRecord, MemberRecord, RoomRecord
from gateway.model.rule_outcome import StateChange
from gateway.model.transient_member_state import LiveMember
from gateway.protocol.errors import Forbidden, NotFound, UnknownRoom
from gateway.protocol.events import MemberView
from gateway.protocol.text.addressing import Candidate, Named, unknown_recipient_error
from gateway.protocol.types.agent_work import UnseenResult, Work
from gateway.protocol.types.core_types import Activity, Composer, Member, MemberKind, Presence, Room
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.turns.engine import Floor
from gateway.turns.floor_view import floor_view_of

T = TypeVar("T", bound=Table[Any])

AWAY_AFTER_S = 60.0
PRESENT_FOR_S = 600.0  # a member still gets messages to everyone for so long after its last sign of life
RETURN_TIMEOUT_S = 120.0  # the longest start of the gateway, or restart of an agent
MACHINES = (MemberKind.AGENT, MemberKind.TOOL)


def _readable_work(work: Work | None) -> Work | None:
    """Without what is sealed of it: a client of an earlier version reads no work with a field that it does not know."""
    if work is None or work.sealed is None:
        return work
    rest = msgspec.structs.replace(work, sealed=None)
    return None if rest == Work() else rest


class GatewayState:
    """`tables` holds everything that is also stored, by kind; the fields below it are its rows and what follows from
    them. The rest exists only while the gateway runs."""

    def __init__(self, chains: RecentTraffic | None = None) -> None:
        self.id = ""
        self.began = float("inf")  # when the gateway began to listen
        self.live: dict[str, LiveMember] = defaultdict(LiveMember)
        self.picked: dict[str, str] = {}
        self.devices_seen: dict[str, float] = {}  # when each device last connected, by its id
        self.chains, self.writes = chains or RecentTraffic(), FileWrites()
        self.recent = RecentMessages()
        self._inboxes: dict[str, tuple[str, ...]] = {}
        self._public_inboxes: dict[str, tuple[str, ...]] = {}
        self.tables: dict[str, Table[Any]] = {}

        self.members = self._keep(Table(MEMBER, self._forget_inboxes)).rows
        self.rooms = self._keep(Table(ROOM)).rows
        self.tokens = self._keep(Table(TOKEN)).rows
        self.paused, self.shares = self._keep(Table(PAUSED)).rows, self._keep(Table(SHARE)).rows
        self.asks, self.contexts = self._keep(Table(ASK)).rows, self._keep(Table(CONTEXT)).rows
        self.decisions, self.sessions = self._keep(Table(DECISION)).rows, self._keep(Table(SESSION)).rows
        self.loop_holds = self._keep(Table(LOOP_HOLD)).rows
        self.pins, self.muted = self._keep(Table(PIN)).rows, self._keep(Table(MUTED)).rows
        self.costs = self._keep(Table(COST)).rows
        self.member_keys, self.room_keys = self._keep(Table(MEMBER_KEYS)).rows, self._keep(Table(ROOM_KEYS)).rows
        self.reads_of_room = self._keep(ReadMarks()).of_room
        self._admissions = self._keep(Admissions()).of_room
        calls = self._keep(Calls())
        self.tools, self.calls, self.open_calls_of = self._keep(Table(TOOL_OFFER)).rows, calls.rows, calls.open_of
        floors = self._keep(Floors())
        self.floors, self.speaking = floors.rows, floors.speaking
        memberships = self._keep(Memberships(self._forget_inboxes))
        self.in_room, self.rooms_of = memberships.in_room, memberships.rooms_of
        self.deliveries = OpenDeliveries()
        self.latest_deliveries, self.queued = self.deliveries.latest, self.deliveries.queued

    def _keep(self, table: T) -> T:
        self.tables[table.kind.name] = table
        return table

    # changes

    def put(self, change: StateChange) -> None:
        self.tables[change.kind].put(change.key, change.value)

    def forget(self) -> None:
        """Drop everything that is also stored, before it is read again."""
        for table in self.tables.values():
            table.clear()
        self.deliveries.clear()
        self.recent.clear()
        self._forget_inboxes()

    def _forget_inboxes(self) -> None:
        self._inboxes.clear()
        self._public_inboxes.clear()

    def without(self, owner: Owner, name: str) -> tuple[StateChange, ...]:
        """The changes that delete all documents of a member or a room."""
        owned = ((table, key) for table in self.tables.values() for key in table.owned_by(owner, name))
        return tuple(StateChange(table.kind.name, key, None) for table, key in owned)

    def forget_live(self, name: str) -> None:
        """Drop what memory alone holds of a member that is forgotten and has no open deliveries."""
        self.live.pop(name, None)
        self.deliveries.forget_member(name)

    def begin_anew(self, name: str) -> None:
        """A new sidecar connects and no other is connected: what the previous one reported about its agent is
        outdated."""
        live = self.live[name]
        if not live.is_connected:
            live.activity, live.composer, live.note = Activity.UNKNOWN, Composer.UNKNOWN, ""
            live.condition, live.work, live.unseen = None, None, UnseenResult.NOTHING

    # queries

    def is_in_force(self, token: TokenRecord | None, now: float) -> bool:
        """Whether this token is valid now. A link ends also when its member leaves the room, or the room is removed."""
        return is_in_force(self.tokens, token, now) and self.is_link_open(token)

    def is_link_open(self, token: TokenRecord | None) -> bool:
        """Whether the member who shares a link is still in its room. Of a removed room there is no member. Any other
        token is no link."""
        return token is not None and (token.link is None or token.member in self.in_room[token.link.room])

    def inboxes(self, room: str) -> tuple[str, ...]:
        """The members of a room who get deliveries (they have an inbox), sorted by name."""
        found = self._inboxes.get(room)
        if found is None:
            names = (name for name in sorted(self.in_room[room]) if name in self.members)
            found = tuple(name for name in names if self.members[name].member.inbox)
            self._inboxes[room] = found
        return found

    def public_inboxes(self, room: str) -> tuple[str, ...]:
        """The members of a room whose inbox also keeps what is said to everyone, sorted by name."""
        found = self._public_inboxes.get(room)
        if found is None:
            found = tuple(name for name in self.inboxes(room) if not self.members[name].named_only)
            self._public_inboxes[room] = found
        return found

    def is_here(self, name: str, now: float) -> bool:
        """Whether this member gets messages to everyone: it is connected, was connected recently, or is expected soon.
        A member that has left may be restarting. The specifications of the simple interface and of the dialects keep
        messages to everyone for all members registered there."""
        record, live = self.members[name], self.live.get(name) or LiveMember()
        if record.dialect or live.is_connected or (record.by_team and not record.member.hidden):
            return True
        last = max(live.heard, live.lost, live.expected)
        if record.member.hidden:
            return now - last < RETURN_TIMEOUT_S
        return now - last < PRESENT_FOR_S or now - self.began < RETURN_TIMEOUT_S

    def member(self, name: str) -> Member:
        record = self.members.get(name)
        if record is None or record.removed:
            error = unknown_recipient_error(Named(name[:80]), self.directory())
            raise NotFound(error.message, nearest=error.nearest)
        return record.member

    def room(self, name: str, actor: Actor) -> RoomRecord:
        """The room, if this actor may know of it. A hidden room and a missing one get the same error."""
        record = self.rooms.get(name)
        if record is None or record.removed or not self.may_know(record, actor):
            raise self._unknown_room(name, actor)
        return record

    def _unknown_room(self, name: str, actor: Actor) -> UnknownRoom:
        alike = (one for one in self.rooms.values() if one.name.startswith(name[:3]) and not one.removed)
        near = [one.name for one in alike if self.may_know(one, actor)][:3]
        return UnknownRoom(f"There is no room {name!r} here. `groupchat rooms` lists them.", nearest=near)

    def readable_room(self, name: str, actor: Actor) -> RoomRecord:
        """The room, if this actor may read its messages; also a removed room."""
        removed = self.rooms.get(name)
        if removed is not None and removed.removed and self.may_read(removed, actor):
            return removed
        record = self.room(name, actor)
        if not self.may_read(record, actor):
            raise Forbidden(f"The room {record.name!r} can be read only by its members. Join it first.")
        return record

    def own_room(self, name: str, actor: Actor) -> RoomRecord:
        """The room, if this actor is in it."""
        record = self.room(name, actor)
        if actor.name not in self.in_room[record.name]:
            raise Forbidden(f"{actor.name} is not in the room {record.name!r}. Join it first.")
        return record

    def may_read(self, room: RoomRecord, actor: Actor) -> bool:
        """Only members, observers and administrators may read an invite-only room, and by a link only its own room."""
        if actor.link is not None:
            return actor.link.room == room.name
        return (
            not room.invite_only
            or self.reads_in(room.name, actor.name)
            or actor.may(Permission.READ_DIRECT)
            or actor.may(Permission.ADMINISTER)
        )

    def reads_in(self, room: str, name: str) -> bool:
        """Whether the member is in the room, or was when the room was removed."""
        record = self.rooms.get(room)
        return name in self.in_room[room] or (record is not None and name in record.readers)

    def may_know(self, room: RoomRecord, actor: Actor) -> bool:
        return self.may_read(room, actor) or self.may_come_in(room, actor)

    @staticmethod
    def may_come_in(room: RoomRecord, actor: Actor) -> bool:
        if actor.link is not None:
            return False
        if actor.may(Permission.ADMINISTER) or actor.name in room.invited:
            return True
        return actor.name not in room.out and (not room.invite_only or actor.name == room.created_by)

    def room_as_seen_by(self, record: RoomRecord, actor: Actor) -> Room:
        """A room as this actor may see it: of a room that it may only join, no members."""
        if self.may_read(record, actor):
            return self.room_view(record)
        return Room(record.name, record.topic, record.invite_only, record.created_by, sealed=record.sealed)

    def admissions_of(self, room: str) -> Mapping[str, AdmissionRecord]:
        """The admissions that wait for the next key of a sealed room, by their keys in the store."""
        return dict(self._admissions.get(room, {}))

    def room_view(self, record: RoomRecord) -> Room:
        """Of a sealed room, all members: whoever has left the chat for now has its key nevertheless."""
        inside = sorted(self.in_room[record.name])
        visible = (name for name in inside if record.sealed or not self.member(name).hidden)
        keys = self.room_keys.get(record.name)
        floor = self.floors.get(record.name)
        shown = floor_view_of(floor) if floor is not None and floor.running else None
        return Room(
            name=record.name,
            topic=record.topic,
            invite_only=record.invite_only,
            created_by=record.created_by,
            members=tuple(visible),
            floor=shown,
            removed=record.removed,
            sealed=record.sealed,
            room_key=keys.version if keys else 0,
            key_due=keys is not None and keys.due,
            keep=record.keep,
            cut=record.cut,
        )

    def directory(self, room: str | None = None) -> Mapping[str, Candidate]:
        """All members that an address can name; with a room, roles match only its members."""
        return MemberDirectory(self.members, partial(self.candidate, room=room))

    def candidate(self, record: MemberRecord, room: str | None = None) -> Candidate:
        member, live = record.member, self.live.get(record.member.name)
        reachable = not member.hidden and (room is None or member.name in self.in_room[room])
        return Candidate(
            name=member.name,
            role=member.role if reachable else None,
            activity=live.activity if live else Activity.UNKNOWN,
            queued=self.queued.get(member.name, 0),
            priority=member.priority,
        )

    def presence(self, member: Member, now: float) -> Presence:
        if member.hidden:
            return Presence.OFFLINE
        live = self.live.get(member.name)
        here = live is not None and (live.is_connected or now - live.heard < AWAY_AFTER_S)
        return Presence.ONLINE if here else Presence.AWAY

    def view(self, member: Member, now: float) -> MemberView:
        live = self.live.get(member.name) or LiveMember()
        return MemberView(
            name=member.name,
            kind=member.kind,
            role=member.role,
            presence=self.presence(member, now),
            activity=live.activity,
            composer=live.composer,
            queued=self.queued.get(member.name, 0),
            display=member.display,
            project=member.project,
            paused=member.name in self.paused,
            note=live.note,
            last_seen=iso_from_seconds(live.heard) if live.heard > 0 else "",
            hops_left=hops_left(self.chains, member.name, self.loop_holds),
            since=iso_from_seconds(live.since) if live.since > 0 else "",
            condition=live.condition,
            conversation=live.conversation,
            work=_readable_work(live.work),
            done=self.is_done(member.name),
            sealed_work=live.work.sealed if live.work is not None else None,
            vendor=member.vendor,
        )

    def is_done(self, name: str) -> bool:
        """Whether this agent has worked and rests, and nobody has looked at the result yet."""
        live = self.live.get(name)
        if live is None or live.activity is not Activity.IDLE or not live.is_connected:
            return False
        if live.unseen is UnseenResult.ROOM:
            return not self._is_answer_read(name)
        return live.unseen is UnseenResult.TERMINAL

    def _is_answer_read(self, name: str) -> bool:
        """Whether a person has been shown the last answer of this agent. An answer that went to agents alone counts as
        shown when a person has been shown the room up to there."""
        cost = self.costs.get(name)
        if cost is None or cost.last is None:
            return False
        people = {one for one in cost.last.recipients if self.is_person(one)}
        shown = self.reads_of_room.get(cost.last.room, {}).items()
        return any(message >= cost.last.message and (not people or one in people) for one, message in shown)

    def is_person(self, name: str) -> bool:
        record = self.members.get(name)
        return record is not None and record.member.kind is MemberKind.HUMAN

    def floor(self, room: str) -> Floor:
        return self.floors.get(room) or Floor()

    def agents(self) -> list[str]:
        return [
            name
            for name, record in self.members.items()
            if record.member.kind is MemberKind.AGENT and not record.member.hidden
        ]
