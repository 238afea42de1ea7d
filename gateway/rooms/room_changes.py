"""The rules of rooms: who makes one, who comes in, and who goes or is put out. Pure: (request, clerk) -> ruling."""

from __future__ import annotations

from collections import Counter

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.access.rate_limit import MAX_ROOMS, MAX_ROOMS_OF_GUESTS, MAX_ROOMS_OF_ONE
from gateway.decisions import decisions
from gateway.model.log_events import Change, Clerk, Fact, Ruling
from gateway.model.records import Membership, RoomRecord
from gateway.model.state import House
from gateway.model.system_messages import direct_notice, notice
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, RoomExists
from gateway.protocol.events import RoomAction, RoomEvent
from gateway.protocol.requests import CreateRoom, Invite, Join, Kick, Leave, SetTopic
from gateway.protocol.results import Done
from gateway.protocol.types import SYSTEM, MemberKind, bare_name, check_text, room_name_of


def create(house: House, actor: Actor, request: CreateRoom, clerk: Clerk) -> Ruling:
    actor.need(Action.SEND)
    name = room_name_of(request.room)
    if name in house.rooms:
        raise RoomExists(f"There is already a room {name!r}, or there was one: names are not used again.")
    _need_space(house, actor)
    check_text(request.topic, what="topic")
    record = RoomRecord(name, request.topic, request.invite_only, actor.name, (actor.name,))
    facts = (
        _event(clerk, record, RoomAction.CREATED, actor, changes=(Change("room", name, record),), text=request.topic),
        joined(clerk, name, actor.name, actor.name),
    )
    return Ruling(Done(facts[0].event.seq), facts)


def _need_space(house: House, actor: Actor) -> None:
    """Rooms stay, and everybody is told of those that are open. What the gateway itself makes, a person has ordered.
    However many rooms programs have made, a person can make one; and guests take none from members."""
    if actor.kind is MemberKind.SYSTEM:
        return
    makers = Counter(one.created_by for one in house.rooms.values() if not one.removed)
    if makers[actor.name] >= MAX_ROOMS_OF_ONE:
        raise Conflict(f"{actor.name} has made {MAX_ROOMS_OF_ONE} rooms. Remove one of them first.")
    if _is_guest_here(house, actor.name):
        if sum(count for name, count in makers.items() if came_without_token(house, name)) >= MAX_ROOMS_OF_GUESTS:
            raise Conflict(f"{MAX_ROOMS_OF_GUESTS} rooms were made without a token already, and no more are.")
        return
    programs = sum(count for name, count in makers.items() if _is_program(house, name))
    if actor.kind is not MemberKind.HUMAN and not actor.may(Action.ADMINISTER) and programs >= MAX_ROOMS:
        raise Conflict(f"Agents and tools have made {MAX_ROOMS} rooms here. One of them must be removed first.")


def _is_guest_here(house: House, name: str) -> bool:
    record = house.members.get(name)
    return record is not None and bool(record.dialect)


def came_without_token(house: House, name: str) -> bool:
    """Whoever is or was a guest. A name that no member has is of a guest that is forgotten: all others stay members,
    removed or not."""
    return _is_guest_here(house, name) if name in house.members else name not in ("", SYSTEM)


def _is_program(house: House, name: str) -> bool:
    record = house.members.get(name)
    return record is not None and not record.dialect and record.member.kind is not MemberKind.HUMAN


def set_topic(house: House, actor: Actor, request: SetTopic, clerk: Clerk) -> Ruling:
    record = _inside(house, actor, request.room)
    check_text(request.topic, what="topic")
    changed = msgspec.structs.replace(record, topic=request.topic)
    fact = _event(
        clerk, record, RoomAction.TOPIC, actor, changes=(Change("room", record.name, changed),), text=request.topic
    )
    return Ruling(Done(fact.event.seq), (fact,))


def invite(house: House, actor: Actor, request: Invite, clerk: Clerk) -> Ruling:
    record = _inside(house, actor, request.room)
    guest = house.member(bare_name(request.member)).name
    if guest in house.in_room[record.name]:
        return Ruling(Done())
    changed = msgspec.structs.replace(
        record, invited=tuple(sorted({*record.invited, guest})), out=tuple(one for one in record.out if one != guest)
    )
    fact = _event(
        clerk, record, RoomAction.INVITED, actor, member=guest, changes=(Change("room", record.name, changed),)
    )
    return Ruling(Done(fact.event.seq), (fact,))


def join(house: House, actor: Actor, request: Join, clerk: Clerk) -> Ruling:
    record = house.room(room_name_of(request.room), actor)
    if actor.name in house.in_room[record.name]:
        return Ruling(Done())
    need_let_in(house, record, actor)
    fact = joined(clerk, record.name, actor.name, actor.name)
    return Ruling(Done(fact.event.seq), (fact,))


