"""Loads the gateway's state from its store. All of it is read before any of it is used: a state is adopted whole or not
at all. The last messages are part of it, because the loop guard counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from gateway.message_effects import wake_rules
from gateway.model.records.state_tables import KINDS
from gateway.model.rule_outcome import StateChange
from gateway.model.state import GatewayState
from gateway.protocol import codec
from gateway.protocol.errors import GroupChatError, StorageFailed
from gateway.protocol.events import Durable
from gateway.protocol.types.core_types import Delivery
from gateway.store import Document, StartupData, Store, StoredEvent
from gateway.timing import clock_changes
from gateway.turns.engine import Floor

log = structlog.get_logger("gateway.runtime.state_loader")

MAX_RECENT_EVENTS = 1000


@dataclass(frozen=True)
class RestoredState:
    """`prompts`: the deliveries of the messages that prompt a speaker."""

    loaded: StartupData
    changes: Sequence[StateChange]
    said: Sequence[Durable]
    prompts: Sequence[Delivery]


async def load_state(store: Store) -> RestoredState:
    loaded = await store.load()
    changes = [one for one in map(_decode_change_of, loaded.documents) if one is not None]
    return RestoredState(
        loaded, changes, await _recent_events(store, loaded.last_seq), await _prompt_deliveries(store, changes)
    )


def adopt_state(state: GatewayState, found: RestoredState, now: float) -> None:
    """Replace the state in memory by what was read. Does no I/O."""
    state.forget()
    for change in found.changes:
        state.put(change)
    state.id = found.loaded.store_id
    state.queued.update(found.loaded.queued)
    for event in found.said:
        wake_rules.record_event(state, event)
    for delivery in found.prompts:
        state.deliveries.known(delivery)
    clock_changes.clamp_future_times(state, now)


async def _recent_events(store: Store, last_seq: int) -> list[Durable]:
    first = max(0, last_seq - MAX_RECENT_EVENTS)
    found, _ = await store.read(first, MAX_RECENT_EVENTS, lambda record: record.kind == "message")
    return [event for event in map(_decode_event, found) if event is not None]


def _decode_event(record: StoredEvent) -> Durable | None:
    """Skips a message that cannot be read: the loop guard can do without it."""
    try:
        return codec.decode_durable(record.event)
    except GroupChatError as error:
        log.warning("! an event cannot be read", seq=record.seq, error=error.message)
        return None


async def _prompt_deliveries(store: Store, changes: Sequence[StateChange]) -> list[Delivery]:
    floors = [one.value for one in changes if isinstance(one.value, Floor)]
    asked = [(prompt, floor.speaker) for floor in floors for prompt in floor.prompts]
    found = [await store.delivery(*one) for one in asked]
    return [one for one in found if one is not None]


def _decode_change_of(document: Document) -> StateChange | None:
    try:
        return StateChange(
            document.kind, document.key, codec.decode(KINDS[document.kind].encoding, document.body or b"")
        )
    except GroupChatError as error:
        if not KINDS[document.kind].passing:
            raise StorageFailed(
                f"What the store holds as {document.kind} {document.key!r} cannot be read: {error.message} Put a "
                "backup in its place; or, if another version of llm-groupchat wrote it, use that one."
            ) from None
        log.warning(
            "! dropped a document that cannot be read", kind=document.kind, key=document.key, error=error.message
        )
        return None
