"""The rules of rooms: create, join, invite, leave, kick. Pure: (state, request, rule_context) -> outcome."""

from __future__ import annotations

from collections import Counter

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.access.rate_limit import MAX_ROOMS, MAX_ROOMS_OF_GUESTS, MAX_ROOMS_PER_MEMBER
from gateway.decisions import decision_rules
from gateway.model.records.stored_records import Membership, RoomRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import MACHINES, GatewayState
from gateway.model.system_messages import direct_notice, room_notice
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, RoomExists
from gateway.protocol.events import RoomAction, RoomEvent
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join, Kick, Leave, SetTopic
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import (
    DEFAULT_ROOM,
    SYSTEM_NAME,
    MemberKind,
    bare_name,
    canonical_room_name,
    check_message_text,
)
from gateway.sealed_rooms.keyless_members import (
    check_can_be_in_sealed_room,
    check_may_have_keys,
    refuse_in_sealed_room,
)
from gateway.sealed_rooms.room_key_rules import key_due_changes


def create_room(state: GatewayState, actor: Actor, request: CreateRoom, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.SEND)
    name = canonical_room_name(request.room)
    if name in state.rooms:
        raise RoomExists(f"A room {name!r} exists or existed, and a name cannot be used again. Choose another name.")
    _check_room_limit(state, actor)
    check_message_text(request.topic, what="topic")
    if request.sealed:
        _check_may_seal(state, actor, request)
    invite_only = request.invite_only or request.sealed
    record = RoomRecord(name, request.topic, invite_only, actor.name, (actor.name,), sealed=request.sealed)
    facts = (
        _room_event(
            rule_context,
            record,
            RoomAction.CREATED,
            actor,
            changes=(StateChange("room", name, record),),
            text=request.topic,
        ),
        joined_event(rule_context, record, actor.name, actor.name),
    )
    return RuleOutcome(Done(facts[0].event.seq), facts)


def _check_may_seal(state: GatewayState, actor: Actor, request: CreateRoom) -> None:
    check_may_have_keys(state, actor)
    if request.topic:
        raise BadRequest("A sealed room has no topic: the topic of a sealed room would be readable.")


def _check_room_limit(state: GatewayState, actor: Actor) -> None:
    """Bound the number of rooms, because rooms stay and every member is told of the open ones. The gateway itself
    creates rooms only on a person's order. A person can always create one, and guests have a bound of their own."""
    if actor.kind is MemberKind.SYSTEM:
        return
    makers = Counter(one.created_by for one in state.rooms.values() if not one.removed)
    if makers[actor.name] >= MAX_ROOMS_PER_MEMBER:
        raise Conflict(
            f"{actor.name} has created {MAX_ROOMS_PER_MEMBER} rooms, which is the maximum. Remove one of them first."
        )
    if _is_guest_here(state, actor.name):
        if sum(count for name, count in makers.items() if is_or_was_guest(state, name)) >= MAX_ROOMS_OF_GUESTS:
            raise Conflict(
                f"Members without a token have created {MAX_ROOMS_OF_GUESTS} rooms, which is the maximum. "
                "Connect with a token to create one."
            )
        return
    programs = sum(count for name, count in makers.items() if _is_program_member(state, name))
    if actor.kind is not MemberKind.HUMAN and not actor.may(Permission.ADMINISTER) and programs >= MAX_ROOMS:
        raise Conflict(
            f"Agents and tools have created {MAX_ROOMS} rooms, which is the maximum. Remove one of them first."
        )


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


def set_room_topic(state: GatewayState, actor: Actor, request: SetTopic, rule_context: RuleContext) -> RuleOutcome:
    record = _room_of_member(state, actor, request.room)
    refuse_in_sealed_room(state, record.name, "its topic would be readable, so it has none")
    check_message_text(request.topic, what="topic")
    changed = msgspec.structs.replace(record, topic=request.topic)
    fact = _room_event(
        rule_context,
        record,
        RoomAction.TOPIC,
        actor,
        changes=(StateChange("room", record.name, changed),),
        text=request.topic,
    )
    return RuleOutcome(Done(fact.event.seq), (fact,))


