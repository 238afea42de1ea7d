"""The rules of coming and going: hello, registering, leaving, tokens. Pure: (request, clerk) -> ruling."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from gateway import asks
from gateway import room as rooms
from gateway.facts import Change, Clerk, Fact, Ruling
from gateway.house import AWAY_AFTER, House
from gateway.lookalikes import need_own_display
from gateway.notices import notice
from gateway.paging import page, same
from gateway.protocol import OLDEST_VERSION, VERSION
from gateway.protocol.errors import BadRequest, Forbidden, NameTaken, NotFound, Unauthorized, VersionMismatch
from gateway.protocol.events import MemberAction, MemberEvent, RoomAction, RoomEvent
from gateway.protocol.nouns import (
    DEFAULT_ROOM,
    MAX_CAPABILITIES,
    SYSTEM,
    Member,
    MemberKind,
    Scope,
    agent_name_of,
    check_text,
    member_name_of,
    room_name_of,
)
from gateway.protocol.pages import token_key
from gateway.protocol.request_texts import one_line
from gateway.protocol.requests import CreateToken, Hello, Register, RevokeToken, RotateToken, SetRole, Tokens
from gateway.protocol.results import Done, Registered, TokenInfo, TokenList, TokenMade
from gateway.records import MemberRecord, RoomRecord
from gateway.rights import Action, Actor
from gateway.stamps import iso, moment
from gateway.tokens import TokenRecord, check, has_own, identity_of, in_force, mint

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


def identify(house: House, token: str, now: float) -> Actor:
    """The actor a member's own token stands for."""
    record = check(token, house.tokens.get(identity_of(token) or ""), now)
    found = house.members.get(record.member)
    if found is None or is_teams_person(found):
        raise Unauthorized("This token is not valid here.")
    if not in_force(house.tokens, record, now):
        raise Unauthorized(f"The token by which {record.member} asked for this one is not valid any more. Ask again.")
    scopes = frozenset() if record.hands else frozenset(record.scopes)
    return Actor(
        record.member, found.member.kind, scopes, token=record.id, hands=record.hands, read_only=record.read_only
    )


def is_teams_person(record: MemberRecord) -> bool:
    """The person whom the team token stands for. It has no token of its own: with one, the team token would have made
    itself a person, with the rights of one."""
    return record.by_team and record.member.kind is MemberKind.HUMAN


def need_token(house: House, actor: Actor, now: float) -> None:
    """Whoever waits for long may have lost the right to meanwhile."""
    if actor.token and not in_force(house.tokens, house.tokens.get(actor.token), now):
        raise Unauthorized("This token is not valid any more.")


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
    return _registered(house, member, actor.name, clerk, by_team=True)


def hello(house: House, actor: Actor, request: Hello, clerk: Clerk) -> tuple[Fact, ...]:
    if request.version < OLDEST_VERSION:
        raise VersionMismatch(
            f"This gateway speaks versions {OLDEST_VERSION} to {VERSION} of the protocol, not {request.version}."
        )
    if actor.read_only:
        _need_nothing_new(house, actor, request)
        return ()
    facts = [*admit(house, actor, clerk)]
    known = house.members.get(actor.name)
    before = known.member if known else Member(actor.name, actor.kind, TEAM_MEMBER_DISPLAY)
    if request.display is not None and request.display != before.display:
        need_own_display(house, actor.name, request.display)
    after = _as_asked(before, request)
    if after != before:
        action = MemberAction.RETURNED if before.hidden else MemberAction.CHANGED
        record = msgspec.structs.replace(known, member=after) if known else MemberRecord(after, actor.team)
        facts.append(member_fact(clerk, action, record, actor.name))
    joined_now = {fact.event.room for fact in facts if isinstance(fact.event, RoomEvent)}
    for name in _rooms_to_join(house, actor, request):
        if name not in house.rooms_of[actor.name] and name not in joined_now:
            facts.append(rooms.joined(clerk, name, actor.name, actor.name))
            joined_now.add(name)
    return tuple(facts)


