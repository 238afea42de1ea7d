"""The rules of tokens: which member a token stands for, and how tokens are created, revoked and rotated. Pure."""

from __future__ import annotations

import msgspec

from gateway.access.device_credentials import LINK_ENDED_TEXT, NOT_PAIRED_TEXT
from gateway.access.permissions import Actor, Permission
from gateway.access.tokens import TokenRecord, check_token, create_token_record, has_own_token, is_in_force, token_id_of
from gateway.model.paging import cut_page, identity
from gateway.model.records.stored_records import MemberRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, Forbidden, NotFound, Unauthorized
from gateway.protocol.events import MemberAction, MemberEvent
from gateway.protocol.pagination_keys import token_key
from gateway.protocol.requests.member_requests import CreateToken, RevokeToken, RotateToken, Tokens
from gateway.protocol.results import Done, TokenInfo, TokenList, TokenMade
from gateway.protocol.types.core_types import Member, MemberKind, Scope, bare_name, canonical_member_name
from gateway.protocol.types.timestamps import iso_from_seconds, seconds_from_iso
from gateway.rooms.members import (
    check_kind,
    check_not_removed,
    is_teams_person,
    leave_without_token,
    member_event,
    new_member_name,
    registered,
)

JTI_PREFIX = "jti:"  # names an identity provider's token by its own number


def identify(state: GatewayState, token: str, now: float) -> Actor:
    """The actor a member's own token stands for."""
    record = check_token(token, state.tokens.get(token_id_of(token) or ""), now)
    found = state.members.get(record.member)
    if found is None or is_teams_person(found):
        raise Unauthorized("No member has this token any more. Create one with `groupchat token create NAME`.")
    if not is_in_force(state.tokens, record, now):
        raise Unauthorized(
            f"The token with which {record.member} created this one is no longer valid. Create a new one."
        )
    scopes = frozenset() if record.is_tools_token else frozenset(record.scopes)
    return Actor(
        record.member,
        found.member.kind,
        scopes,
        token=record.id,
        is_tools_token=record.is_tools_token,
        read_only=record.read_only,
    )


def check_token_holds(state: GatewayState, actor: Actor, now: float) -> None:
    """Check again after a wait: the token may have been revoked or have expired."""
    if actor.token and not state.is_in_force(state.tokens.get(actor.token), now):
        raise Unauthorized(_ended_text(actor))


def _ended_text(actor: Actor) -> str:
    if actor.link is not None:
        return LINK_ENDED_TEXT
    if actor.device:
        return NOT_PAIRED_TEXT
    return "This token was revoked, or has expired. Create a new one with `groupchat token create NAME`."


def create_token(
    state: GatewayState, actor: Actor, request: CreateToken, rule_context: RuleContext, entropy: bytes
) -> RuleOutcome:
    """An administrator creates a token, and its member if there is none. Older tokens of the member stay valid."""
    actor.require(Permission.ADMINISTER)
    name = new_member_name(request.name, request.kind)
    check_not_removed(name, state.members.get(name))
    check_kind(name, state.members.get(name), request.kind)
    role = canonical_member_name(request.role) if request.role else None
    _check_scopes(request)
    inbox = request.kind is MemberKind.AGENT and not request.read_only
    facts = registered(
        state, Member(name, request.kind, role=role, inbox=inbox), actor.name, rule_context, by_team=False
    )
    expires = None if request.expires_in is None else rule_context.now + request.expires_in
    token, change = _new_token(name, rule_context, entropy, request, expires)
    first = facts[0]
    return RuleOutcome(
        TokenMade(name, token, None if expires is None else iso_from_seconds(expires)),
        (EventToCommit(first.event, changes=(*_mark_owned(first.changes), change)), *facts[1:]),
    )


def _check_scopes(request: CreateToken) -> None:
    writing = [scope for scope in request.scopes if scope is not Scope.OBSERVER]
    if request.read_only and writing:
        raise BadRequest(
            f"A read-only token cannot have the scope {writing[0]}, because it can change nothing. "
            "Leave out the scope or `read_only`."
        )


def create_tools_token(state: GatewayState, actor: Actor, rule_context: RuleContext, entropy: bytes) -> RuleOutcome:
    """Create a token for the tools of the member's agent. It ends together with the token that asks for it."""
    actor.require_own_token("create a token")
    if actor.team:
        raise Forbidden("The team token belongs to no agent. Register the agent first.")
    asking = state.tokens.get(actor.token)
    token, record = create_token_record(
        entropy, actor.name, rule_context.stamp, expires=asking.expires if asking else None
    )
    change = StateChange("token", record.id, msgspec.structs.replace(record, is_tools_token=True, parent=actor.token))
    old = [one for one in state.tokens.values() if one.member == actor.name and one.is_tools_token]
    fact = token_event(
        state, actor.name, actor.name, rule_context, (change, *(StateChange("token", one.id, None) for one in old))
    )
    return RuleOutcome(
        TokenMade(actor.name, token, None if record.expires is None else iso_from_seconds(record.expires)), (fact,)
    )


def _mark_owned(changes: tuple[StateChange, ...]) -> tuple[StateChange, ...]:
    return tuple(
        StateChange(one.kind, one.key, msgspec.structs.replace(one.value, by_team=False))
        if isinstance(one.value, MemberRecord)
        else one
        for one in changes
    )


