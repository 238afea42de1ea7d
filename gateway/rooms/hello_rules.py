"""The rules of a hello: who connects, in which role, and which rooms it joins. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.access.permissions import Actor
from gateway.model.records.stored_records import MemberRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit
from gateway.model.state import GatewayState
from gateway.protocol import OLDEST_VERSION, VERSION
from gateway.protocol.errors import VersionMismatch
from gateway.protocol.events import MemberAction, RoomEvent
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.types.core_types import DEFAULT_ROOM, Member, canonical_member_name, canonical_room_name
from gateway.rooms import room_rules
from gateway.rooms.lookalike_names import check_display_name
from gateway.rooms.members import (
    TEAM_PERSON_DISPLAY,
    admit_team_person,
    may_enter_default_room,
    member_event,
    normalize_descriptions,
    with_start_role,
)


def hello_events(
    state: GatewayState, actor: Actor, request: Hello, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    if request.version < OLDEST_VERSION:
        raise VersionMismatch(
            f"This gateway supports versions {OLDEST_VERSION} to {VERSION} of the protocol, not {request.version}. "
            "Update the client."
        )
    if actor.read_only:
        _check_read_only_hello(state, actor, request)
        return ()
    facts = [*admit_team_person(state, actor, rule_context)]
    known = state.members.get(actor.name)
    before = known.member if known else Member(actor.name, actor.kind, TEAM_PERSON_DISPLAY)
    if request.display is not None and request.display != before.display:
        check_display_name(state, actor.name, request.display)
    known = known or MemberRecord(before, actor.team)
    after = with_start_role(known, canonical_member_name(request.role) if request.role else None)
    after = msgspec.structs.replace(
        after, member=_member_after_hello(after.member, request), named_only=known.named_only and not request.inbox
    )
    if after != known:
        action = MemberAction.RETURNED if before.hidden else MemberAction.CHANGED
        facts.append(member_event(rule_context, action, after, actor.name))
    joined_now = {fact.event.room for fact in facts if isinstance(fact.event, RoomEvent)}
    for name in _rooms_to_join(state, actor, request):
        if name not in state.rooms_of[actor.name] and name not in joined_now:
            facts.append(room_rules.joined_event(rule_context, state.rooms[name], actor.name, actor.name))
            joined_now.add(name)
    return tuple(facts)


def _check_read_only_hello(state: GatewayState, actor: Actor, request: Hello) -> None:
    """A read-only token may only listen: its hello sets nothing and enters no new room."""
    wishes = (request.inbox, request.role, request.project, request.display, request.priority, request.capabilities)
    if any((*wishes, request.vendor)):
        actor.require_write(
            "its hello cannot ask for an inbox or set a role, a project, a display name, a priority, capabilities or a "
            "vendor"
        )
    for text in request.rooms:
        if canonical_room_name(text) not in state.rooms_of[actor.name]:
            state.room(canonical_room_name(text), actor)
            actor.require_write(f"its hello cannot join the room {text[:80]!r}")


def _member_after_hello(member: Member, request: Hello) -> Member:
    described = Member(member.name, member.kind, request.display, None, request.project)
    normalize_descriptions(
        msgspec.structs.replace(described, capabilities=request.capabilities, vendor=request.vendor or "")
    )
    return msgspec.structs.replace(
        member,
        hidden=False,
        inbox=member.inbox or request.inbox,
        project=request.project or member.project,
        display=request.display or member.display,
        priority=request.priority or member.priority,
        capabilities=request.capabilities or member.capabilities,
        vendor=member.vendor if request.vendor is None else request.vendor,
    )


def _rooms_to_join(state: GatewayState, actor: Actor, request: Hello) -> Iterable[str]:
    """The rooms that the hello names; if none, the default room, unless the member was kicked from it."""
    if not request.rooms and may_enter_default_room(state, actor.name):
        yield DEFAULT_ROOM
    for text in request.rooms:
        record = state.room(canonical_room_name(text), actor)
        if actor.name not in state.in_room[record.name]:
            room_rules.check_may_enter(state, record, actor)
        yield record.name
