"""The rules of tokens: which member a token stands for, and how tokens are created, revoked and rotated. Pure."""

from __future__ import annotations

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.access.tokens import TokenRecord, check_token, create_token_record, has_own_token, is_in_force, token_id_of
from gateway.model.log_events import LogEvent, Outcome, Sequencer, StateChange
from gateway.model.paging import cut_page, identity
from gateway.model.records import MemberRecord
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, Forbidden, NotFound, Unauthorized
from gateway.protocol.events import MemberAction, MemberEvent
from gateway.protocol.listings import token_key
from gateway.protocol.requests import CreateToken, RevokeToken, RotateToken, Tokens
from gateway.protocol.results import Done, TokenInfo, TokenList, TokenMade
from gateway.protocol.timestamps import iso_from_seconds, seconds_from_iso
from gateway.protocol.types import Member, MemberKind, Scope, bare_name, canonical_member_name
from gateway.rooms.members import (
    check_kind,
    check_not_removed,
    is_teams_person,
    leave_without_token,
    member_event,
    new_member_name,
    registered,
)


def identify(state: GatewayState, token: str, now: float) -> Actor:
    """The actor a member's own token stands for."""
    record = check_token(token, state.tokens.get(token_id_of(token) or ""), now)
    found = state.members.get(record.member)
    if found is None or is_teams_person(found):
        raise Unauthorized("This token is not valid here.")
    if not is_in_force(state.tokens, record, now):
        raise Unauthorized(f"The token by which {record.member} asked for this one is not valid any more. Ask again.")
    scopes = frozenset() if record.hands else frozenset(record.scopes)
    return Actor(
        record.member, found.member.kind, scopes, token=record.id, hands=record.hands, read_only=record.read_only
    )


def check_token_holds(state: GatewayState, actor: Actor, now: float) -> None:
    """Check again after a long wait: the token may have been revoked or have expired."""
    if actor.token and not is_in_force(state.tokens, state.tokens.get(actor.token), now):
        raise Unauthorized("This token is not valid any more.")


def create_token(
    state: GatewayState, actor: Actor, request: CreateToken, sequencer: Sequencer, entropy: bytes
) -> Outcome:
    """An administrator creates a token, and its member if there is none. Older tokens of the member stay valid."""
    actor.require(Action.ADMINISTER)
    name = new_member_name(request.name, request.kind)
    check_not_removed(name, state.members.get(name))
    check_kind(name, state.members.get(name), request.kind)
    role = canonical_member_name(request.role) if request.role else None
    _check_scopes(request)
    inbox = request.kind is MemberKind.AGENT and not request.read_only
    facts = registered(state, Member(name, request.kind, role=role, inbox=inbox), actor.name, sequencer, by_team=False)
    expires = None if request.expires_in is None else sequencer.now + request.expires_in
    token, change = _new_token(name, sequencer, entropy, request, expires)
    first = facts[0]
    return Outcome(
        TokenMade(name, token, None if expires is None else iso_from_seconds(expires)),
        (LogEvent(first.event, changes=(*_mark_owned(first.changes), change)), *facts[1:]),
    )


def _check_scopes(request: CreateToken) -> None:
    writing = [scope for scope in request.scopes if scope is not Scope.OBSERVER]
    if request.read_only and writing:
        raise BadRequest(f"A read-only token cannot have the scope {writing[0]}: it changes nothing.")


def create_tools_token(state: GatewayState, actor: Actor, sequencer: Sequencer, entropy: bytes) -> Outcome:
    """Create a token for the tools of the member's agent. It ends together with the token that asks for it."""
    if actor.team:
        raise Forbidden("The team token has no agent of its own. Register the agent first.")
    asking = state.tokens.get(actor.token)
    token, record = create_token_record(
        entropy, actor.name, sequencer.stamp, expires=asking.expires if asking else None
    )
    change = StateChange("token", record.id, msgspec.structs.replace(record, hands=True, parent=actor.token))
    old = [one for one in state.tokens.values() if one.member == actor.name and one.hands]
    fact = _token_event(
        state, actor.name, actor, sequencer, (change, *(StateChange("token", one.id, None) for one in old))
    )
    return Outcome(
        TokenMade(actor.name, token, None if record.expires is None else iso_from_seconds(record.expires)), (fact,)
    )


def _mark_owned(changes: tuple[StateChange, ...]) -> tuple[StateChange, ...]:
    return tuple(
        StateChange(one.kind, one.key, MemberRecord(one.value.member)) if isinstance(one.value, MemberRecord) else one
        for one in changes
    )


