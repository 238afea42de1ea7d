"""The requests about shared documents that need the store: read, read an old version, merge."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from gateway.access.permissions import Actor
from gateway.model.records.shared_document_records import (
    STORE_KIND,
    JsonObject,
    RawContextDocument,
    encode_for_store,
    first_change_to_read,
    is_full_copy,
    key_of,
    merge_stored,
    rebuild_document,
    split_at_full_copy,
)
from gateway.protocol import codec
from gateway.protocol.errors import StorageFailed
from gateway.protocol.events import ContextEvent
from gateway.protocol.requests.shared_document_requests import ContextChanges, GetContext, MergeContext, PutContext
from gateway.protocol.results import ContextDocument, ContextHistory, Result
from gateway.protocol.types.core_types import ContextAction
from gateway.runtime.hub import Hub
from gateway.sessions import shared_documents
from gateway.sessions.shared_documents import (
    DocumentRef,
    find_readable,
    find_writable,
    missing_document_error,
    raw_document_of,
)
from gateway.store import StoredEvent, fit_into_page_bytes

COMMIT_CHECK_INTERVAL_S = 0.1  # how often a waiting request checks whether a commit has failed


async def put_document(hub: Hub, actor: Actor, request: PutContext) -> Result:
    find_writable(hub.state, actor, request.scope, request.name)
    size = len(codec.encode(request.document))
    after = await hub.aside.run(actor.name, size, lambda: encode_for_store(request.document))
    return await hub.carry_out(shared_documents.put_context(hub.state, actor, request, hub.rule_context(), after))


async def merge_into_document(hub: Hub, actor: Actor, request: MergeContext) -> Result:
    """Merge a patch into the current document. If the document changed during the merge, merge again."""
    size = len(codec.encode(request.patch))
    while True:
        where = find_writable(hub.state, actor, request.scope, request.name)
        stored = await _newest_version(hub, where)
        work = partial(merge_stored, stored, request.patch)
        after = await hub.aside.run(actor.name, size + len(stored or b""), work)
        if find_writable(hub.state, actor, request.scope, request.name).record == where.record:
            return await hub.carry_out(
                shared_documents.merge_context(hub.state, actor, request, after, hub.rule_context())
            )


async def get_document(hub: Hub, actor: Actor, request: GetContext) -> ContextDocument:
    where = find_readable(hub.state, actor, request.scope, request.name)
    if where.record is None or (request.version or 0) > where.record.info.version:
        raise missing_document_error(where, request.version)
    if request.version in (None, where.version):
        stored = await _newest_version(hub, where)
        found = None if stored is None else codec.decode(RawContextDocument, stored)
        if found is not None and request.version in (None, found.version):
            return found
        if request.version is None:
            raise missing_document_error(where)
    return await _past_version(hub, actor, where, request.version or where.version)


async def _newest_version(hub: Hub, where: DocumentRef) -> bytes | None:
    """The document after all decided changes to it are on disk; None if there is none."""
    record = where.record
    while record is not None and hub.committed_seq < record.seq:
        await hub.wait_for_event_after(record.seq - 1, COMMIT_CHECK_INTERVAL_S)
        record = hub.state.contexts.get(where.key)
    return await hub.store.aside(STORE_KIND, where.key)


async def _past_version(hub: Hub, actor: Actor, where: DocumentRef, version: int) -> ContextDocument:
    first = first_change_to_read(version)
    changes = await _read_changes(hub, actor, await _events_about(hub, where, first, version))
    if not changes or changes[-1].version != version:
        raise missing_document_error(where, version)
    last = changes[-1]
    if last.action is ContextAction.DELETE:
        raise missing_document_error(where, version)
    base, merges = split_at_full_copy(changes)
    whole = await _rebuild_document(hub, base)
    raw = await hub.aside.run(
        actor.name, last.size, lambda: codec.encode(rebuild_document(_parse_document(whole), merges))
    )
    return raw_document_of(last, raw, last.size)


async def _rebuild_document(hub: Hub, event: ContextEvent | None) -> JsonObject | bytes:
    """The document that an event made, as a value or as stored bytes."""
    if event is None or event.action is ContextAction.DELETE:
        return {}
    if not is_full_copy(event):
        return event.document or {}
    raw = await hub.store.aside(STORE_KIND, key_of(event.scope, event.name, event.version))
    if raw is None:
        raise StorageFailed(f"Version {event.version} of {event.name!r} of {event.scope} is not in the store.")
    return raw


def _parse_document(whole: JsonObject | bytes) -> JsonObject:
    return codec.decode(ContextDocument, whole).document if isinstance(whole, bytes) else whole


async def document_history(hub: Hub, actor: Actor, request: ContextChanges) -> ContextHistory:
    where = find_readable(hub.state, actor, request.scope, request.name)
    if where.record is None:
        raise missing_document_error(where)
    last = min(where.record.info.version, (request.before or where.record.info.version + 1) - 1)
    found = await _events_about(hub, where, max(1, last - request.limit + 1), last)
    changes = await _read_changes(hub, actor, fit_into_page_bytes(list(reversed(found))))
    return ContextHistory(changes, more=bool(changes) and changes[-1].version > 1)


async def _read_changes(hub: Hub, actor: Actor, records: Sequence[StoredEvent]) -> tuple[ContextEvent, ...]:
    size = sum(len(record.event) for record in records)
    return await hub.aside.run(actor.name, size, lambda: tuple(map(_decode_change, records)))


async def _events_about(hub: Hub, where: DocumentRef, first: int, last: int) -> list[StoredEvent]:
    """The events that made these versions. Each event about a document makes one version; the first made version 1. The
    oldest may have been removed."""
    if where.record is None or last < first:
        return []
    first = max(first, where.record.removed + 1)
    return await hub.store.about(
        where.record.number, skip=first - 1 - where.record.removed, limit=max(0, last - first + 1)
    )


def _decode_change(record: StoredEvent) -> ContextEvent:
    event = codec.decode_durable(record.event)
    assert isinstance(event, ContextEvent)
    return event
