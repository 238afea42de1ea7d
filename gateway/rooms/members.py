"""The rules of members: registering, roles, leaving. Pure: (state, request, rule_context) -> outcome."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.access.tokens import create_token_record
from gateway.agent_control import approvals
from gateway.model.records.stored_records import MemberRecord, RoomRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import AWAY_AFTER_S, GatewayState
from gateway.model.system_messages import room_notice
from gateway.protocol.errors import BadRequest, NameTaken, NotFound
from gateway.protocol.events import MemberAction, MemberEvent, RoomAction, RoomEvent
from gateway.protocol.requests.member_requests import Register, SetRole
from gateway.protocol.results import Done, Registered
from gateway.protocol.text.text_validation import check_one_line
from gateway.protocol.types.core_types import (
    DEFAULT_ROOM,
    MAX_CAPABILITIES,
    SYSTEM_NAME,
    Member,
    MemberKind,
    bare_name,
    canonical_agent_name,
    canonical_member_name,
    check_message_text,
)
from gateway.rooms import room_rules

MAX_DESCRIPTION_CHARS = 1000
TEAM_PERSON_NAME = "human"
TEAM_PERSON_DISPLAY = "Human"


def initial_events(state: GatewayState, rule_context: RuleContext) -> tuple[EventToCommit, ...]:
    """The events of a new store: they create the default room."""
    if DEFAULT_ROOM in state.rooms:
        return ()
    record = RoomRecord(DEFAULT_ROOM, created_by=SYSTEM_NAME)
    event = RoomEvent(rule_context.seq(), DEFAULT_ROOM, RoomAction.CREATED, SYSTEM_NAME, rule_context.stamp)
    return (EventToCommit(event, changes=(StateChange("room", DEFAULT_ROOM, record),)),)


def is_teams_person(record: MemberRecord) -> bool:
    """Whether this is the person whom the team token stands for. It never gets its own token: otherwise the team token
    could give itself the rights of a person."""
    return record.by_team and record.member.kind is MemberKind.HUMAN


def team_actor(state: GatewayState, name: str = TEAM_PERSON_NAME) -> Actor:
    """The actor the team token stands for when it speaks as `name`."""
    record = state.members.get(name)
    if record is None and name == TEAM_PERSON_NAME:
        return Actor(TEAM_PERSON_NAME, MemberKind.HUMAN, team=True)
    if record is None:
        raise NotFound(f"{name!r} is not registered. Register it first with POST /register.")
    check_not_removed(name, record)
    if not record.by_team:
        owner = f"connected over {record.dialect}" if record.dialect else "has a token of its own"
        raise NameTaken(f"{name!r} {owner}; the team token cannot send as it.")
    return Actor(name, record.member.kind, team=True)


def admit_team_person(state: GatewayState, actor: Actor, rule_context: RuleContext) -> tuple[EventToCommit, ...]:
    """Create the member behind the team token on the token's first use."""
    if actor.name in state.members:
        return ()
    member = Member(actor.name, actor.kind, TEAM_PERSON_DISPLAY)
    return registered(state, member, actor.name, rule_context, by_team=True)


def normalize_descriptions(member: Member) -> Member:
    """The member with each description on one line."""
    words = [*member.capabilities, member.project or "", member.display or "", member.vendor]
    if len(member.capabilities) > MAX_CAPABILITIES:
        raise BadRequest(f"The hello has {len(member.capabilities)} capabilities; the maximum is {MAX_CAPABILITIES}.")
    for text in words:
        check_one_line(
            check_message_text(text, MAX_DESCRIPTION_CHARS, "description of a member"), "description of a member"
        )
    return member


def set_role(state: GatewayState, actor: Actor, request: SetRole, rule_context: RuleContext) -> RuleOutcome:
    member = state.member(bare_name(request.member))
    actor.require(Permission.ROLE_OWN if member.name == actor.name else Permission.ROLE)
    role = canonical_member_name(request.role) if request.role else None
    if role == member.role:
        return RuleOutcome(Done())
    changed = msgspec.structs.replace(member, role=role)
    record = msgspec.structs.replace(state.members[member.name], member=changed)
    fact = member_event(rule_context, MemberAction.CHANGED, record, actor.name)
    return RuleOutcome(Done(fact.event.seq), (fact,))