def _new_token(
    name: str, sequencer: Sequencer, entropy: bytes, request: CreateToken, expires: float | None
) -> tuple[str, StateChange]:
    token, record = create_token_record(entropy, name, sequencer.stamp, request.scopes, expires)
    return token, StateChange("token", record.id, msgspec.structs.replace(record, read_only=request.read_only))


def list_tokens(state: GatewayState, actor: Actor, now: float, request: Tokens) -> TokenList:
    actor.require(Action.ADMINISTER)
    found = (_token_info(state, record, now) for record in state.tokens.values())
    shown, more = cut_page(found, token_key, request.after, request.limit, identity)
    return TokenList(shown, more)


def _token_info(state: GatewayState, record: TokenRecord, now: float) -> TokenInfo:
    return TokenInfo(
        name=record.member,
        id=record.id,
        created=record.created,
        scopes=record.scopes,
        expires=None if record.expires is None else iso_from_seconds(record.expires),
        revoked=not is_in_force(state.tokens, record, now),
        hands=record.hands,
        read_only=record.read_only,
    )


def revoke_token(state: GatewayState, actor: Actor, request: RevokeToken, sequencer: Sequencer) -> Outcome:
    """Revoke all tokens of a member, named by the member, or a single token, named by its id."""
    actor.require(Action.ADMINISTER)
    records = _tokens_of(state, request.name)
    ended = {one.id: msgspec.structs.replace(one, revoked=True) for one in records}
    name = records[0].member
    fact = _token_event(
        state, name, actor, sequencer, tuple(StateChange("token", key, one) for key, one in ended.items())
    )
    last = not has_own_token({**state.tokens, **ended}, name, sequencer.now)
    return Outcome(
        Done(fact.event.seq), (fact, *(leave_without_token(state, name, actor.name, sequencer) if last else ()))
    )


def rotate_token(
    state: GatewayState, actor: Actor, request: RotateToken, sequencer: Sequencer, entropy: bytes
) -> Outcome:
    """Create a token with the rights and lifetime of the newest one; the old ones end after the grace period."""
    actor.require(Action.ADMINISTER)
    records = _tokens_of(state, request.name)
    newest = next((one for one in reversed(records) if not one.hands), None)
    if newest is None:
        raise BadRequest(f"{request.name!r} is a token for an agent's tools: its sidecar makes a new one by itself.")
    ends = sequencer.now + request.grace
    expires = None if newest.expires is None else sequencer.now + newest.expires - seconds_from_iso(newest.created)
    token, record = create_token_record(entropy, newest.member, sequencer.stamp, newest.scopes, expires)
    record = msgspec.structs.replace(record, read_only=newest.read_only)
    old = tuple(
        StateChange("token", one.id, msgspec.structs.replace(one, expires=min(ends, one.expires or ends)))
        for one in records
    )
    fact = _token_event(state, newest.member, actor, sequencer, (*old, StateChange("token", record.id, record)))
    back = _return_with_token(state, newest, actor, sequencer)
    return Outcome(
        TokenMade(newest.member, token, None if expires is None else iso_from_seconds(expires)), (fact, *back)
    )


def _return_with_token(
    state: GatewayState, token: TokenRecord, actor: Actor, sequencer: Sequencer
) -> tuple[LogEvent, ...]:
    """A member whose last token had expired has left; with a new token it joins again."""
    known = state.members[token.member]
    if has_own_token(state.tokens, token.member, sequencer.now) or not known.member.hidden:
        return ()
    inbox = known.member.inbox or (known.member.kind is MemberKind.AGENT and not token.read_only)
    member = msgspec.structs.replace(known.member, hidden=False, inbox=inbox)
    return (member_event(sequencer, MemberAction.RETURNED, msgspec.structs.replace(known, member=member), actor.name),)


def member_of_token(state: GatewayState, actor: Actor, name: str) -> str:
    """The member of a token, given the member's name or the token's id."""
    actor.require(Action.ADMINISTER)
    return _tokens_of(state, name)[0].member


def _tokens_of(state: GatewayState, name: str) -> list[TokenRecord]:
    wanted = bare_name(name)
    found = [one for one in state.tokens.values() if wanted in (one.member, one.id) and not one.revoked]
    if not found:
        raise NotFound(f"There is no valid token for {name!r}. `groupchat token list` shows them.")
    return sorted(found, key=lambda one: one.created)


def _token_event(
    state: GatewayState, name: str, actor: Actor, sequencer: Sequencer, changes: tuple[StateChange, ...]
) -> LogEvent:
    event = MemberEvent(sequencer.seq(), MemberAction.CHANGED, state.member(name), actor.name, sequencer.stamp)
    return LogEvent(event, changes=changes)
