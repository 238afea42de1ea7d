"""The rules of members who come with a token of an identity provider: who they are, and how they come in. Pure.

A member is found by issuer and subject alone. Its name is chosen once; a name that exists belongs to somebody else.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from gateway.access.permissions import Actor
from gateway.access.provider_token_record import (
    NOT_ACCEPTED_TEXT,
    ProviderIdentity,
    ProviderMember,
    ProviderToken,
    check_still_valid,
)
from gateway.access.tokens import TokenRecord, is_valid
from gateway.model.records.stored_records import MemberRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.protocol.errors import NameTaken, Unauthorized
from gateway.protocol.events import MemberAction
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import RESERVED_NAMES, TEAM_NAME, Member, MemberKind
from gateway.rooms import members

MAX_TOKENS_PER_IDENTITY = 20
LOCAL_NAMES = RESERVED_NAMES | {TEAM_NAME, members.TEAM_PERSON_NAME}


def find_member(state: GatewayState, identity: ProviderIdentity) -> MemberRecord | None:
    return next((one for one in state.members.values() if one.identity == identity), None)


def identify_provider_member(state: GatewayState, proven: ProviderMember, now: float) -> Actor | None:
    """The actor a checked token stands for; None if the token has to be admitted first."""
    record = state.tokens.get(proven.token.id)
    if record is None:
        return None
    _check_record(record, proven.token, now)
    known = state.members.get(record.member)
    if known is None or known.removed or known.identity != proven.token.identity:
        raise Unauthorized(NOT_ACCEPTED_TEXT)
    if record.scopes != proven.scopes or record.expires != proven.token.ends:
        return None  # the map of scopes or the leeway has changed since
    return Actor(record.member, known.member.kind, frozenset(record.scopes), token=record.id)


def _check_record(record: TokenRecord, token: ProviderToken, now: float) -> None:
    if record.revoked or record.provider is None or record.provider.identity != token.identity:
        raise Unauthorized(NOT_ACCEPTED_TEXT)
    check_still_valid(token, now)


def admit_provider_member(
    state: GatewayState, proven: ProviderMember, kept_names: Collection[str], rule_context: RuleContext
) -> RuleOutcome:
    """Keep a record of a checked token, and make its member if there is none. `kept_names` belong to others who are not
    here yet."""
    if identify_provider_member(state, proven, rule_context.now) is not None:
        return RuleOutcome(Done())
    check_still_valid(proven.token, rule_context.now)
    known = find_member(state, proven.token.identity)
    if known is not None and known.removed:
        raise NameTaken(f"{known.member.name!r} was removed from this chat, and cannot come back.")
    if known is None:
        facts = _new_member(state, proven, kept_names, rule_context)
    else:
        members.check_kind(known.member.name, known, proven.kind)
        facts = (members.member_event(rule_context, _action_for(known), _back(known), known.member.name),)
    first = facts[0]
    changes = (*first.changes, *_token_changes(state, proven, _name_in(first), rule_context))
    return RuleOutcome(Done(first.event.seq), (EventToCommit(first.event, changes=changes), *facts[1:]))


def _new_member(
    state: GatewayState, proven: ProviderMember, kept_names: Collection[str], rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    name = proven.name
    if name in state.members or name in LOCAL_NAMES or name in kept_names:
        raise NameTaken(
            f"The name {name!r} in this token belongs to another member here. The administrator can map it to another "
            "one in --jwt FILE."
        )
    member = Member(name, proven.kind, role=proven.role, inbox=proven.kind is MemberKind.AGENT)
    record = MemberRecord(member, start_role=proven.role, identity=proven.token.identity)
    return (
        members.member_event(rule_context, MemberAction.REGISTERED, record, name),
        *members.join_default_room(state, name, name, rule_context),
    )


def _action_for(known: MemberRecord) -> MemberAction:
    return MemberAction.RETURNED if known.member.hidden else MemberAction.CHANGED


def _back(known: MemberRecord) -> MemberRecord:
    """The member, in the chat again if it has left. Its role is what the room has made of it since."""
    return msgspec.structs.replace(known, member=msgspec.structs.replace(known.member, hidden=False))


def _name_in(fact: EventToCommit) -> str:
    record = fact.changes[0].value
    assert isinstance(record, MemberRecord)
    return record.member.name


def _token_changes(
    state: GatewayState, proven: ProviderMember, name: str, rule_context: RuleContext
) -> tuple[StateChange, ...]:
    """The record of this token; those of the same identity that have ended go, and the oldest if there are too many. A
    revoked one stays until it would have ended."""
    token = proven.token
    record = TokenRecord(token.id, name, "", rule_context.stamp, proven.scopes, token.ends, provider=token)
    others = [
        one
        for one in state.tokens.values()
        if one.provider is not None and one.provider.identity == token.identity and one.id != token.id
    ]
    ended = [one for one in others if one.expires is not None and one.expires <= rule_context.now]
    valid = sorted((one for one in others if is_valid(one, rule_context.now)), key=lambda one: one.created)
    too_many = valid[: max(0, len(valid) - MAX_TOKENS_PER_IDENTITY + 1)]
    gone = {one.id for one in (*ended, *too_many)}
    return (*(StateChange("token", key, None) for key in sorted(gone)), StateChange("token", record.id, record))
