"""The requests about shared documents that need the store: what stands there, what stood there, and merging into it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from gateway.access.permissions import Actor
from gateway.conversation import contexts
from gateway.conversation.contexts import Place, document_of, missing, readable, writable
from gateway.model.documents import (
    ASIDE,
    Json,
    KeptDocument,
    first_needed,
    kept_whole,
    key_of,
    merged_into,
    rebuilt,
    split,
    written_down,
)
from gateway.protocol import codec
from gateway.protocol.contexts import ContextChanges, GetContext, MergeContext, PutContext
from gateway.protocol.errors import StorageFailed
from gateway.protocol.events import ContextEvent
from gateway.protocol.results import ContextDocument, ContextHistory, Result
from gateway.protocol.types import ContextAction
from gateway.runtime.hub import Hub
from gateway.store import Record, fitting

PATIENCE = 0.1  # seconds until memory is asked again whether a commit has failed


async def put(hub: Hub, actor: Actor, request: PutContext) -> Result:
    writable(hub.house, actor, request.scope, request.name)
    size = len(codec.encode(request.document))
    after = await hub.aside.run(actor.name, size, lambda: written_down(request.document))
    return await hub.carry_out(contexts.put(hub.house, actor, request, hub.clerk(), after))


async def merge(hub: Hub, actor: Actor, request: MergeContext) -> Result:
    """Into what stands there when it is decided: if that changed while it was being merged, it is merged again."""
    size = len(codec.encode(request.patch))
    while True:
        where = writable(hub.house, actor, request.scope, request.name)
        stored = await _newest(hub, where)
        work = partial(merged_into, stored, request.patch)
        after = await hub.aside.run(actor.name, size + len(stored or b""), work)
        if writable(hub.house, actor, request.scope, request.name).record == where.record:
            return await hub.carry_out(contexts.merge(hub.house, actor, request, after, hub.clerk()))


async def get(hub: Hub, actor: Actor, request: GetContext) -> ContextDocument:
    where = readable(hub.house, actor, request.scope, request.name)
    if where.record is None or (request.version or 0) > where.record.info.version:
        raise missing(where, request.version)
    if request.version in (None, where.version):
        stored = await _newest(hub, where)
        found = None if stored is None else codec.decode(KeptDocument, stored)
        if found is not None and request.version in (None, found.version):
            return found
        if request.version is None:
            raise missing(where)
    return await _past(hub, actor, where, request.version or where.version)


async def _newest(hub: Hub, where: Place) -> bytes | None:
    """The document once all is on the disk that was decided about it until now; None where there is none."""
    record = where.record
    while record is not None and hub.committed_seq < record.seq:
        await hub.news_after(record.seq - 1, PATIENCE)
        record = hub.house.contexts.get(where.key)
    return await hub.store.aside(ASIDE, where.key)


async def _past(hub: Hub, actor: Actor, where: Place, version: int) -> ContextDocument:
    first = first_needed(version)
    changes = await _changes(hub, actor, await _about(hub, where, first, version))
    if not changes or changes[-1].version != version:
        raise missing(where, version)
    last = changes[-1]
    if last.action is ContextAction.DELETE:
        raise missing(where, version)
    base, merges = split(changes)
    whole = await _whole(hub, base)
    raw = await hub.aside.run(actor.name, last.size, lambda: codec.encode(rebuilt(_parsed(whole), merges)))
    return document_of(last, raw, last.size)


async def _whole(hub: Hub, event: ContextEvent | None) -> Json | bytes:
    """The document that an event made: as a value, or as the store has it."""
    if event is None or event.action is ContextAction.DELETE:
        return {}
    if not kept_whole(event):
        return event.document or {}
    raw = await hub.store.aside(ASIDE, key_of(event.scope, event.name, event.version))
    if raw is None:
        raise StorageFailed(f"Version {event.version} of {event.name!r} of {event.scope} is not in the store.")
    return raw


def _parsed(whole: Json | bytes) -> Json:
    return codec.decode(ContextDocument, whole).document if isinstance(whole, bytes) else whole


async def history(hub: Hub, actor: Actor, request: ContextChanges) -> ContextHistory:
    where = readable(hub.house, actor, request.scope, request.name)
    if where.record is None:
        raise missing(where)
    last = min(where.record.info.version, (request.before or where.record.info.version + 1) - 1)
    found = await _about(hub, where, max(1, last - request.limit + 1), last)
    changes = await _changes(hub, actor, fitting(list(reversed(found))))
    return ContextHistory(changes, more=bool(changes) and changes[-1].version > 1)


async def _changes(hub: Hub, actor: Actor, records: Sequence[Record]) -> tuple[ContextEvent, ...]:
    size = sum(len(record.event) for record in records)
    return await hub.aside.run(actor.name, size, lambda: tuple(map(_change, records)))


async def _about(hub: Hub, where: Place, first: int, last: int) -> list[Record]:
    """The events that made these versions: each event about a document makes one, and the first made version 1."""
    if where.record is None or last < first:
        return []
    return await hub.store.about(where.record.number, skip=first - 1, limit=last - first + 1)


def _change(record: Record) -> ContextEvent:
    event = codec.decode_durable(record.event)
    assert isinstance(event, ContextEvent)
    return event