def leave(house: House, actor: Actor, request: Leave, clerk: Clerk) -> Ruling:
    record = house.room(room_name_of(request.room), actor)
    if actor.name not in house.in_room[record.name]:
        raise Conflict(f"{actor.name} is not in the room {record.name!r}.")
    facts = gone_out(house, clerk, record.name, actor.name, actor.name)
    return Ruling(Done(facts[0].event.seq), facts)


def need_let_in(house: House, record: RoomRecord, actor: Actor) -> None:
    if house.may_come_in(record, actor):
        return
    why = "you were put out of it" if actor.name in record.out else "it is for invited members"
    raise Forbidden(f"The room {record.name!r} does not let you in: {why}. Ask one of its members for an invitation.")


def kick(house: House, actor: Actor, request: Kick, clerk: Clerk) -> Ruling:
    """Put a member out of a room, or take back its invitation. It comes in again only by a new one."""
    record = house.room(room_name_of(request.room), actor)
    need_owner(record, actor)
    member = house.member(bare_name(request.member)).name
    if member == actor.name:
        raise BadRequest(f"To leave the room {record.name!r} yourself, leave it.")
    inside = member in house.in_room[record.name]
    if not inside and member not in record.invited:
        raise Conflict(f"{member} is neither in the room {record.name!r} nor invited.")
    out = msgspec.structs.replace(
        record,
        invited=tuple(one for one in record.invited if one != member),
        out=tuple(sorted({*record.out, member})),
    )
    gone = gone_out(house, clerk, record.name, member, actor.name) if inside else ()
    what = "put {} out of the room" if inside else "took back the invitation of {}"
    said = notice(
        record.name, f"{actor.name} {what.format(member)}.", clerk, changes=(Change("room", record.name, out),)
    )
    return Ruling(Done(said.event.seq), (*gone, said, *_told_out(record.name, member, actor.name, clerk, inside)))


def _told_out(room: str, member: str, by: str, clerk: Clerk, inside: bool) -> tuple[Fact, ...]:
    """Whoever is out hears nothing of the room any more, and so is told by itself."""
    if not inside:
        return ()
    text = f"{by} put you out of the room {room}. You can come in again when one of its members invites you."
    return (direct_notice(room, member, text, clerk),)


def need_owner(record: RoomRecord, actor: Actor) -> None:
    """Whoever made it, as long as nobody put that member out of it, and administrators."""
    actor.need(Action.SEND)
    if actor.may(Action.ADMINISTER):
        return
    if actor.name in record.out:
        raise Forbidden(f"You were put out of the room {record.name!r}, and have no say in it. Ask for an invitation.")
    if actor.name != record.created_by:
        owner = f"{record.created_by}, who made it," if record.created_by != SYSTEM else "nobody"
        raise Forbidden(f"This is for the owner of the room {record.name!r} ({owner} or an administrator).")


def joined(clerk: Clerk, room: str, member: str, by: str) -> Fact:
    event = RoomEvent(clerk.seq(), room, RoomAction.JOINED, by, clerk.stamp, member)
    return Fact(event, changes=(Change("membership", f"{room}/{member}", Membership(room, member)),))


def gone_out(house: House, clerk: Clerk, room: str, member: str, by: str) -> tuple[Fact, ...]:
    """Out of a room, and of what it decides."""
    return (left(clerk, room, member, by), *decisions.without_voter(house, member, clerk, room))


def left(clerk: Clerk, room: str, member: str, by: str | None = None) -> Fact:
    event = RoomEvent(clerk.seq(), room, RoomAction.LEFT, by or member, clerk.stamp, member)
    return Fact(event, changes=(Change("membership", f"{room}/{member}", None),))


def _inside(house: House, actor: Actor, room: str) -> RoomRecord:
    record = house.room(room_name_of(room), actor)
    if actor.name not in house.in_room[record.name] and not actor.may(Action.ADMINISTER):
        raise Forbidden(f"{actor.name} is not in the room {record.name!r}. Join it first.")
    return record


def _event(  # noqa: PLR0913 - the fields of one event
    clerk: Clerk,
    room: RoomRecord,
    action: RoomAction,
    actor: Actor,
    *,
    member: str | None = None,
    text: str = "",
    changes: tuple[Change, ...] = (),
) -> Fact:
    event = RoomEvent(clerk.seq(), room.name, action, actor.name, clerk.stamp, member, text)
    alone = (actor.name, member) if action is RoomAction.INVITED and member else None
    return Fact(event, ends=alone, changes=changes)
