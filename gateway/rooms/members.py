"""The rules of members: registering, roles, leaving. Pure: (request, clerk) -> ruling."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.access.tokens import mint
from gateway.agent_control import approvals
from gateway.model.log_events import Change, Clerk, Fact, Ruling
from gateway.model.records import MemberRecord, RoomRecord
from gateway.model.state import AWAY_AFTER, House
from gateway.model.system_messages import notice
from gateway.protocol.errors import BadRequest, NameTaken, NotFound
from gateway.protocol.events import MemberAction, MemberEvent, RoomAction, RoomEvent
from gateway.protocol.requests import Register, SetRole
from gateway.protocol.results import Done, Registered
from gateway.protocol.text.text_validation import one_line
from gateway.protocol.types import (
    DEFAULT_ROOM,
    MAX_CAPABILITIES,
    SYSTEM,
    Member,
    MemberKind,
    agent_name_of,
    bare_name,
    check_text,
    member_name_of,
)
from gateway.rooms import room_changes

MAX_WORDS = 1000
TEAM_MEMBER = "human"
TEAM_MEMBER_DISPLAY = "Human"


def first_facts(house: House, clerk: Clerk) -> tuple[Fact, ...]:
    """What a new house begins with: the default room."""
    if DEFAULT_ROOM in house.rooms:
        return ()
    record = RoomRecord(DEFAULT_ROOM, created_by=SYSTEM)
    event = RoomEvent(clerk.seq(), DEFAULT_ROOM, RoomAction.CREATED, SYSTEM, clerk.stamp)
    return (Fact(event, changes=(Change("room", DEFAULT_ROOM, record),)),)


def is_teams_person(record: MemberRecord) -> bool:
    """The person whom the team token stands for. It has no token of its own: with one, the team token would have made
    itself a person, with the rights of one."""
    return record.by_team and record.member.kind is MemberKind.HUMAN


def team_actor(house: House, name: str = TEAM_MEMBER) -> Actor:
    """The actor the team token stands for when it speaks as `name`."""
    record = house.members.get(name)
    if record is None and name == TEAM_MEMBER:
        return Actor(TEAM_MEMBER, MemberKind.HUMAN, team=True)
    if record is None:
        raise NotFound(f"{name!r} is not registered. POST /register first.")
    need_not_removed(name, record)
    if not record.by_team:
        owner = f"came by {record.dialect}" if record.dialect else "has a token of its own"
        raise NameTaken(f"{name!r} {owner}; the team token cannot speak for it.")
    return Actor(name, record.member.kind, team=True)


def admit(house: House, actor: Actor, clerk: Clerk) -> tuple[Fact, ...]:
    """The member behind the team token, made on its first use."""
    if actor.name in house.members:
        return ()
    member = Member(actor.name, actor.kind, TEAM_MEMBER_DISPLAY)
    return registered(house, member, actor.name, clerk, by_team=True)


def described(member: Member) -> Member:
    """A member with words about it that stand in one line wherever they are shown."""
    words = [*member.capabilities, member.project or "", member.display or ""]
    if len(words) > MAX_CAPABILITIES:
        raise BadRequest(f"{len(member.capabilities)} capabilities; at most {MAX_CAPABILITIES} are accepted.")
    for text in words:
        one_line(check_text(text, MAX_WORDS, "description of a member"), "description of a member")
    return member


def set_role(house: House, actor: Actor, request: SetRole, clerk: Clerk) -> Ruling:
    member = house.member(bare_name(request.member))
    actor.need(Action.ROLE_OWN if member.name == actor.name else Action.ROLE)
    role = member_name_of(request.role) if request.role else None
    if role == member.role:
        return Ruling(Done())
    changed = msgspec.structs.replace(member, role=role)
    record = msgspec.structs.replace(house.members[member.name], member=changed)
    fact = member_fact(clerk, MemberAction.CHANGED, record, actor.name)
    return Ruling(Done(fact.event.seq), (fact,))


def is_let_in(house: House, name: str) -> bool:
    return name not in house.rooms[DEFAULT_ROOM].out


def register(house: House, actor: Actor, request: Register, clerk: Clerk, entropy: bytes) -> Ruling:
    """A member of this name with a token of its own; the name is refused to a stranger."""
    actor.need(Action.REGISTER)
    name = name_for(request.name, request.kind)
    known = house.members.get(name)
    need_not_removed(name, known)
    if known is not None and not _is_owner(known, actor):
        raise NameTaken(f"{name!r} belongs to another token. Choose another name.", nearest=(free_name(house, name),))
    if MemberKind.HUMAN in (request.kind, known.member.kind if known else None):
        actor.need(Action.ADMINISTER)
    need_kind(name, known, request.kind)
    role = member_name_of(request.role) if request.role else None
    member = Member(name, request.kind, role=role, project=request.project)
    facts = list(registered(house, member, actor.name, clerk, by_team=actor.team))
    token, record = mint(entropy, name, clerk.stamp)
    facts[0] = Fact(facts[0].event, changes=(*facts[0].changes, Change("token", record.id, record)))
    event = facts[0].event
    assert isinstance(event, MemberEvent)
    return Ruling(Registered(event.member, token), tuple(facts))


def name_for(text: str, kind: MemberKind) -> str:
    """The name of a member to be made; the team token's own is a person's."""
    if kind is MemberKind.SYSTEM:
        raise BadRequest("A member cannot be of the kind 'system'.")
    name = agent_name_of(text) if kind is MemberKind.AGENT else member_name_of(text)
    if name == TEAM_MEMBER and kind is not MemberKind.HUMAN:
        raise NameTaken(f"{name!r} is the person that the team token stands for. Choose another name.")
    return name


def need_not_removed(name: str, known: MemberRecord | None) -> None:
    if known is not None and known.removed:
        raise NameTaken(f"{name!r} was removed, and names are not used again. Choose another one.")


def need_kind(name: str, known: MemberRecord | None, kind: MemberKind) -> None:
    if known is not None and known.member.kind is not kind:
        raise NameTaken(f"{name!r} is already here, as {known.member.kind}. Use --kind {known.member.kind}.")


def _is_owner(known: MemberRecord, actor: Actor) -> bool:
    return (known.by_team and actor.team) or actor.may(Action.ADMINISTER)


def free_name(house: House, name: str) -> str:
    """`name`, or `name-2`, `name-3`, ... whichever is free first."""
    number = 1
    candidate = name
    while candidate in house.members:
        number += 1
        candidate = f"{name[:60]}-{number}"
    return candidate


def team_name_for(house: House, name: str, now: float) -> str:
    """The name a simple client gets: its own again if the team token made it and nobody is using it, else the next.
    The human of the team is one member, through however many windows."""
    known = house.members.get(name)
    if known is None or (name == TEAM_MEMBER and known.by_team):
        return name
    live = house.live.get(name)
    in_use = live is not None and (live.connections > 0 or now - live.heard < AWAY_AFTER) and not known.member.hidden
    return name if known.by_team and not in_use else free_name(house, name)


def registered(house: House, member: Member, by: str, clerk: Clerk, *, by_team: bool) -> tuple[Fact, ...]:
    known = house.members.get(member.name)
    if known is not None:
        member = msgspec.structs.replace(
            known.member,
            hidden=False,
            inbox=known.member.inbox or member.inbox,
            role=member.role or known.member.role,
            project=member.project,
        )
    action = MemberAction.RETURNED if known else MemberAction.REGISTERED
    fact = member_fact(clerk, action, MemberRecord(member, known.by_team if known else by_team), by)
    return (fact, *joined_by_itself(house, member.name, by, clerk))


def joined_by_itself(house: House, name: str, by: str, clerk: Clerk) -> tuple[Fact, ...]:
    """Whoever comes is in the room where everybody is, unless it was put out of that."""
    if DEFAULT_ROOM in house.rooms_of[name] or not is_let_in(house, name):
        return ()
    return (room_changes.joined(clerk, DEFAULT_ROOM, name, by),)


def register_by_team(
    house: House, name: str, capabilities: Sequence[str], clerk: Clerk, entropy: bytes
) -> tuple[str, tuple[Fact, ...]]:
    """A simple client's member, with an inbox, and a token that replaces the one it got before."""
    name_for(name, MemberKind.AGENT)
    member = described(Member(name, MemberKind.AGENT, inbox=True, capabilities=tuple(capabilities)))
    first, *rest = registered(house, member, name, clerk, by_team=True)
    token, record = mint(entropy, name, clerk.stamp)
    old = tuple(Change("token", one.id, None) for one in house.tokens.values() if one.member == name)
    changes = (*first.changes, *old, Change("token", record.id, record))
    return token, (Fact(first.event, changes=changes), *rest, joined_the_team(name, clerk))