def invite_member(state: GatewayState, actor: Actor, request: Invite, rule_context: RuleContext) -> RuleOutcome:
    """Permit a member to join. A program that a person invites is in the room at once, because nobody sits at it who
    could join."""
    record = _room_of_member(state, actor, request.room)
    guest = state.member(bare_name(request.member)).name
    if guest in state.in_room[record.name]:
        return RuleOutcome(Done())
    check_can_be_in_sealed_room(state, record, guest)
    changed = msgspec.structs.replace(
        record, invited=tuple(sorted({*record.invited, guest})), out=tuple(one for one in record.out if one != guest)
    )
    fact = _room_event(
        rule_context,
        record,
        RoomAction.INVITED,
        actor,
        member=guest,
        changes=(StateChange("room", record.name, changed),),
    )
    if _is_taken_in(state, actor, guest):
        return RuleOutcome(Done(fact.event.seq), (fact, joined_event(rule_context, record, guest, actor.name)))
    return RuleOutcome(Done(fact.event.seq), (fact, *_invited_notice(state, record, guest, actor.name, rule_context)))


def _invited_notice(
    state: GatewayState, record: RoomRecord, guest: str, by: str, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    """Tell a person who may join now: the events of the room go only to those who are in it."""
    if state.members[guest].member.kind is not MemberKind.HUMAN or guest in record.invited:
        return ()
    text = f"{by} invites you to the room {record.name}. `/join {record.name}` enters it."
    return (direct_notice(DEFAULT_ROOM, guest, text, rule_context),)


def _is_taken_in(state: GatewayState, actor: Actor, guest: str) -> bool:
    """A program without an inbox would get nothing there, and a program's invitation only permits: an agent must not
    draw another one into a conversation."""
    invited = state.members[guest].member
    may_take_in = actor.kind is MemberKind.HUMAN or actor.may(Permission.ADMINISTER)
    return may_take_in and invited.kind in MACHINES and invited.inbox


def join_room(state: GatewayState, actor: Actor, request: Join, rule_context: RuleContext) -> RuleOutcome:
    record = state.room(canonical_room_name(request.room), actor)
    if actor.name in state.in_room[record.name]:
        return RuleOutcome(Done())
    check_may_enter(state, record, actor)
    fact = joined_event(rule_context, record, actor.name, actor.name)
    return RuleOutcome(Done(fact.event.seq), (fact,))


def leave_room(state: GatewayState, actor: Actor, request: Leave, rule_context: RuleContext) -> RuleOutcome:
    record = state.room(canonical_room_name(request.room), actor)
    if actor.name not in state.in_room[record.name]:
        raise Conflict(f"{actor.name} is not in the room {record.name!r}.")
    facts = leave_room_events(state, rule_context, record.name, actor.name, actor.name)
    return RuleOutcome(Done(facts[0].event.seq), facts)


def check_may_enter(state: GatewayState, record: RoomRecord, actor: Actor) -> None:
    check_can_be_in_sealed_room(state, record, actor.name, by_team=actor.team)
    if state.may_come_in(record, actor):
        return
    why = "you were removed from it" if actor.name in record.out else "it is invite-only"
    raise Forbidden(f"You cannot join the room {record.name!r}: {why}. Ask one of its members for an invitation.")


def kick_member(state: GatewayState, actor: Actor, request: Kick, rule_context: RuleContext) -> RuleOutcome:
    """Remove a member from a room, or withdraw its invitation. It needs a new invitation to join again."""
    record = state.room(canonical_room_name(request.room), actor)
    check_owner_of_room(record, actor)
    member = state.member(bare_name(request.member)).name
    if member == actor.name:
        raise BadRequest(f"You cannot remove yourself from the room {record.name!r}. Use `room.leave` to leave it.")
    inside = member in state.in_room[record.name]
    if not inside and member not in record.invited:
        raise Conflict(f"{member} is neither in the room {record.name!r} nor invited.")
    out = msgspec.structs.replace(_without_invitation(record, member), out=tuple(sorted({*record.out, member})))
    gone = leave_room_events(state, rule_context, record.name, member, actor.name) if inside else ()
    what = "removed {} from the room" if inside else "withdrew the invitation of {}"
    said = room_notice(
        record.name,
        f"{actor.name} {what.format(member)}.",
        rule_context,
        changes=(StateChange("room", record.name, out), *key_due_changes(state, (record.name,))),
    )
    return RuleOutcome(
        Done(said.event.seq), (*gone, said, *_kicked_notice(record.name, member, actor.name, rule_context, inside))
    )


def _kicked_notice(
    room: str, member: str, by: str, rule_context: RuleContext, inside: bool
) -> tuple[EventToCommit, ...]:
    """Tell the kicked member by itself, because it no longer gets the room's events."""
    if not inside:
        return ()
    text = f"{by} removed you from the room {room}. You can join again when one of its members invites you."
    return (direct_notice(room, member, text, rule_context),)


def check_owner_of_room(record: RoomRecord, actor: Actor) -> None:
    """Only the room's creator, unless it was kicked, and administrators pass."""
    actor.require(Permission.SEND)
    if actor.may(Permission.ADMINISTER):
        return
    if actor.name in record.out:
        raise Forbidden(f"You were removed from the room {record.name!r} and cannot change it. Ask for an invitation.")
    if actor.name != record.created_by:
        owner = f"{record.created_by}, who created it, or " if record.created_by != SYSTEM_NAME else ""
        raise Forbidden(f"Only the owner of the room {record.name!r} may do this ({owner}an administrator).")


def joined_event(rule_context: RuleContext, room: RoomRecord, member: str, by: str) -> EventToCommit:
    event = RoomEvent(
        rule_context.seq(), room.name, RoomAction.JOINED, by, rule_context.stamp, member, sealed=room.sealed
    )
    entered = StateChange("membership", f"{room.name}/{member}", Membership(room.name, member))
    return EventToCommit(event, changes=(entered,))


def leave_room_events(
    state: GatewayState, rule_context: RuleContext, room: str, member: str, by: str
) -> tuple[EventToCommit, ...]:
    """Take a member out of a room and of its open decisions."""
    return (
        left_event(state, rule_context, room, member, by),
        *decision_rules.remove_voter(state, member, rule_context, room),
    )


def left_event(
    state: GatewayState, rule_context: RuleContext, room: str, member: str, by: str | None = None
) -> EventToCommit:
    """Whoever leaves a sealed room knows its key, so from here on the room needs another. Who returns must be admitted
    again, so the invitation ends, too."""
    event = RoomEvent(rule_context.seq(), room, RoomAction.LEFT, by or member, rule_context.stamp, member)
    changes = [StateChange("membership", f"{room}/{member}", None), *key_due_changes(state, (room,))]
    record = state.rooms[room]
    if record.sealed:
        changes.append(StateChange("room", room, _without_invitation(record, member)))
    return EventToCommit(event, changes=tuple(changes))


def _without_invitation(record: RoomRecord, member: str) -> RoomRecord:
    return msgspec.structs.replace(record, invited=tuple(one for one in record.invited if one != member))


def _room_of_member(state: GatewayState, actor: Actor, room: str) -> RoomRecord:
    record = state.room(canonical_room_name(room), actor)
    if actor.name not in state.in_room[record.name] and not actor.may(Permission.ADMINISTER):
        raise Forbidden(f"{actor.name} is not in the room {record.name!r}. Join it first.")
    return record


def _room_event(  # noqa: PLR0913 - the fields of one event
    rule_context: RuleContext,
    room: RoomRecord,
    action: RoomAction,
    actor: Actor,
    *,
    member: str | None = None,
    text: str = "",
    changes: tuple[StateChange, ...] = (),
) -> EventToCommit:
    event = RoomEvent(
        rule_context.seq(), room.name, action, actor.name, rule_context.stamp, member, text, sealed=room.sealed
    )
    alone = (actor.name, member) if action is RoomAction.INVITED and member else None
    return EventToCommit(event, ends=alone, changes=changes)
