"""The rules of published keys: a member publishes records of its own keys, and revokes them. Pure.

The gateway passes records on and vouches for none: members compare them with those that they have pinned.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.access.permissions import Actor
from gateway.model.paging import cut_page, identity
from gateway.model.records.stored_records import MemberKeysRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.protocol.errors import Conflict, NotFound
from gateway.protocol.events import KeyEvent
from gateway.protocol.requests.member_requests import KeyRecords, PublishKey, RevokeKey
from gateway.protocol.results import Done, KeyRecordList, MemberKeyRecords
from gateway.protocol.types.core_types import bare_name
from gateway.sealed_rooms.keyless_members import check_may_have_keys
from gateway.sealed_rooms.room_key_rules import key_due_changes
from gateway.sealed_rooms.sealed_form import RECORD_PREFIX, REVOCATION_PREFIX, check_key_text

MAX_KEPT_RECORDS = 100


def publish_key(state: GatewayState, actor: Actor, request: PublishKey, rule_context: RuleContext) -> RuleOutcome:
    """Compare-and-set: of two machines of one member that renew its keys at once, one is refused."""
    check_may_have_keys(state, actor)
    check_key_text(request.record, RECORD_PREFIX, "record of keys")
    known = state.member_keys.get(actor.name) or MemberKeysRecord(actor.name)
    if known.records and (request.version, request.record) == (known.version, known.records[-1]):
        return RuleOutcome(Done())
    if known.records and request.version != known.version + 1:
        raise Conflict(
            f"The newest keys of {actor.name} here have version {known.version}, so the next ones have version "
            f"{known.version + 1}, not {request.version}. They may have been renewed on another machine."
        )
    record = msgspec.structs.replace(
        known, version=request.version, records=(*known.records, request.record)[-MAX_KEPT_RECORDS:]
    )
    event = KeyEvent(rule_context.seq(), actor.name, request.version, rule_context.stamp, record=request.record)
    return _outcome(state, event, record)


def publish_revocation(state: GatewayState, actor: Actor, request: RevokeKey, rule_context: RuleContext) -> RuleOutcome:
    check_may_have_keys(state, actor)
    check_key_text(request.statement, REVOCATION_PREFIX, "revocation")
    known = state.member_keys.get(actor.name)
    if known is None or not known.records:
        raise NotFound(f"{actor.name} has published no keys here that could be revoked.")
    version = request.version or known.version
    if version > known.version:
        raise Conflict(f"The newest keys of {actor.name} here have version {known.version}, not {version}.")
    if request.statement in known.revocations:
        return RuleOutcome(Done())
    record = msgspec.structs.replace(known, revocations=(*known.revocations, request.statement)[-MAX_KEPT_RECORDS:])
    event = KeyEvent(rule_context.seq(), actor.name, version, rule_context.stamp, revocation=request.statement)
    return _outcome(state, event, record)


def _outcome(state: GatewayState, event: KeyEvent, record: MemberKeysRecord) -> RuleOutcome:
    """Whoever has other keys now has no room key under them: each of its rooms needs a new one."""
    due = key_due_changes(state, sorted(state.rooms_of[event.member]))
    fact = EventToCommit(event, changes=(StateChange("member_keys", event.member, record), *due))
    return RuleOutcome(Done(event.seq), (fact,))


def list_published_keys(
    state: GatewayState, actor: Actor, request: KeyRecords, rule_context: RuleContext
) -> RuleOutcome:
    """Also of members that have left or were removed: their messages are still checked."""
    found = _wanted_keys(state, [bare_name(name) for name in request.names])
    shown = (MemberKeyRecords(one.member, one.records, one.revocations) for one in found)
    page, more = cut_page(shown, lambda one: one.member, request.after, request.limit, identity)
    return RuleOutcome(KeyRecordList(page, more))


def _wanted_keys(state: GatewayState, names: Sequence[str]) -> list[MemberKeysRecord]:
    if not names:
        return list(state.member_keys.values())
    return [state.member_keys[name] for name in dict.fromkeys(names) if name in state.member_keys]