def described(member: Member) -> Member:
    """A member with words about it that stand in one line wherever they are shown."""
    words = [*member.capabilities, member.project or "", member.display or ""]
    if len(words) > MAX_CAPABILITIES:
        raise BadRequest(f"{len(member.capabilities)} capabilities; at most {MAX_CAPABILITIES} are accepted.")
    for text in words:
        one_line(check_text(text, MAX_WORDS, "description of a member"), "description of a member")
    return member


def _need_nothing_new(house: House, actor: Actor, request: Hello) -> None:
    """A read-only token may listen, and is nobody by that."""
    wishes = (request.inbox, request.role, request.project, request.display, request.priority, request.capabilities)
    if any(wishes):
        actor.need_write("its hello cannot ask for an inbox, nor say who one is")
    for text in request.rooms:
        if room_name_of(text) not in house.rooms_of[actor.name]:
            house.room(room_name_of(text), actor)
            actor.need_write(f"its hello cannot enter the room {text[:80]!r}")


def _as_asked(member: Member, request: Hello) -> Member:
    described(
        Member(member.name, member.kind, request.display, None, request.project, capabilities=request.capabilities)
    )
    return msgspec.structs.replace(
        member,
        hidden=False,
        inbox=member.inbox or request.inbox,
        role=member_name_of(request.role) if request.role else member.role,
        project=request.project or member.project,
        display=request.display or member.display,
        priority=request.priority or member.priority,
        capabilities=request.capabilities or member.capabilities,
    )


def set_role(house: House, actor: Actor, request: SetRole, clerk: Clerk) -> Ruling:
    member = house.member(request.member.lower().removeprefix("@"))
    actor.need(Action.ROLE_OWN if member.name == actor.name else Action.ROLE)
    role = member_name_of(request.role) if request.role else None
    if role == member.role:
        return Ruling(Done())
    changed = msgspec.structs.replace(member, role=role)
    record = msgspec.structs.replace(house.members[member.name], member=changed)
    fact = member_fact(clerk, MemberAction.CHANGED, record, actor.name)
    return Ruling(Done(fact.event.seq), (fact,))


def _rooms_to_join(house: House, actor: Actor, request: Hello) -> Iterable[str]:
    """Those it asks for; without a wish the default room, unless it was put out of that."""
    if not request.rooms and _is_let_in(house, actor.name):
        yield DEFAULT_ROOM
    for text in request.rooms:
        record = house.room(room_name_of(text), actor)
        if actor.name not in house.in_room[record.name]:
            rooms.need_let_in(house, record, actor)
        yield record.name


def _is_let_in(house: House, name: str) -> bool:
    return name not in house.rooms[DEFAULT_ROOM].out


def register(house: House, actor: Actor, request: Register, clerk: Clerk, entropy: bytes) -> Ruling:
    """A member of this name with a token of its own; the name is refused to a stranger."""
    actor.need(Action.REGISTER)
    name = _name_for(request.name, request.kind)
    known = house.members.get(name)
    need_not_removed(name, known)
    if known is not None and not _is_owner(known, actor):
        raise NameTaken(f"{name!r} belongs to another token. Choose another name.", nearest=(free_name(house, name),))
    if MemberKind.HUMAN in (request.kind, known.member.kind if known else None):
        actor.need(Action.ADMINISTER)
    _need_kind(name, known, request.kind)
    role = member_name_of(request.role) if request.role else None
    member = Member(name, request.kind, role=role, project=request.project)
    facts = list(_registered(house, member, actor.name, clerk, by_team=actor.team))
    token, change = _new_token(name, clerk, entropy)
    facts[0] = Fact(facts[0].event, changes=(*facts[0].changes, change))
    event = facts[0].event
    assert isinstance(event, MemberEvent)
    return Ruling(Registered(event.member, token), tuple(facts))


def _name_for(text: str, kind: MemberKind) -> str:
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


def _need_kind(name: str, known: MemberRecord | None, kind: MemberKind) -> None:
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


def _registered(house: House, member: Member, by: str, clerk: Clerk, *, by_team: bool) -> tuple[Fact, ...]:
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
    if DEFAULT_ROOM in house.rooms_of[name] or not _is_let_in(house, name):
        return ()
    return (rooms.joined(clerk, DEFAULT_ROOM, name, by),)