def joined_the_team(name: str, clerk: Clerk) -> Fact:
    return notice(DEFAULT_ROOM, f"{name} joined the conversation", clerk)


def leave_house(house: House, name: str, by: str, clerk: Clerk) -> Ruling:
    """Hide a member. Its name, its deliveries and its history stay."""
    record = house.members.get(name)
    if record is None:
        raise NotFound(f"There is no member {name!r}.")
    if record.member.hidden:
        return Ruling(Done())
    hidden = msgspec.structs.replace(record, member=msgspec.structs.replace(record.member, hidden=True))
    unanswered = approvals.withdrawn(house, name, clerk, f"{name} has left")
    fact = member_fact(clerk, MemberAction.LEFT, hidden, by)
    return Ruling(Done(fact.event.seq), (*unanswered, fact))


def own_token_used(house: House, name: str, clerk: Clerk) -> tuple[Fact, ...]:
    """From the first use of its own token on, a member is beyond the team token's reach."""
    record = house.members[name]
    if not record.by_team:
        return ()
    return (member_fact(clerk, MemberAction.CHANGED, MemberRecord(record.member), name),)


def member_fact(clerk: Clerk, action: MemberAction, record: MemberRecord, by: str) -> Fact:
    event = MemberEvent(clerk.seq(), action, record.member, by, clerk.stamp)
    return Fact(event, changes=(Change("member", record.member.name, record),))


def without_token(house: House, name: str, by: str, clerk: Clerk) -> tuple[Fact, ...]:
    """A member that cannot come back by itself has left: nothing waits for it. With a new token it is here again."""
    record = house.members.get(name)
    if record is None or record.by_team or record.dialect or record.removed:
        return ()
    away = msgspec.structs.replace(record.member, hidden=True, inbox=False)
    unanswered = approvals.withdrawn(house, name, clerk, f"{name} has no token any more")
    gone = member_fact(clerk, MemberAction.LEFT, msgspec.structs.replace(record, member=away), by)
    return (*unanswered, gone)
