"""The rules of a sealed room's keys: who makes the next one, and which one a message must be sealed with. Pure.

A key belongs to one set of members. The gateway cannot see whether a notice is good; it only makes sure that versions
follow each other, that nothing is sealed with a key that somebody has who has left, and that members alone get it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.access.permissions import Actor
from gateway.model.records.stored_records import AdmissionRecord, RoomKeysRecord, RoomRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, Conflict, StaleRoomKey
from gateway.protocol.events import RoomKeyEvent
from gateway.protocol.requests.message_requests import NewRoomKey
from gateway.protocol.requests.room_requests import AdmitToRoomKey, SetRoomKey
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import bare_name, canonical_room_name
from gateway.sealed_rooms.keyless_members import check_may_have_keys
from gateway.sealed_rooms.sealed_form import check_base64

MAX_ADMISSIONS = 256  # a key has at most so many members


def set_room_key(state: GatewayState, actor: Actor, request: SetRoomKey, rule_context: RuleContext) -> RuleOutcome:
    room = own_sealed_room(state, actor, request.room)
    fact = next_key_event(state, actor, room, NewRoomKey(request.version, request.notice), rule_context)
    return RuleOutcome(Done(fact.event.seq), (fact,))


def next_key_event(
    state: GatewayState, actor: Actor, room: RoomRecord, new: NewRoomKey, rule_context: RuleContext
) -> EventToCommit:
    """Compare-and-set: of two members who make the next key at once, the second one takes that of the first."""
    check_base64(new.notice, "notice of a room key")
    before = keys_of(state, room.name)
    if new.version != before.version + 1:
        raise StaleRoomKey(
            f"The key of #{room.name} is version {before.version} now. The next one is {before.version + 1}."
        )
    seq = rule_context.seq()
    record = RoomKeysRecord(room.name, new.version, first=before.first or seq)
    event = RoomKeyEvent(seq, room.name, new.version, actor.name, rule_context.stamp, notice=new.notice)
    used = (StateChange("admission", key, None) for key in state.admissions_of(room.name))
    return EventToCommit(event, changes=(StateChange("room_keys", room.name, record), *used), about=record.first)


def admit_to_room_key(
    state: GatewayState, actor: Actor, request: AdmitToRoomKey, rule_context: RuleContext
) -> RuleOutcome:
    room = own_sealed_room(state, actor, request.room)
    check_base64(request.admission, "admission")
    member = state.member(bare_name(request.member)).name
    if member not in state.in_room[room.name] and member not in room.invited:
        raise Conflict(f"{member} is neither in #{room.name} nor invited. Invite {member} first.")
    key = f"{room.name}/{member}"
    waiting = state.admissions_of(room.name)
    if key not in waiting and len(waiting) >= MAX_ADMISSIONS:
        raise Conflict(f"{MAX_ADMISSIONS} admissions to #{room.name} wait, which is the maximum. Make a new key first.")
    version = keys_of(state, room.name).version
    event = RoomKeyEvent(
        rule_context.seq(), room.name, version, actor.name, rule_context.stamp, admission=request.admission
    )
    change = StateChange("admission", key, AdmissionRecord(room.name, member, request.admission))
    return RuleOutcome(Done(event.seq), (EventToCommit(event, changes=(change,)),))


def check_current_key(state: GatewayState, room: RoomRecord, version: int) -> None:
    """Refuse what is sealed with another key than the room's current one, or with one that somebody has who left."""
    keys = keys_of(state, room.name)
    if not keys.version:
        raise StaleRoomKey(f"#{room.name} has no key yet: make one first.")
    if version != keys.version:
        raise StaleRoomKey(f"The key of #{room.name} is version {keys.version} now.")
    if keys.due:
        raise StaleRoomKey(f"Somebody left #{room.name} since key {keys.version} was made: make a new one.")


def keys_of(state: GatewayState, room: str) -> RoomKeysRecord:
    return state.room_keys.get(room) or RoomKeysRecord(room)


def key_due_changes(state: GatewayState, rooms: Iterable[str]) -> tuple[StateChange, ...]:
    """The changes after which nobody may use the current keys of these rooms any more."""
    current = (state.room_keys.get(room) for room in rooms)
    due = (msgspec.structs.replace(one, due=True) for one in current if one is not None and not one.due)
    return tuple(StateChange("room_keys", one.room, one) for one in due)


def own_sealed_room(state: GatewayState, actor: Actor, name: str) -> RoomRecord:
    """The sealed room, if this actor is in it and can have keys."""
    check_may_have_keys(state, actor)
    room = state.own_room(canonical_room_name(name), actor)
    if not room.sealed:
        raise BadRequest(f"#{room.name} is not sealed, so it has no key. A room is sealed from its beginning or never.")
    return room
