"""The rules of rooms: create, join, invite, leave, kick. Pure: (state, request, sequencer) -> outcome."""

from __future__ import annotations

from collections import Counter

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.access.rate_limit import MAX_ROOMS, MAX_ROOMS_OF_GUESTS, MAX_ROOMS_PER_MEMBER
from gateway.decisions import decisions
from gateway.model.log_events import LogEvent, Outcome, Sequencer, StateChange
from gateway.model.records import Membership, RoomRecord
from gateway.model.state import GatewayState
from gateway.model.system_messages import direct_notice, room_notice
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, RoomExists
from gateway.protocol.events import RoomAction, RoomEvent
from gateway.protocol.requests import CreateRoom, Invite, Join, Kick, Leave, SetTopic
from gateway.protocol.results import Done
from gateway.protocol.types import SYSTEM_NAME, MemberKind, bare_name, canonical_room_name, check_message_text


def create_room(state: GatewayState, actor: Actor, request: CreateRoom, sequencer: Sequencer) -> Outcome:
    actor.require(Action.SEND)
    name = canonical_room_name(request.room)
    if name in state.rooms:
        raise RoomExists(f"There is already a room {name!r}, or there was one: names are not used again.")
    _check_room_limit(state, actor)
    check_message_text(request.topic, what="topic")
    record = RoomRecord(name, request.topic, request.invite_only, actor.name, (actor.name,))
    facts = (
        _room_event(
            sequencer,
            record,
            RoomAction.CREATED,
            actor,
            changes=(StateChange("room", name, record),),
            text=request.topic,
        ),
        joined_event(sequencer, name, actor.name, actor.name),
    )
    return Outcome(Done(facts[0].event.seq), facts)


def _check_room_limit(state: GatewayState, actor: Actor) -> None:
    """Bound the number of rooms, because rooms stay and every member is told of the open ones. The gateway itself
    creates rooms only on a person's order. A person can always create one, and guests have a bound of their own."""
    if actor.kind is MemberKind.SYSTEM:
        return
    makers = Counter(one.created_by for one in state.rooms.values() if not one.removed)
    if makers[actor.name] >= MAX_ROOMS_PER_MEMBER:
        raise Conflict(f"{actor.name} has made {MAX_ROOMS_PER_MEMBER} rooms. Remove one of them first.")
    if _is_guest_here(state, actor.name):
        if sum(count for name, count in makers.items() if is_or_was_guest(state, name)) >= MAX_ROOMS_OF_GUESTS:
            raise Conflict(f"{MAX_ROOMS_OF_GUESTS} rooms were made without a token already, and no more are.")
        return
    programs = sum(count for name, count in makers.items() if _is_program_member(state, name))
    if actor.kind is not MemberKind.HUMAN and not actor.may(Action.ADMINISTER) and programs >= MAX_ROOMS:
        raise Conflict(f"Agents and tools have made {MAX_ROOMS} rooms here. One of them must be removed first.")


def _is_guest_here(state: GatewayState, name: str) -> bool:
    record = state.members.get(name)
    return record is not None and bool(record.dialect)


def is_or_was_guest(state: GatewayState, name: str) -> bool:
    """Whether the name belongs or belonged to a guest. A name without a member is that of a forgotten guest: all other
    members keep their record, even after removal."""
    return _is_guest_here(state, name) if name in state.members else name not in ("", SYSTEM_NAME)


def _is_program_member(state: GatewayState, name: str) -> bool:
    record = state.members.get(name)
    return record is not None and not record.dialect and record.member.kind is not MemberKind.HUMAN


def set_room_topic(state: GatewayState, actor: Actor, request: SetTopic, sequencer: Sequencer) -> Outcome:
    record = _room_of_member(state, actor, request.room)
    check_message_text(request.topic, what="topic")
    changed = msgspec.structs.replace(record, topic=request.topic)
    fact = _room_event(
        sequencer,
        record,
        RoomAction.TOPIC,
        actor,
        changes=(StateChange("room", record.name, changed),),
        text=request.topic,
    )
    return Outcome(Done(fact.event.seq), (fact,))


def invite_member(state: GatewayState, actor: Actor, request: Invite, sequencer: Sequencer) -> Outcome:
    record = _room_of_member(state, actor, request.room)
    guest = state.member(bare_name(request.member)).name
    if guest in state.in_room[record.name]:
        return Outcome(Done())
    changed = msgspec.structs.replace(
        record, invited=tuple(sorted({*record.invited, guest})), out=tuple(one for one in record.out if one != guest)
    )
    fact = _room_event(
        sequencer, record, RoomAction.INVITED, actor, member=guest, changes=(StateChange("room", record.name, changed),)
    )
    return Outcome(Done(fact.event.seq), (fact,))


def join_room(state: GatewayState, actor: Actor, request: Join, sequencer: Sequencer) -> Outcome:
    record = state.room(canonical_room_name(request.room), actor)
    if actor.name in state.in_room[record.name]:
        return Outcome(Done())
    check_may_enter(state, record, actor)
    fact = joined_event(sequencer, record.name, actor.name, actor.name)
    return Outcome(Done(fact.event.seq), (fact,))


