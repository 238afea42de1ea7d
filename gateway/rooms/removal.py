"""Removes a member or a room for good. Pure: (state, request) -> outcome.

The name of a removed member or room is never used again, so that nobody can impersonate it. Messages stay for those who
could read them. `gateway.runtime.departed_member_deliveries` ends the open deliveries of a removed member.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.access.tokens import is_in_force
from gateway.agent_control import approvals
from gateway.decisions import decision_rules
from gateway.mode_rules.turn_effects import withdraw_prompts
from gateway.model.records.state_tables import MEMBERSHIP, Owner
from gateway.model.records.stored_records import MemberRecord, RoomRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.model.system_messages import room_notice
from gateway.protocol.errors import BadRequest, Conflict, Forbidden
from gateway.protocol.events import MemberAction
from gateway.protocol.requests.member_requests import RemoveMember
from gateway.protocol.requests.room_requests import RemoveRoom
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import DEFAULT_ROOM, Scope, bare_name, canonical_room_name
from gateway.protocol.types.session_types import SessionStatus
from gateway.rooms import members, room_rules
from gateway.sessions import sessions, shared_documents


def remove_member(state: GatewayState, actor: Actor, request: RemoveMember, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.ADMINISTER)
    name = state.member(bare_name(request.member)).name
    _check_removable(state, actor, name, rule_context.now)
    facts = (
        *approvals.withdraw_asks(state, name, rule_context, f"{name} was removed"),
        *(room_rules.left_event(state, rule_context, room, name, actor.name) for room in sorted(state.rooms_of[name])),
        *decision_rules.remove_voter(state, name, rule_context),
        *shared_documents.remove_scope(state, actor, f"@{name}", rule_context),
        _remove_member_event(state, actor, name, rule_context),
    )
    return RuleOutcome(Done(facts[-1].event.seq), facts)


def _check_removable(state: GatewayState, actor: Actor, name: str, now: float) -> None:
    if name == actor.name:
        raise BadRequest("You cannot remove yourself. Use `bye` to leave.")
    if members.is_teams_person(state.members[name]):
        raise Conflict(f"{name} is the person to whom the team token belongs, and cannot be removed.")
    own = (one for one in state.tokens.values() if one.member == name)
    if any(Scope.ADMIN in one.scopes and is_in_force(state.tokens, one, now) for one in own):
        raise Forbidden(f"{name} is an administrator and cannot be removed. Revoke its tokens instead.")


def _remove_member_event(state: GatewayState, actor: Actor, name: str, rule_context: RuleContext) -> EventToCommit:
    known = state.members[name]
    member = msgspec.structs.replace(known.member, hidden=True, inbox=False, role=None, capabilities=())
    record = MemberRecord(member, removed=True, identity=known.identity)  # nor does its identity come back
    fact = members.member_event(rule_context, MemberAction.LEFT, record, actor.name)
    return EventToCommit(fact.event, changes=(*fact.changes, *state.without(Owner.MEMBER, name)))


def remove_room(state: GatewayState, actor: Actor, request: RemoveRoom, rule_context: RuleContext) -> RuleOutcome:
    record = state.room(canonical_room_name(request.room), actor)
    room_rules.check_owner_of_room(record, actor)
    if record.name == DEFAULT_ROOM:
        raise Conflict(f"The room {DEFAULT_ROOM!r} is the default room and cannot be removed.")
    return room_removal(state, actor, record, rule_context)


def room_removal(state: GatewayState, actor: Actor, record: RoomRecord, rule_context: RuleContext) -> RuleOutcome:
    """The events that remove a room. The caller has checked the right to do so."""
    readers = tuple(sorted(state.in_room[record.name]))
    gone = msgspec.structs.replace(record, removed=True, invited=(), out=(), readers=readers)
    said = room_notice(
        record.name, f"{actor.name} removed the room {record.name}. Its messages stay readable.", rule_context
    )
    changes = (StateChange("room", record.name, gone), *state.without(Owner.ROOM, record.name))
    facts = (
        EventToCommit(said.event, ends=readers, changes=changes),
        *_end_room_matters(state, actor, record, rule_context),
        *(_put_out_event(state, rule_context, record.name, name, actor.name) for name in readers),
    )
    return RuleOutcome(Done(said.event.seq), facts)


def _end_room_matters(
    state: GatewayState, actor: Actor, record: RoomRecord, rule_context: RuleContext
) -> Iterator[EventToCommit]:
    """End the mode, decisions and sessions of a removed room."""
    yield from withdraw_prompts(state, record.name, state.floor(record.name), rule_context)
    for decision in [one for one in state.decisions.values() if one.room == record.name and one.pending]:
        yield from decision_rules.cancel_decision(state, decision, rule_context)[1]
    for session in [one for one in state.sessions.values() if one.room == record.name]:
        if session.status is not SessionStatus.COMPLETED:
            yield sessions.complete_session(session, f"The room was removed by {actor.name}.", actor.name, rule_context)
    yield from shared_documents.remove_scope(state, actor, f"#{record.name}", rule_context)


def _put_out_event(state: GatewayState, rule_context: RuleContext, room: str, member: str, by: str) -> EventToCommit:
    """Tell one member that it is out. No member is left in the room who could be told of the others. What else leaving
    changes of a room is not done: it would bring the room back as it was before."""
    fact = room_rules.left_event(state, rule_context, room, member, by)
    changes = tuple(one for one in fact.changes if one.kind == MEMBERSHIP.name)
    return EventToCommit(fact.event, ends=(member,), changes=changes)
