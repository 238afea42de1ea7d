"""The requests about shared documents that need the store: what stands there, what stood there, and merging into it."""

from __future__ import annotations

from gateway import contexts
from gateway.contexts import Place, document_of, missing, readable, writable
from gateway.documents import ASIDE, Json, first_needed, kept_whole, key_of, rebuilt, split
from gateway.hub import Hub
from gateway.protocol import codec
from gateway.protocol.context_requests import ContextChanges, GetContext, MergeContext
from gateway.protocol.errors import StorageFailed
from gateway.protocol.events import ContextEvent
from gateway.protocol.nouns import ContextAction
from gateway.protocol.results import ContextDocument, ContextHistory, Result
from gateway.rights import Actor
from gateway.store import Record, fitting

PATIENCE = 0.1  # seconds until memory is asked again whether a commit has failed


async def merge(hub: Hub, actor: Actor, request: MergeContext) -> Result:
    """Into what stands there when it is decided: if that changed while it was being read, it is read again."""
    while True:
        where = writable(hub.house, actor, request.scope, request.name)
        stored = await _newest(hub, where)
        if writable(hub.house, actor, request.scope, request.name).record == where.record:
            document = {} if stored is None else stored.document
            return await hub.carry_out(contexts.merge(hub.house, actor, request, document, hub.clerk()))


async def get(hub: Hub, actor: Actor, request: GetContext) -> ContextDocument:
    where = readable(hub.house, actor, request.scope, request.name)
    if where.record is None or (request.version or 0) > where.record.info.version:
        raise missing(where, request.version)
    if request.version in (None, where.version):
        found = await _newest(hub, where)
        if found is not None and request.version in (None, found.version):
            return found
        if request.version is None:
            raise missing(where)
    return await _past(hub, where, request.version or where.version)


async def _newest(hub: Hub, where: Place) -> ContextDocument | None:
    """The document once all is on the disk that was decided about it until now; None where there is none."""
    record = where.record
    while record is not None and hub.committed_seq < record.seq:
        await hub.news_after(record.seq - 1, PATIENCE)
        record = hub.house.contexts.get(where.key)
    raw = await hub.store.aside(ASIDE, where.key)
    return None if raw is None else codec.decode(ContextDocument, raw)


async def _past(hub: Hub, where: Place, version: int) -> ContextDocument:
    first = first_needed(version)
    changes = [_change(one) for one in await _about(hub, where, first, version)]
    if not changes or changes[-1].version != version:
        raise missing(where, version)
    last = changes[-1]
    if last.action is ContextAction.DELETE:
        raise missing(where, version)
    base, merges = split(changes)
    document = rebuilt(await _whole(hub, base), merges)
    return document_of(last, document, last.size)


async def _whole(hub: Hub, event: ContextEvent | None) -> Json:
    """The document that an event made."""
    if event is None or event.action is ContextAction.DELETE:
        return {}
    if not kept_whole(event):
        return event.document or {}
    raw = await hub.store.aside(ASIDE, key_of(event.scope, event.name, event.version))
    if raw is None:
        raise StorageFailed(f"Version {event.version} of {event.name!r} of {event.scope} is not in the store.")
    return codec.decode(ContextDocument, raw).document


async def history(hub: Hub, actor: Actor, request: ContextChanges) -> ContextHistory:
    where = readable(hub.house, actor, request.scope, request.name)
    if where.record is None:
        raise missing(where)
    last = min(where.record.info.version, (request.before or where.record.info.version + 1) - 1)
    found = await _about(hub, where, max(1, last - request.limit + 1), last)
    page = fitting(list(reversed(found)))
    changes = tuple(_change(one) for one in page)
    return ContextHistory(changes, more=bool(changes) and changes[-1].version > 1)


async def _about(hub: Hub, where: Place, first: int, last: int) -> list[Record]:
    """The events that made these versions: each event about a document makes one, and the first made version 1."""
    if where.record is None or last < first:
        return []
    return await hub.store.about(where.record.number, skip=first - 1, limit=last - first + 1)


def _change(record: Record) -> ContextEvent:
    event = codec.decode_durable(record.event)
    assert isinstance(event, ContextEvent)
    return event