def leave_room(state: GatewayState, actor: Actor, request: Leave, sequencer: Sequencer) -> Outcome:
    record = state.room(canonical_room_name(request.room), actor)
    if actor.name not in state.in_room[record.name]:
        raise Conflict(f"{actor.name} is not in the room {record.name!r}.")
    facts = leave_room_events(state, sequencer, record.name, actor.name, actor.name)
    return Outcome(Done(facts[0].event.seq), facts)


def check_may_enter(state: GatewayState, record: RoomRecord, actor: Actor) -> None:
    if state.may_come_in(record, actor):
        return
    why = "you were put out of it" if actor.name in record.out else "it is for invited members"
    raise Forbidden(f"The room {record.name!r} does not let you in: {why}. Ask one of its members for an invitation.")


def kick_member(state: GatewayState, actor: Actor, request: Kick, sequencer: Sequencer) -> Outcome:
    """Remove a member from a room, or withdraw its invitation. It needs a new invitation to join again."""
    record = state.room(canonical_room_name(request.room), actor)
    check_owner_of_room(record, actor)
    member = state.member(bare_name(request.member)).name
    if member == actor.name:
        raise BadRequest(f"To leave the room {record.name!r} yourself, leave it.")
    inside = member in state.in_room[record.name]
    if not inside and member not in record.invited:
        raise Conflict(f"{member} is neither in the room {record.name!r} nor invited.")
    out = msgspec.structs.replace(
        record,
        invited=tuple(one for one in record.invited if one != member),
        out=tuple(sorted({*record.out, member})),
    )
    gone = leave_room_events(state, sequencer, record.name, member, actor.name) if inside else ()
    what = "put {} out of the room" if inside else "took back the invitation of {}"
    said = room_notice(
        record.name, f"{actor.name} {what.format(member)}.", sequencer, changes=(StateChange("room", record.name, out),)
    )
    return Outcome(
        Done(said.event.seq), (*gone, said, *_kicked_notice(record.name, member, actor.name, sequencer, inside))
    )


def _kicked_notice(room: str, member: str, by: str, sequencer: Sequencer, inside: bool) -> tuple[LogEvent, ...]:
    """Tell the kicked member by itself, because it no longer gets the room's events."""
    if not inside:
        return ()
    text = f"{by} put you out of the room {room}. You can come in again when one of its members invites you."
    return (direct_notice(room, member, text, sequencer),)


def check_owner_of_room(record: RoomRecord, actor: Actor) -> None:
    """Only the room's creator, unless it was kicked, and administrators pass."""
    actor.require(Action.SEND)
    if actor.may(Action.ADMINISTER):
        return
    if actor.name in record.out:
        raise Forbidden(f"You were put out of the room {record.name!r}, and have no say in it. Ask for an invitation.")
    if actor.name != record.created_by:
        owner = f"{record.created_by}, who made it," if record.created_by != SYSTEM_NAME else "nobody"
        raise Forbidden(f"This is for the owner of the room {record.name!r} ({owner} or an administrator).")


def joined_event(sequencer: Sequencer, room: str, member: str, by: str) -> LogEvent:
    event = RoomEvent(sequencer.seq(), room, RoomAction.JOINED, by, sequencer.stamp, member)
    return LogEvent(event, changes=(StateChange("membership", f"{room}/{member}", Membership(room, member)),))


def leave_room_events(
    state: GatewayState, sequencer: Sequencer, room: str, member: str, by: str
) -> tuple[LogEvent, ...]:
    """Take a member out of a room and of its open decisions."""
    return (left_event(sequencer, room, member, by), *decisions.remove_voter(state, member, sequencer, room))


def left_event(sequencer: Sequencer, room: str, member: str, by: str | None = None) -> LogEvent:
    event = RoomEvent(sequencer.seq(), room, RoomAction.LEFT, by or member, sequencer.stamp, member)
    return LogEvent(event, changes=(StateChange("membership", f"{room}/{member}", None),))


def _room_of_member(state: GatewayState, actor: Actor, room: str) -> RoomRecord:
    record = state.room(canonical_room_name(room), actor)
    if actor.name not in state.in_room[record.name] and not actor.may(Action.ADMINISTER):
        raise Forbidden(f"{actor.name} is not in the room {record.name!r}. Join it first.")
    return record


def _room_event(  # noqa: PLR0913 - the fields of one event
    sequencer: Sequencer,
    room: RoomRecord,
    action: RoomAction,
    actor: Actor,
    *,
    member: str | None = None,
    text: str = "",
    changes: tuple[StateChange, ...] = (),
) -> LogEvent:
    event = RoomEvent(sequencer.seq(), room.name, action, actor.name, sequencer.stamp, member, text)
    alone = (actor.name, member) if action is RoomAction.INVITED and member else None
    return LogEvent(event, ends=alone, changes=changes)
