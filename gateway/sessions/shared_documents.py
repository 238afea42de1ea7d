"""The rules of shared documents. Pure: (state, request, rule_context) -> outcome.

A document belongs to a scope: `#ROOM`, `@MEMBER` or `global`. Only members who may read a document see its events.
Merging needs the stored document, which is not in memory: the caller reads it from the store first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.agent_control import approvals
from gateway.model.paging import cut_page, identity
from gateway.model.records.shared_document_records import (
    MAX_INLINE_BYTES,
    STORE_KIND,
    ContextRecord,
    EncodedDocument,
    JsonObject,
    RawContextDocument,
    encode_for_store,
    is_full_copy,
    key_of,
)
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange, StoreOnlyDocument
from gateway.model.state import GatewayState
from gateway.protocol.errors import Conflict, Forbidden, InvalidName, NotFound
from gateway.protocol.events import ContextEvent
from gateway.protocol.pagination_keys import context_key
from gateway.protocol.requests.shared_document_requests import Contexts, DeleteContext, MergeContext, PutContext
from gateway.protocol.results import ContextList, ContextSaved, Done
from gateway.protocol.types.core_types import (
    GLOBAL_SCOPE,
    ContextAction,
    ContextInfo,
    MemberKind,
    canonical_member_name,
    canonical_name,
    canonical_room_name,
)
from gateway.sealed_rooms.keyless_members import refuse_in_sealed_room


@dataclass(frozen=True)
class DocumentRef:
    """The scope and name of a document, and its record."""

    scope: str
    name: str
    record: ContextRecord | None

    @property
    def key(self) -> str:
        return key_of(self.scope, self.name)

    @property
    def version(self) -> int:
        return self.record.version if self.record is not None else 0

    def __str__(self) -> str:
        return f"{self.name!r} of {self.scope}"


@dataclass(frozen=True)
class DocumentEdit:
    """A wanted change: the new document (None: delete it), the change itself, and the expected version."""

    action: ContextAction
    expected: int | None
    after: EncodedDocument | None = None
    patch: JsonObject | None = None


# permissions


def find_readable(state: GatewayState, actor: Actor, scope: str, name: str) -> DocumentRef:
    found = find_document(state, actor, scope, name)
    _check_may_read(state, actor, found.scope)
    return found


def find_writable(state: GatewayState, actor: Actor, scope: str, name: str) -> DocumentRef:
    actor.require(Permission.SEND)
    found = find_document(state, actor, scope, name)
    _check_may_write(state, actor, found.scope)
    return found


def find_document(state: GatewayState, actor: Actor, scope: str, name: str) -> DocumentRef:
    where, what = canonical_scope(state, actor, scope), canonical_name(name)
    return DocumentRef(where, what, state.contexts.get(key_of(where, what)))


def canonical_scope(state: GatewayState, actor: Actor, text: str) -> str:
    """The canonical form of a scope; refused if the actor may not know of it."""
    wanted = text.strip()
    if wanted.startswith("#"):
        return f"#{state.room(canonical_room_name(wanted), actor).name}"
    if wanted.startswith("@"):
        return f"@{state.member(canonical_member_name(wanted)).name}"
    if wanted.lower() == GLOBAL_SCOPE:
        return GLOBAL_SCOPE
    raise InvalidName(
        f"{text[:80]!r} is not a valid scope of a shared document. Use '#ROOM', '@MEMBER' or '{GLOBAL_SCOPE}'."
    )


def may_read_scope(state: GatewayState, actor: Actor, scope: str) -> bool:
    if scope == GLOBAL_SCOPE:
        return True
    name = scope[1:]
    if scope.startswith("@"):
        return approvals.may_see(state, actor, name)
    return actor.name in state.in_room[name] or actor.may(Permission.READ_DIRECT)


def _check_may_read(state: GatewayState, actor: Actor, scope: str) -> None:
    if not may_read_scope(state, actor, scope):
        raise Forbidden(_stranger_text(actor, scope))


def _check_may_write(state: GatewayState, actor: Actor, scope: str) -> None:
    name = scope[1:]
    if scope.startswith("#") and actor.name not in state.in_room[name]:
        raise Forbidden(_stranger_text(actor, scope))
    if scope.startswith("#"):
        refuse_in_sealed_room(state, name, "its shared documents would be readable, so it has none")
    if scope.startswith("@") and actor.name != name and not actor.may(Permission.ADMINISTER):
        raise Forbidden(f"Only {name} or an administrator can write the contexts of {name}.")


def _stranger_text(actor: Actor, scope: str) -> str:
    if scope.startswith("@"):
        return f"{actor.name} shares no room with {scope[1:]} and cannot read its contexts."
    return f"{actor.name} is not in the room {scope[1:]!r}. Join it first."


# changes


def put_context(
    state: GatewayState,
    actor: Actor,
    request: PutContext,
    rule_context: RuleContext,
    after: EncodedDocument | None = None,
) -> RuleOutcome:
    """`after` is the encoded document, if the caller has encoded it already."""
    where = find_writable(state, actor, request.scope, request.name)
    edit = DocumentEdit(ContextAction.PUT, request.version, after or encode_for_store(request.document))
    return _change_document(state, actor, where, edit, rule_context)


def merge_context(
    state: GatewayState, actor: Actor, request: MergeContext, after: EncodedDocument, rule_context: RuleContext
) -> RuleOutcome:
    """`after` is the current document with the patch merged in."""
    where = find_writable(state, actor, request.scope, request.name)
    return _change_document(
        state, actor, where, DocumentEdit(ContextAction.MERGE, request.version, after, request.patch), rule_context
    )


def delete_context(state: GatewayState, actor: Actor, request: DeleteContext, rule_context: RuleContext) -> RuleOutcome:
    where = find_writable(state, actor, request.scope, request.name)
    edit = DocumentEdit(ContextAction.DELETE, request.version)
    if where.version == 0 and not _is_repeated(where, actor, edit, ""):
        raise missing_document_error(where)
    outcome = _change_document(state, actor, where, edit, rule_context)
    return RuleOutcome(Done(outcome.events[0].event.seq if outcome.events else None), outcome.events)


def import_context(
    state: GatewayState, by: str, where: DocumentRef, document: JsonObject, rule_context: RuleContext
) -> RuleOutcome:
    """Import a document of a room from an export; its author may no longer be a member."""
    writer = Actor(by, MemberKind.SYSTEM)
    return _change_document(
        state, writer, where, DocumentEdit(ContextAction.PUT, None, encode_for_store(document)), rule_context
    )


def _change_document(
    state: GatewayState, actor: Actor, where: DocumentRef, edit: DocumentEdit, rule_context: RuleContext
) -> RuleOutcome:
    raw, digest = (edit.after.raw, edit.after.digest) if edit.after is not None else (b"", "")
    if where.record is not None and _is_unchanged(where, actor, edit, digest):
        return RuleOutcome(_saved_result(where.record.info, None))
    _check_version(where, edit)
    version = where.record.info.version + 1 if where.record is not None else 1
    seq = rule_context.seq()
    info = ContextInfo(where.scope, where.name, version, len(raw), actor.name, rule_context.stamp)
    number = where.record.number if where.record is not None else seq
    record = ContextRecord(info, number, seq, digest)
    event = _context_event(record, edit, len(raw))
    fact = EventToCommit(
        event,
        ends=_readers_of_scope(state, actor, where.scope),
        changes=(StateChange("context", where.key, record),),
        store_only_documents=_store_only_documents(event, info, edit.after),
        about=number,
    )
    return RuleOutcome(_saved_result(info, seq), (fact,))


def _is_unchanged(where: DocumentRef, actor: Actor, edit: DocumentEdit, digest: str) -> bool:
    """Whether the edit changes nothing, so that it makes no new version. A repeated request gets its first answer
    again."""
    if where.record is None or where.record.digest != digest:
        return False
    return edit.expected in (None, where.version) or _is_repeated(where, actor, edit, digest)


def _is_repeated(where: DocumentRef, actor: Actor, edit: DocumentEdit, digest: str) -> bool:
    """Whether this member made the current version from the expected one by the same change."""
    if where.record is None or where.record.digest != digest or where.record.info.by != actor.name:
        return False
    return edit.expected == where.record.info.version - 1


def _check_version(where: DocumentRef, edit: DocumentEdit) -> None:
    if edit.expected is None or edit.expected == where.version:
        return
    if where.record is None or where.record.gone:
        raise Conflict(f"There is no context {where}, so it cannot have version {edit.expected}. Its version is 0.")
    info = where.record.info
    raise Conflict(
        f"The context {where} has version {info.version} by now (by {info.by}, {info.at}), not {edit.expected}. "
        f"Read it again, and repeat your change with version {info.version}."
    )


def _context_event(record: ContextRecord, edit: DocumentEdit, size: int) -> ContextEvent:
    info = record.info
    after = edit.after if size <= MAX_INLINE_BYTES else None
    merges = edit.after is not None and edit.patch is not None and len(edit.after.patch) <= MAX_INLINE_BYTES
    return ContextEvent(
        seq=record.seq,
        scope=info.scope,
        name=info.name,
        version=info.version,
        action=edit.action,
        by=info.by,
        timestamp=info.at,
        size=size,
        document=after.document if after is not None and edit.action is ContextAction.PUT else None,
        patch=edit.patch if merges else None,
    )


def _store_only_documents(
    event: ContextEvent, info: ContextInfo, after: EncodedDocument | None
) -> tuple[StoreOnlyDocument, ...]:
    key = key_of(info.scope, info.name)
    if after is None:
        return (StoreOnlyDocument(STORE_KIND, key, None),)
    body = raw_document_of(event, after.raw, info.size)
    newest = StoreOnlyDocument(STORE_KIND, key, body)
    return (
        (newest, StoreOnlyDocument(STORE_KIND, key_of(info.scope, info.name, info.version), body))
        if is_full_copy(event)
        else (newest,)
    )


def raw_document_of(event: ContextEvent, raw: bytes, size: int) -> RawContextDocument:
    at = event.timestamp
    return RawContextDocument(event.scope, event.name, event.version, size, event.by, at, msgspec.Raw(raw))


def _readers_of_scope(state: GatewayState, actor: Actor, scope: str) -> tuple[str, ...] | None:
    """The members who alone see the event: for a member's document, those in its rooms and the author. None: the room
    or everybody."""
    if not scope.startswith("@"):
        return None
    audience = approvals.room_mates(state, scope[1:])
    return audience if actor.name in audience else (*audience, actor.name)


def _saved_result(info: ContextInfo, seq: int | None) -> ContextSaved:
    return ContextSaved(info.scope, info.name, info.version, info.size, seq)


def remove_scope(state: GatewayState, actor: Actor, scope: str, rule_context: RuleContext) -> Iterator[EventToCommit]:
    """Delete all documents of a scope that is removed."""
    for record in [one for one in state.contexts.values() if one.info.scope == scope and not one.gone]:
        where = DocumentRef(scope, record.info.name, record)
        yield from _change_document(state, actor, where, DocumentEdit(ContextAction.DELETE, None), rule_context).events


def orphaned_scopes(state: GatewayState) -> set[str]:
    """The scopes of members that no longer exist."""
    scopes = {one.info.scope for one in state.contexts.values() if not one.gone and one.info.scope.startswith("@")}
    return {one for one in scopes if (record := state.members.get(one[1:])) is None or record.removed}


# queries


def list_contexts(state: GatewayState, actor: Actor, request: Contexts, rule_context: RuleContext) -> RuleOutcome:
    only = None
    if request.scope is not None:
        only = canonical_scope(state, actor, request.scope)
        _check_may_read(state, actor, only)
    kept = (one.info for one in state.contexts.values() if not one.gone and only in (None, one.info.scope))
    seen = (info for info in kept if may_read_scope(state, actor, info.scope))
    return RuleOutcome(ContextList(*cut_page(seen, context_key, request.after, request.limit, identity)))


def missing_document_error(where: DocumentRef, version: int | None = None) -> NotFound:
    if where.record is None:
        return NotFound(f"There is no context {where}. `groupchat context list` shows the existing ones.")
    newest = where.record.info
    if version is not None and version > newest.version:
        return NotFound(f"The context {where} has no version {version}; its newest is {newest.version}.")
    if version is not None:
        return NotFound(f"The context {where} was deleted with version {version}, which has no content.")
    return NotFound(f"The context {where} was deleted by {newest.by}. `groupchat context history` shows its versions.")