def register_by_team(
    house: House, name: str, capabilities: Sequence[str], clerk: Clerk, entropy: bytes
) -> tuple[str, tuple[Fact, ...]]:
    """A simple client's member, with an inbox, and a token that replaces the one it got before."""
    _name_for(name, MemberKind.AGENT)
    member = described(Member(name, MemberKind.AGENT, inbox=True, capabilities=tuple(capabilities)))
    first, *rest = _registered(house, member, name, clerk, by_team=True)
    token, change = _new_token(name, clerk, entropy)
    old = tuple(Change("token", one.id, None) for one in house.tokens.values() if one.member == name)
    return token, (Fact(first.event, changes=(*first.changes, *old, change)), *rest, joined_the_team(name, clerk))


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
    unanswered = asks.withdrawn(house, name, clerk, f"{name} has left")
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


# tokens


def create_token(house: House, actor: Actor, request: CreateToken, clerk: Clerk, entropy: bytes) -> Ruling:
    """A member with a token, made by an administrator; an existing member's older tokens stay."""
    actor.need(Action.ADMINISTER)
    name = _name_for(request.name, request.kind)
    need_not_removed(name, house.members.get(name))
    _need_kind(name, house.members.get(name), request.kind)
    role = member_name_of(request.role) if request.role else None
    _need_scopes(request)
    inbox = request.kind is MemberKind.AGENT and not request.read_only
    facts = _registered(house, Member(name, request.kind, role=role, inbox=inbox), actor.name, clerk, by_team=False)
    expires = None if request.expires_in is None else clerk.now + request.expires_in
    token, change = _new_token(name, clerk, entropy, request, expires)
    first = facts[0]
    return Ruling(
        TokenMade(name, token, None if expires is None else iso(expires)),
        (Fact(first.event, changes=(*_owned(first.changes), change)), *facts[1:]),
    )


def _need_scopes(request: CreateToken) -> None:
    writing = [scope for scope in request.scopes if scope is not Scope.OBSERVER]
    if request.read_only and writing:
        raise BadRequest(f"A read-only token cannot have the scope {writing[0]}: it changes nothing.")


def create_hands(house: House, actor: Actor, clerk: Clerk, entropy: bytes) -> Ruling:
    """It ends with the token that asks for it."""
    if actor.team:
        raise Forbidden("The team token has no agent of its own. Register the agent first.")
    asking = house.tokens.get(actor.token)
    token, record = mint(entropy, actor.name, clerk.stamp, expires=asking.expires if asking else None)
    change = Change("token", record.id, msgspec.structs.replace(record, hands=True, parent=actor.token))
    old = [one for one in house.tokens.values() if one.member == actor.name and one.hands]
    fact = _token_fact(house, actor.name, actor, clerk, (change, *(Change("token", one.id, None) for one in old)))
    return Ruling(TokenMade(actor.name, token, None if record.expires is None else iso(record.expires)), (fact,))


