"""Everything that the gateway knows of its store, read before any of it is believed: a state is taken over whole or not
at all. What was said last is part of it, because guards against loops count on where they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from gateway.conversation import loop_checks
from gateway.model.log_events import Change
from gateway.model.state import House
from gateway.model.tables import KINDS
from gateway.protocol import codec
from gateway.protocol.errors import GroupChatError, StorageFailed
from gateway.protocol.events import Durable
from gateway.protocol.types import Delivery
from gateway.store import Document, Loaded, Record, Store
from gateway.timing import clock_changes
from gateway.turns.engine import Floor

log = structlog.get_logger("gateway.runtime.state_loader")

RECENT_EVENTS = 1000


@dataclass(frozen=True)
class Recalled:
    """`prompts`: where the messages stand that ask a speaker to go on."""

    loaded: Loaded
    changes: Sequence[Change]
    said: Sequence[Durable]
    prompts: Sequence[Delivery]


async def recalled(store: Store) -> Recalled:
    loaded = await store.load()
    changes = [one for one in map(_change_of, loaded.documents) if one is not None]
    return Recalled(loaded, changes, await _said(store, loaded.last_seq), await _prompts(store, changes))


def take_over(house: House, found: Recalled, now: float) -> None:
    """The state as it was read, instead of what memory said. Reads nothing itself."""
    house.forget()
    for change in found.changes:
        house.put(change)
    house.id = found.loaded.house
    house.queued.update(found.loaded.queued)
    for event in found.said:
        loop_checks.note(house, event)
    for delivery in found.prompts:
        house.deliveries.known(delivery)
    clock_changes.bring_back(house, now)


async def _said(store: Store, last_seq: int) -> list[Durable]:
    first = max(0, last_seq - RECENT_EVENTS)
    found, _ = await store.read(first, RECENT_EVENTS, lambda record: record.kind == "message")
    return [event for event in map(_event_of, found) if event is not None]


def _event_of(record: Record) -> Durable | None:
    """The guards do without one that cannot be read."""
    try:
        return codec.decode_durable(record.event)
    except GroupChatError as error:
        log.warning("! an event cannot be read", seq=record.seq, error=error.message)
        return None


async def _prompts(store: Store, changes: Sequence[Change]) -> list[Delivery]:
    floors = [one.value for one in changes if isinstance(one.value, Floor)]
    asked = [(prompt, floor.speaker) for floor in floors for prompt in floor.prompts]
    found = [await store.delivery(*one) for one in asked]
    return [one for one in found if one is not None]


def _change_of(document: Document) -> Change | None:
    try:
        return Change(document.kind, document.key, codec.decode(KINDS[document.kind].encoding, document.body or b""))
    except GroupChatError as error:
        if not KINDS[document.kind].passing:
            raise StorageFailed(
                f"What the store holds as {document.kind} {document.key!r} cannot be read: {error.message} Put a "
                "backup in its place; or, if another version of llm-groupchat wrote it, use that one."
            ) from None
        log.warning("! given up: it cannot be read", kind=document.kind, key=document.key, error=error.message)
        return None
