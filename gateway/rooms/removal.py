"""Removes a member or a room for good. Pure: (state, request) -> outcome.

The name of a removed member or room is never used again, so that nobody can impersonate it. Messages stay for those who
could read them. `gateway.runtime.departed_members` ends the open deliveries of a removed member.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.access.tokens import is_in_force
from gateway.agent_control import approvals
from gateway.conversation import contexts, sessions
from gateway.decisions import decisions
from gateway.mode_rules.turn_effects import withdraw_prompts
from gateway.model.log_events import LogEvent, Outcome, Sequencer, StateChange
from gateway.model.records import MemberRecord, RoomRecord
from gateway.model.state import GatewayState
from gateway.model.system_messages import room_notice
from gateway.model.tables import Owner
from gateway.protocol.errors import BadRequest, Conflict, Forbidden
from gateway.protocol.events import MemberAction
from gateway.protocol.requests import RemoveMember, RemoveRoom
from gateway.protocol.results import Done
from gateway.protocol.session_nouns import SessionStatus
from gateway.protocol.types import DEFAULT_ROOM, Scope, bare_name, canonical_room_name
from gateway.rooms import members, room_changes


def remove_member(state: GatewayState, actor: Actor, request: RemoveMember, sequencer: Sequencer) -> Outcome:
    actor.require(Action.ADMINISTER)
    name = state.member(bare_name(request.member)).name
    _check_removable(state, actor, name, sequencer.now)
    facts = (
        *approvals.withdraw_asks(state, name, sequencer, f"{name} was removed"),
        *(room_changes.left_event(sequencer, room, name, actor.name) for room in sorted(state.rooms_of[name])),
        *decisions.remove_voter(state, name, sequencer),
        *contexts.remove_scope(state, actor, f"@{name}", sequencer),
        _remove_member_event(state, actor, name, sequencer),
    )
    return Outcome(Done(facts[-1].event.seq), facts)


def _check_removable(state: GatewayState, actor: Actor, name: str, now: float) -> None:
    if name == actor.name:
        raise BadRequest("Nobody removes itself. To leave, say `bye`.")
    if members.is_teams_person(state.members[name]):
        raise Conflict(f"{name} is the person that the team token stands for, and cannot be removed.")
    own = (one for one in state.tokens.values() if one.member == name)
    if any(Scope.ADMIN in one.scopes and is_in_force(state.tokens, one, now) for one in own):
        raise Forbidden(f"{name} is an administrator, and is not removed. Revoke its tokens instead.")


def _remove_member_event(state: GatewayState, actor: Actor, name: str, sequencer: Sequencer) -> LogEvent:
    member = msgspec.structs.replace(state.members[name].member, hidden=True, inbox=False, role=None, capabilities=())
    fact = members.member_event(sequencer, MemberAction.LEFT, MemberRecord(member, removed=True), actor.name)
    return LogEvent(fact.event, changes=(*fact.changes, *state.without(Owner.MEMBER, name)))


def remove_room(state: GatewayState, actor: Actor, request: RemoveRoom, sequencer: Sequencer) -> Outcome:
    record = state.room(canonical_room_name(request.room), actor)
    room_changes.check_owner_of_room(record, actor)
    if record.name == DEFAULT_ROOM:
        raise Conflict(f"The room {DEFAULT_ROOM!r} is where everybody is; it cannot be removed.")
    return room_removal(state, actor, record, sequencer)


def room_removal(state: GatewayState, actor: Actor, record: RoomRecord, sequencer: Sequencer) -> Outcome:
    """The events that remove a room. The caller has checked the right to do so."""
    readers = tuple(sorted(state.in_room[record.name]))
    gone = msgspec.structs.replace(record, removed=True, invited=(), out=(), readers=readers)
    said = room_notice(
        record.name, f"{actor.name} removed the room {record.name}. What was said stays readable.", sequencer
    )
    changes = (StateChange("room", record.name, gone), *state.without(Owner.ROOM, record.name))
    facts = (
        LogEvent(said.event, ends=readers, changes=changes),
        *_end_room_matters(state, actor, record, sequencer),
        *(_put_out_event(sequencer, record.name, name, actor.name) for name in readers),
    )
    return Outcome(Done(said.event.seq), facts)


def _end_room_matters(
    state: GatewayState, actor: Actor, record: RoomRecord, sequencer: Sequencer
) -> Iterator[LogEvent]:
    """End the mode, decisions and sessions of a removed room."""
    yield from withdraw_prompts(state, record.name, state.floor(record.name), sequencer)
    for decision in [one for one in state.decisions.values() if one.room == record.name and one.pending]:
        yield from decisions.cancel_decision(state, decision, sequencer)[1]
    for session in [one for one in state.sessions.values() if one.room == record.name]:
        if session.status is not SessionStatus.COMPLETED:
            yield sessions.complete_session(session, f"The room was removed by {actor.name}.", actor.name, sequencer)
    yield from contexts.remove_scope(state, actor, f"#{record.name}", sequencer)


def _put_out_event(sequencer: Sequencer, room: str, member: str, by: str) -> LogEvent:
    """Tell one member that it is out. No member is left in the room who could be told of the others."""
    fact = room_changes.left_event(sequencer, room, member, by)
    return LogEvent(fact.event, ends=(member,), changes=fact.changes)