def may_enter_default_room(state: GatewayState, name: str) -> bool:
    return name not in state.rooms[DEFAULT_ROOM].out


def register_member(
    state: GatewayState, actor: Actor, request: Register, rule_context: RuleContext, entropy: bytes
) -> RuleOutcome:
    """Register a member of this name with its own token. Another member's name is refused."""
    actor.require(Permission.REGISTER)
    name = new_member_name(request.name, request.kind)
    known = state.members.get(name)
    check_not_removed(name, known)
    if known is not None and not _is_owner(known, actor):
        raise NameTaken(f"{name!r} belongs to another token. Choose another name.", nearest=(free_name(state, name),))
    if MemberKind.HUMAN in (request.kind, known.member.kind if known else None):
        actor.require(Permission.ADMINISTER)
    check_kind(name, known, request.kind)
    role = canonical_member_name(request.role) if request.role else None
    member = Member(name, request.kind, role=role, project=request.project)
    facts = list(registered(state, member, actor.name, rule_context, by_team=actor.team))
    token, record = create_token_record(entropy, name, rule_context.stamp)
    facts[0] = EventToCommit(facts[0].event, changes=(*facts[0].changes, StateChange("token", record.id, record)))
    event = facts[0].event
    assert isinstance(event, MemberEvent)
    return RuleOutcome(Registered(event.member, token), tuple(facts))


def new_member_name(text: str, kind: MemberKind) -> str:
    """The name of a new member. The name behind the team token is reserved for its person."""
    if kind is MemberKind.SYSTEM:
        raise BadRequest("A member cannot be of the kind 'system'.")
    name = canonical_agent_name(text) if kind is MemberKind.AGENT else canonical_member_name(text)
    if name == TEAM_PERSON_NAME and kind is not MemberKind.HUMAN:
        raise NameTaken(f"{name!r} is the person to whom the team token belongs. Choose another name.")
    return name


def check_not_removed(name: str, known: MemberRecord | None) -> None:
    if known is not None and known.removed:
        raise NameTaken(f"{name!r} was removed, and a removed name cannot be used again. Choose another name.")


def check_kind(name: str, known: MemberRecord | None, kind: MemberKind) -> None:
    if known is not None and known.member.kind is not kind:
        raise NameTaken(f"{name!r} already exists, as {known.member.kind}. Use --kind {known.member.kind}.")


def _is_owner(known: MemberRecord, actor: Actor) -> bool:
    return (known.by_team and actor.team) or actor.may(Permission.ADMINISTER)


def free_name(state: GatewayState, name: str) -> str:
    """`name`, or `name-2`, `name-3`, ... whichever is free first."""
    number = 1
    candidate = name
    while candidate in state.members:
        number += 1
        candidate = f"{name[:60]}-{number}"
    return candidate


def simple_client_name(state: GatewayState, name: str, now: float) -> str:
    """The name that a simple client gets: the one it asks for, if it is new or made by the team token and not in use,
    else the next free one. The person of the team is one member in all windows."""
    known = state.members.get(name)
    if known is None or (name == TEAM_PERSON_NAME and known.by_team):
        return name
    live = state.live.get(name)
    in_use = live is not None and (live.is_connected or now - live.heard < AWAY_AFTER_S) and not known.member.hidden
    return name if known.by_team and not in_use else free_name(state, name)


def registered(
    state: GatewayState, member: Member, by: str, rule_context: RuleContext, *, by_team: bool
) -> tuple[EventToCommit, ...]:
    known = state.members.get(member.name)
    if known is None:
        action, record = MemberAction.REGISTERED, MemberRecord(member, by_team, start_role=member.role)
    else:
        action = MemberAction.RETURNED if known.member.hidden else MemberAction.CHANGED
        record = _registered_again(known, member)
    return (
        member_event(rule_context, action, record, by),
        *join_default_room(state, member.name, by, rule_context),
    )


def _registered_again(known: MemberRecord, member: Member) -> MemberRecord:
    after = with_start_role(known, member.role)
    inbox = known.member.inbox or member.inbox
    again = msgspec.structs.replace(after.member, hidden=False, inbox=inbox, project=member.project)
    return MemberRecord(again, known.by_team, start_role=after.start_role, identity=known.identity)