def _owned(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    return tuple(
        Change(one.kind, one.key, MemberRecord(one.value.member)) if isinstance(one.value, MemberRecord) else one
        for one in changes
    )


def _new_token(
    name: str, clerk: Clerk, entropy: bytes, request: CreateToken | None = None, expires: float | None = None
) -> tuple[str, Change]:
    token, record = mint(entropy, name, clerk.stamp, request.scopes if request else (), expires)
    kept = msgspec.structs.replace(record, read_only=request is not None and request.read_only)
    return token, Change("token", kept.id, kept)


def tokens(house: House, actor: Actor, now: float, request: Tokens) -> TokenList:
    actor.need(Action.ADMINISTER)
    found = (_info_of(house, record, now) for record in house.tokens.values())
    shown, more = page(found, token_key, request.after, request.limit, same)
    return TokenList(shown, more)


def _info_of(house: House, record: TokenRecord, now: float) -> TokenInfo:
    return TokenInfo(
        name=record.member,
        id=record.id,
        created=record.created,
        scopes=record.scopes,
        expires=None if record.expires is None else iso(record.expires),
        revoked=not in_force(house.tokens, record, now),
        hands=record.hands,
        read_only=record.read_only,
    )


def revoke_token(house: House, actor: Actor, request: RevokeToken, clerk: Clerk) -> Ruling:
    """All tokens of a member, by its name, or a single one by its id."""
    actor.need(Action.ADMINISTER)
    records = _tokens_of(house, request.name)
    ended = {one.id: msgspec.structs.replace(one, revoked=True) for one in records}
    name = records[0].member
    fact = _token_fact(house, name, actor, clerk, tuple(Change("token", key, one) for key, one in ended.items()))
    last = not has_own({**house.tokens, **ended}, name, clerk.now)
    return Ruling(Done(fact.event.seq), (fact, *(without_token(house, name, actor.name, clerk) if last else ())))


def without_token(house: House, name: str, by: str, clerk: Clerk) -> tuple[Fact, ...]:
    """A member that cannot come back by itself has left: nothing waits for it. With a new token it is here again."""
    record = house.members.get(name)
    if record is None or record.by_team or record.dialect or record.removed:
        return ()
    away = msgspec.structs.replace(record.member, hidden=True, inbox=False)
    unanswered = asks.withdrawn(house, name, clerk, f"{name} has no token any more")
    gone = member_fact(clerk, MemberAction.LEFT, msgspec.structs.replace(record, member=away), by)
    return (*unanswered, gone)


def rotate_token(house: House, actor: Actor, request: RotateToken, clerk: Clerk, entropy: bytes) -> Ruling:
    """A new token with the rights and the lifetime of the newest one; the old ones end after the grace period."""
    actor.need(Action.ADMINISTER)
    records = _tokens_of(house, request.name)
    newest = next((one for one in reversed(records) if not one.hands), None)
    if newest is None:
        raise BadRequest(f"{request.name!r} is a token for an agent's tools: its sidecar makes a new one by itself.")
    ends = clerk.now + request.grace
    expires = None if newest.expires is None else clerk.now + newest.expires - moment(newest.created)
    token, record = mint(entropy, newest.member, clerk.stamp, newest.scopes, expires)
    record = msgspec.structs.replace(record, read_only=newest.read_only)
    old = tuple(
        Change("token", one.id, msgspec.structs.replace(one, expires=min(ends, one.expires or ends))) for one in records
    )
    fact = _token_fact(house, newest.member, actor, clerk, (*old, Change("token", record.id, record)))
    back = _back(house, newest, actor, clerk)
    return Ruling(TokenMade(newest.member, token, None if expires is None else iso(expires)), (fact, *back))


def _back(house: House, token: TokenRecord, actor: Actor, clerk: Clerk) -> tuple[Fact, ...]:
    """Whose last token had expired had left, and is here again with a new one."""
    known = house.members[token.member]
    if has_own(house.tokens, token.member, clerk.now) or not known.member.hidden:
        return ()
    inbox = known.member.inbox or (known.member.kind is MemberKind.AGENT and not token.read_only)
    member = msgspec.structs.replace(known.member, hidden=False, inbox=inbox)
    return (member_fact(clerk, MemberAction.RETURNED, msgspec.structs.replace(known, member=member), actor.name),)


def member_of_token(house: House, actor: Actor, name: str) -> str:
    """Whose token it is, by a member's name or a token's id."""
    actor.need(Action.ADMINISTER)
    return _tokens_of(house, name)[0].member


def _tokens_of(house: House, name: str) -> list[TokenRecord]:
    wanted = name.lower().removeprefix("@")
    found = [one for one in house.tokens.values() if wanted in (one.member, one.id) and not one.revoked]
    if not found:
        raise NotFound(f"There is no valid token for {name!r}. `groupchat token list` shows them.")
    return sorted(found, key=lambda one: one.created)


def _token_fact(house: House, name: str, actor: Actor, clerk: Clerk, changes: tuple[Change, ...]) -> Fact:
    event = MemberEvent(clerk.seq(), MemberAction.CHANGED, house.member(name), actor.name, clerk.stamp)
    return Fact(event, changes=changes)
