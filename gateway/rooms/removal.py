"""Taking a member or a room away for good. Pure: (house, request) -> ruling.

A name that is removed is never used again, so that nobody passes for who is gone. What was said stays as it was, for
those who could read it. What a removed member was owed is settled beside this (`gateway.runtime.departed_members`).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.access.tokens import in_force
from gateway.agent_control import approvals
from gateway.conversation import contexts, sessions
from gateway.decisions import decisions
from gateway.mode_rules.turn_effects import withdrawn
from gateway.model.log_events import Change, Clerk, Fact, Ruling
from gateway.model.records import MemberRecord, RoomRecord
from gateway.model.state import House
from gateway.model.system_messages import notice
from gateway.model.tables import Owner
from gateway.protocol.errors import BadRequest, Conflict, Forbidden
from gateway.protocol.events import MemberAction
from gateway.protocol.requests import RemoveMember, RemoveRoom
from gateway.protocol.results import Done
from gateway.protocol.session_nouns import SessionStatus
from gateway.protocol.types import DEFAULT_ROOM, Scope, bare_name, room_name_of
from gateway.rooms import members, room_changes


def remove_member(house: House, actor: Actor, request: RemoveMember, clerk: Clerk) -> Ruling:
    actor.need(Action.ADMINISTER)
    name = house.member(bare_name(request.member)).name
    _need_removable(house, actor, name, clerk.now)
    facts = (
        *approvals.withdrawn(house, name, clerk, f"{name} was removed"),
        *(room_changes.left(clerk, room, name, actor.name) for room in sorted(house.rooms_of[name])),
        *decisions.without_voter(house, name, clerk),
        *contexts.removed(house, actor, f"@{name}", clerk),
        _gone(house, actor, name, clerk),
    )
    return Ruling(Done(facts[-1].event.seq), facts)


def _need_removable(house: House, actor: Actor, name: str, now: float) -> None:
    if name == actor.name:
        raise BadRequest("Nobody removes itself. To leave, say `bye`.")
    if members.is_teams_person(house.members[name]):
        raise Conflict(f"{name} is the person that the team token stands for, and cannot be removed.")
    own = (one for one in house.tokens.values() if one.member == name)
    if any(Scope.ADMIN in one.scopes and in_force(house.tokens, one, now) for one in own):
        raise Forbidden(f"{name} is an administrator, and is not removed. Revoke its tokens instead.")


def _gone(house: House, actor: Actor, name: str, clerk: Clerk) -> Fact:
    member = msgspec.structs.replace(house.members[name].member, hidden=True, inbox=False, role=None, capabilities=())
    fact = members.member_fact(clerk, MemberAction.LEFT, MemberRecord(member, removed=True), actor.name)
    return Fact(fact.event, changes=(*fact.changes, *house.without(Owner.MEMBER, name)))


def remove_room(house: House, actor: Actor, request: RemoveRoom, clerk: Clerk) -> Ruling:
    record = house.room(room_name_of(request.room), actor)
    room_changes.need_owner(record, actor)
    if record.name == DEFAULT_ROOM:
        raise Conflict(f"The room {DEFAULT_ROOM!r} is where everybody is; it cannot be removed.")
    return removed_room(house, actor, record, clerk)


def removed_room(house: House, actor: Actor, record: RoomRecord, clerk: Clerk) -> Ruling:
    """By whoever may, or by the gateway itself."""
    readers = tuple(sorted(house.in_room[record.name]))
    gone = msgspec.structs.replace(record, removed=True, invited=(), out=(), readers=readers)
    said = notice(record.name, f"{actor.name} removed the room {record.name}. What was said stays readable.", clerk)
    changes = (Change("room", record.name, gone), *house.without(Owner.ROOM, record.name))
    facts = (
        Fact(said.event, ends=readers, changes=changes),
        *_ended(house, actor, record, clerk),
        *(_out(clerk, record.name, name, actor.name) for name in readers),
    )
    return Ruling(Done(said.event.seq), facts)


def _ended(house: House, actor: Actor, record: RoomRecord, clerk: Clerk) -> Iterator[Fact]:
    """What is under way in a room ends with it."""
    yield from withdrawn(house, record.name, house.floor(record.name), clerk)
    for decision in [one for one in house.decisions.values() if one.room == record.name and one.pending]:
        yield from decisions.cancelled(house, decision, clerk)[1]
    for session in [one for one in house.sessions.values() if one.room == record.name]:
        if session.status is not SessionStatus.COMPLETED:
            yield sessions.completed(session, f"The room was removed by {actor.name}.", actor.name, clerk)
    yield from contexts.removed(house, actor, f"#{record.name}", clerk)


def _out(clerk: Clerk, room: str, member: str, by: str) -> Fact:
    """Each is told that it is out; nobody is left there to be told of the others."""
    fact = room_changes.left(clerk, room, member, by)
    return Fact(fact.event, ends=(member,), changes=fact.changes)