def with_start_role(known: MemberRecord, role: str | None) -> MemberRecord:
    """The member is started with this role. It takes it only if the role is another than at its last start: else the
    room may have given it a different one since."""
    if role is None or role == known.start_role:
        return known
    return msgspec.structs.replace(known, member=msgspec.structs.replace(known.member, role=role), start_role=role)


def join_default_room(state: GatewayState, name: str, by: str, rule_context: RuleContext) -> tuple[EventToCommit, ...]:
    """Join the default room, unless the member was kicked from it."""
    if DEFAULT_ROOM in state.rooms_of[name] or not may_enter_default_room(state, name):
        return ()
    return (room_rules.joined_event(rule_context, state.rooms[DEFAULT_ROOM], name, by),)


def register_by_team(
    state: GatewayState, name: str, capabilities: Sequence[str], rule_context: RuleContext, entropy: bytes
) -> tuple[str, tuple[EventToCommit, ...]]:
    """Register a simple client's member with an inbox. Its new token replaces the earlier one."""
    new_member_name(name, MemberKind.AGENT)
    member = normalize_descriptions(Member(name, MemberKind.AGENT, inbox=True, capabilities=tuple(capabilities)))
    first, *rest = registered(state, member, name, rule_context, by_team=True)
    token, record = create_token_record(entropy, name, rule_context.stamp)
    old = tuple(StateChange("token", one.id, None) for one in state.tokens.values() if one.member == name)
    changes = (*first.changes, *old, StateChange("token", record.id, record))
    return token, (EventToCommit(first.event, changes=changes), *rest, team_joined_notice(name, rule_context))


def team_joined_notice(name: str, rule_context: RuleContext) -> EventToCommit:
    return room_notice(DEFAULT_ROOM, f"{name} joined the conversation", rule_context)


def leave_chat(state: GatewayState, name: str, by: str, rule_context: RuleContext) -> RuleOutcome:
    """Hide a member. Its name, its deliveries and its history stay."""
    record = state.members.get(name)
    if record is None:
        raise NotFound(f"There is no member {name!r}.")
    if record.member.hidden:
        return RuleOutcome(Done())
    hidden = msgspec.structs.replace(record, member=msgspec.structs.replace(record.member, hidden=True, vendor=""))
    unanswered = approvals.withdraw_asks(state, name, rule_context, f"{name} has left")
    fact = member_event(rule_context, MemberAction.LEFT, hidden, by)
    return RuleOutcome(Done(fact.event.seq), (*unanswered, fact))


def leave_team_token(state: GatewayState, name: str, rule_context: RuleContext) -> tuple[EventToCommit, ...]:
    """After the first use of its own token, the team token may no longer speak for the member."""
    record = state.members[name]
    if not record.by_team:
        return ()
    return (
        member_event(
            rule_context, MemberAction.CHANGED, MemberRecord(record.member, start_role=record.start_role), name
        ),
    )


def keep_named_messages(state: GatewayState, name: str, rule_context: RuleContext) -> tuple[EventToCommit, ...]:
    """Give a member an inbox for the messages that name it. An inbox that another client uses is left as it is."""
    record = state.members[name]
    if record.member.inbox:
        return ()
    member = msgspec.structs.replace(record.member, inbox=True)
    after = msgspec.structs.replace(record, member=member, named_only=True)
    return (member_event(rule_context, MemberAction.CHANGED, after, name),)


def member_event(rule_context: RuleContext, action: MemberAction, record: MemberRecord, by: str) -> EventToCommit:
    event = MemberEvent(rule_context.seq(), action, record.member, by, rule_context.stamp)
    return EventToCommit(event, changes=(StateChange("member", record.member.name, record),))


def leave_without_token(
    state: GatewayState, name: str, by: str, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    """A member without a valid token has left, and nothing waits for it. With a new token it joins again. A member of
    an identity provider stays: its tokens live for minutes, and the provider says whether it gets another one."""
    record = state.members.get(name)
    if record is None or record.by_team or record.dialect or record.removed or record.identity:
        return ()
    away = msgspec.structs.replace(record.member, hidden=True, inbox=False, vendor="")
    unanswered = approvals.withdraw_asks(state, name, rule_context, f"{name} has no valid token any more")
    gone = member_event(rule_context, MemberAction.LEFT, msgspec.structs.replace(record, member=away), by)
    return (*unanswered, gone)
