"""Members that a dialect registers for callers without a token. Pure.

A dialect may speak for the guests that it registered, and for nobody else, as the team token may for its members. Once
a guest has its own token, the dialect may no longer speak for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from gateway.access.permissions import Actor
from gateway.model.records.state_tables import COST, Owner
from gateway.model.records.stored_records import MemberRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.model.transient_member_state import LiveMember
from gateway.protocol.errors import Conflict, NameTaken
from gateway.protocol.events import MemberAction
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import RESERVED_NAMES, SYSTEM_NAME, TEAM_NAME, Member, MemberKind
from gateway.rooms import members, removal, room_rules

MAX_GUESTS_PER_DIALECT = 1000
MAX_KEPT_CALLERS = 200
ABSENT_MEMBER = LiveMember()
FORBIDDEN_GUEST_NAMES = RESERVED_NAMES | {members.TEAM_PERSON_NAME, TEAM_NAME}


def guests_of(state: GatewayState, dialect: str) -> Iterator[Member]:
    return (record.member for record in state.members.values() if record.dialect == dialect)


def is_guest(state: GatewayState, dialect: str, name: str) -> bool:
    record = state.members.get(name)
    return record is not None and record.dialect == dialect


def guest_actor(state: GatewayState, dialect: str, name: str) -> Actor:
    """The actor for a guest of this dialect; refused for any other member."""
    record = state.members.get(name)
    if record is None or record.dialect != dialect:
        raise NameTaken(f"{name!r} is not a guest of {dialect}. Use the member's own token to send as it.")
    return Actor(name, record.member.kind)


def admit_guest(state: GatewayState, wish: MemberRecord, rule_context: RuleContext) -> tuple[EventToCommit, ...]:
    """Admit a guest: a new one, one that comes back, or one that is still here."""
    name = members.normalize_descriptions(wish.member).name
    known = state.members.get(name)
    if name in FORBIDDEN_GUEST_NAMES or (known is not None and known.dialect != wish.dialect):
        raise NameTaken(f"The name {name!r} belongs to another member. Choose another name.")
    facts: list[EventToCommit] = []
    if known is None:
        fact = members.member_event(rule_context, MemberAction.REGISTERED, wish, name)
        facts.append(EventToCommit(fact.event, changes=(*_make_space(state, wish.dialect), *fact.changes)))
    elif (record := _merge_guest_record(known, wish)) != known:
        facts.append(members.member_event(rule_context, _member_action_for(known), record, name))
    facts.extend(members.join_default_room(state, name, name, rule_context))
    if known is None:
        facts.extend(_remove_ownerless_rooms(state, frozenset(members_removed_by(facts)), rule_context))
    return tuple(facts)


def members_removed_by(facts: Iterable[EventToCommit]) -> list[str]:
    """The names of the members that these events remove."""
    changes = (change for fact in facts for change in fact.changes)
    return [change.key for change in changes if change.kind == "member" and change.value is None]


def _make_space(state: GatewayState, dialect: str) -> tuple[StateChange, ...]:
    """Anybody who reaches the port can create guests, so their number is bounded. A newcomer replaces the guest that
    has been away longest, preferring one without waiting messages and without a proven key."""
    mine = [record for record in state.members.values() if record.dialect == dialect]
    if len(mine) < MAX_GUESTS_PER_DIALECT:
        return _remove_old_callers(state, dialect)
    away = [one for one in mine if not _live_of(state, one).is_connected]
    if not away:
        raise Conflict(
            f"{MAX_GUESTS_PER_DIALECT} guests are connected over {dialect} without a token, which is the maximum. "
            "Connect with a token, or try again later."
        )
    return _remove_guest_changes(state, min(away, key=lambda one: _keep_rank(state, one)).member.name)


def _keep_rank(state: GatewayState, record: MemberRecord) -> tuple[bool, bool, float]:
    return state.queued.get(record.member.name, 0) > 0, record.proven, _live_of(state, record).lost


def _live_of(state: GatewayState, record: MemberRecord) -> LiveMember:
    return state.live.get(record.member.name, ABSENT_MEMBER)


def _remove_guest_changes(state: GatewayState, name: str) -> tuple[StateChange, ...]:
    """Nothing of a forgotten guest stays, as its name may come again: whoever takes it is another one."""
    outside = tuple(StateChange("membership", f"{room}/{name}", None) for room in state.rooms_of[name])
    cost = (StateChange(COST.name, name, None),) if name in state.costs else ()
    return (*outside, *cost, *state.without(Owner.MEMBER, name), StateChange("member", name, None))


def _remove_ownerless_rooms(
    state: GatewayState, forgotten: frozenset[str], rule_context: RuleContext
) -> Iterator[EventToCommit]:
    """The number of rooms of guests is bounded: an empty room is removed when its creator is forgotten."""
    itself = Actor(SYSTEM_NAME, MemberKind.SYSTEM)
    for record in [one for one in state.rooms.values() if not one.removed]:
        made_by = record.created_by
        is_known = made_by in state.members and made_by not in forgotten
        if room_rules.is_or_was_guest(state, made_by) and not is_known and state.in_room[record.name] <= forgotten:
            yield from removal.room_removal(state, itself, record, rule_context).events


def _remove_old_callers(state: GatewayState, dialect: str) -> tuple[StateChange, ...]:
    """Remove the oldest guest that cannot come back, because it has neither an inbox nor a key. The most recent ones
    stay, so that their last messages keep an author."""
    gone = [
        one.member.name
        for one in state.members.values()
        if one.dialect == dialect and one.member.hidden and not one.member.inbox and not one.key
    ]
    return _remove_guest_changes(state, gone[0]) if len(gone) >= MAX_KEPT_CALLERS else ()


def _merge_guest_record(known: MemberRecord, wish: MemberRecord) -> MemberRecord:
    before, after = known.member, wish.member
    member = msgspec.structs.replace(
        before,
        hidden=False,
        inbox=before.inbox or after.inbox,
        project=after.project or before.project,
        capabilities=after.capabilities or before.capabilities,
        role=after.role or before.role,
        priority=after.priority,
    )
    return msgspec.structs.replace(known, member=member, proven=known.proven or wish.proven, named_only=wish.named_only)


def _member_action_for(known: MemberRecord) -> MemberAction:
    return MemberAction.RETURNED if known.member.hidden else MemberAction.CHANGED


def hide_guest(state: GatewayState, dialect: str, name: str, rule_context: RuleContext) -> RuleOutcome:
    """Hide a guest that has disconnected. Its waiting messages stay. A guest that got its own token stays visible."""
    if not is_guest(state, dialect, name):
        return RuleOutcome(Done())
    return members.leave_chat(state, name, name, rule_context)


def remove_departed_guest(state: GatewayState, dialect: str, name: str, rule_context: RuleContext) -> RuleOutcome:
    """Remove a guest that exists only while it is connected: it leaves its rooms too, and gets no messages while
    away."""
    if not is_guest(state, dialect, name):
        return RuleOutcome(Done())
    outside = tuple(room_rules.left_event(state, rule_context, room, name) for room in sorted(state.rooms_of[name]))
    outcome = members.leave_chat(state, name, name, rule_context)
    return RuleOutcome(outcome.result, (*outside, *outcome.events))
