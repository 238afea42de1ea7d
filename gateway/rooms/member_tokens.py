"""The rules of tokens: whom one stands for, and how they are made, ended and renewed. Pure."""

from __future__ import annotations

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.access.tokens import TokenRecord, check, has_own, identity_of, in_force, mint
from gateway.model.log_events import Change, Clerk, Fact, Ruling
from gateway.model.paging import page, same
from gateway.model.records import MemberRecord
from gateway.model.state import House
from gateway.protocol.errors import BadRequest, Forbidden, NotFound, Unauthorized
from gateway.protocol.events import MemberAction, MemberEvent
from gateway.protocol.pages import token_key
from gateway.protocol.requests import CreateToken, RevokeToken, RotateToken, Tokens
from gateway.protocol.results import Done, TokenInfo, TokenList, TokenMade
from gateway.protocol.timestamps import iso, moment
from gateway.protocol.types import Member, MemberKind, Scope, bare_name, member_name_of
from gateway.rooms.members import (
    is_teams_person,
    member_fact,
    name_for,
    need_kind,
    need_not_removed,
    registered,
    without_token,
)


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


def need_token(house: House, actor: Actor, now: float) -> None:
    """Whoever waits for long may have lost the right to meanwhile."""
    if actor.token and not in_force(house.tokens, house.tokens.get(actor.token), now):
        raise Unauthorized("This token is not valid any more.")


def create_token(house: House, actor: Actor, request: CreateToken, clerk: Clerk, entropy: bytes) -> Ruling:
    """A member with a token, made by an administrator; an existing member's older tokens stay."""
    actor.need(Action.ADMINISTER)
    name = name_for(request.name, request.kind)
    need_not_removed(name, house.members.get(name))
    need_kind(name, house.members.get(name), request.kind)
    role = member_name_of(request.role) if request.role else None
    _need_scopes(request)
    inbox = request.kind is MemberKind.AGENT and not request.read_only
    facts = registered(house, Member(name, request.kind, role=role, inbox=inbox), actor.name, clerk, by_team=False)
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
    name: str, clerk: Clerk, entropy: bytes, request: CreateToken, expires: float | None
) -> tuple[str, Change]:
    token, record = mint(entropy, name, clerk.stamp, request.scopes, expires)
    return token, Change("token", record.id, msgspec.structs.replace(record, read_only=request.read_only))


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
    wanted = bare_name(name)
    found = [one for one in house.tokens.values() if wanted in (one.member, one.id) and not one.revoked]
    if not found:
        raise NotFound(f"There is no valid token for {name!r}. `groupchat token list` shows them.")
    return sorted(found, key=lambda one: one.created)


def _token_fact(house: House, name: str, actor: Actor, clerk: Clerk, changes: tuple[Change, ...]) -> Fact:
    event = MemberEvent(clerk.seq(), MemberAction.CHANGED, house.member(name), actor.name, clerk.stamp)
    return Fact(event, changes=changes)
