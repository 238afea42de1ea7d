"""Applies what another gateway has decided, from the entries of the log. Pure.

An entry has everything that its event changes: documents, deliveries, and the event itself for the loop guard.
"""

from __future__ import annotations

from gateway.message_effects import wake_rules
from gateway.model.records.state_tables import KINDS
from gateway.model.rule_outcome import StateChange
from gateway.model.state import GatewayState
from gateway.protocol import codec
from gateway.protocol.events import Durable, Message
from gateway.store import Document, LogEntry


def apply_entry(state: GatewayState, entry: LogEntry) -> Durable:
    """Bring the state to where it is after this entry. Returns the event."""
    event = codec.decode_durable(entry.event)
    for document in entry.documents:
        state.put(_decode_change(document))
    wake_rules.record_event(state, event)
    if isinstance(event, Message):
        state.deliveries.begin(entry.deliveries)
    else:
        for delivery in entry.deliveries:
            state.deliveries.set(delivery, state.latest_deliveries.get((delivery.message, delivery.member)))
    return event


def _decode_change(document: Document) -> StateChange:
    value = None if document.body is None else codec.decode(KINDS[document.kind].encoding, document.body)
    return StateChange(document.kind, document.key, value)