def _new_token(
    name: str, rule_context: RuleContext, entropy: bytes, request: CreateToken, expires: float | None
) -> tuple[str, StateChange]:
    token, record = create_token_record(entropy, name, rule_context.stamp, request.scopes, expires)
    return token, StateChange("token", record.id, msgspec.structs.replace(record, read_only=request.read_only))


def list_tokens(state: GatewayState, actor: Actor, now: float, request: Tokens) -> TokenList:
    if not request.own:
        actor.require(Permission.ADMINISTER)
    wanted = (one for one in state.tokens.values() if not request.own or is_handed_out_by(one, actor))
    found = (_token_info(state, record, now) for record in wanted)
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
        is_tools_token=record.is_tools_token,
        read_only=record.read_only,
        device=record.device.name if record.device else "",
        last_seen=iso_from_seconds(state.devices_seen[record.id]) if record.id in state.devices_seen else "",
        room=record.link.room if record.link else "",
        thread=record.link.thread if record.link else 0,
    )


def is_handed_out_by(record: TokenRecord, actor: Actor) -> bool:
    """Whether this is a device or a link of the actor itself."""
    return record.member == actor.name and not (record.device is None and record.link is None)


def revoke_token(state: GatewayState, actor: Actor, request: RevokeToken, rule_context: RuleContext) -> RuleOutcome:
    """Revoke all tokens of a member, named by the member, or a single token, named by its id."""
    records = _revocable(state, actor, request.name)
    ended = {one.id: msgspec.structs.replace(one, revoked=True) for one in records}
    name = records[0].member
    fact = token_event(
        state, name, actor.name, rule_context, tuple(StateChange("token", key, one) for key, one in ended.items())
    )
    last = not has_own_token({**state.tokens, **ended}, name, rule_context.now)
    return RuleOutcome(
        Done(fact.event.seq), (fact, *(leave_without_token(state, name, actor.name, rule_context) if last else ()))
    )


def rotate_token(
    state: GatewayState, actor: Actor, request: RotateToken, rule_context: RuleContext, entropy: bytes
) -> RuleOutcome:
    """Create a token with the rights and lifetime of the newest one; the old ones end after the grace period."""
    actor.require(Permission.ADMINISTER)
    records = _tokens_of(state, request.name)
    with_secret = [one for one in records if one.has_stored_secret]
    newest = next((one for one in reversed(with_secret) if not one.is_tools_token), None)
    if newest is None:
        raise BadRequest(
            f"{request.name!r} is a token for an agent's tools, or a browser. Its sidecar creates a new one "
            "automatically; pair a browser anew. Tokens of an identity provider come from there."
        )
    ends = rule_context.now + request.grace
    expires = None if newest.expires is None else rule_context.now + newest.expires - seconds_from_iso(newest.created)
    token, record = create_token_record(entropy, newest.member, rule_context.stamp, newest.scopes, expires)
    record = msgspec.structs.replace(record, read_only=newest.read_only)
    old = tuple(
        StateChange("token", one.id, msgspec.structs.replace(one, expires=min(ends, one.expires or ends)))
        for one in with_secret
    )
    fact = token_event(state, newest.member, actor.name, rule_context, (*old, StateChange("token", record.id, record)))
    back = _return_with_token(state, newest, actor, rule_context)
    return RuleOutcome(
        TokenMade(newest.member, token, None if expires is None else iso_from_seconds(expires)), (fact, *back)
    )


def _return_with_token(
    state: GatewayState, token: TokenRecord, actor: Actor, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    """A member whose last token had expired has left; with a new token it joins again."""
    known = state.members[token.member]
    if has_own_token(state.tokens, token.member, rule_context.now) or not known.member.hidden:
        return ()
    inbox = known.member.inbox or (known.member.kind is MemberKind.AGENT and not token.read_only)
    member = msgspec.structs.replace(known.member, hidden=False, inbox=inbox)
    return (
        member_event(rule_context, MemberAction.RETURNED, msgspec.structs.replace(known, member=member), actor.name),
    )


def member_of_token(state: GatewayState, actor: Actor, name: str) -> str:
    """The member of a token, given the member's name or the token's id."""
    return _revocable(state, actor, name)[0].member


def _revocable(state: GatewayState, actor: Actor, name: str) -> list[TokenRecord]:
    """The tokens of this name that the actor may revoke: an administrator all, everybody an own device or link by its
    id."""
    own = state.tokens.get(name)
    if own is not None and not own.revoked and is_handed_out_by(own, actor):
        actor.require_write("it cannot revoke anything")
        return [own]
    actor.require(Permission.ADMINISTER)
    return _tokens_of(state, name)


def _tokens_of(state: GatewayState, name: str) -> list[TokenRecord]:
    wanted, jti = bare_name(name), name.removeprefix(JTI_PREFIX) if name.startswith(JTI_PREFIX) else ""
    found = [
        one
        for one in state.tokens.values()
        if not one.revoked and (_has_jti(one, jti) if jti else wanted in (one.member, one.id))
    ]
    if not found:
        raise NotFound(f"There is no valid token for {name!r}. `groupchat token list` shows them.")
    return sorted(found, key=lambda one: one.created)


def _has_jti(record: TokenRecord, jti: str) -> bool:
    return record.provider is not None and record.provider.jti == jti


def token_event(
    state: GatewayState, name: str, by: str, rule_context: RuleContext, changes: tuple[StateChange, ...]
) -> EventToCommit:
    event = MemberEvent(rule_context.seq(), MemberAction.CHANGED, state.member(name), by, rule_context.stamp)
    return EventToCommit(event, changes=changes)
