"""Applies log events to the state. Pure."""

from __future__ import annotations

from gateway.message_effects import wake_rules
from gateway.model.rule_outcome import EventToCommit
from gateway.model.state import GatewayState
from gateway.protocol.events import Message


def apply_early(state: GatewayState, fact: EventToCommit) -> None:
    """Apply the changes that later requests must see before the commit. The deliveries of a message begin only after
    its commit, because it may turn out to repeat an earlier message."""
    for change in fact.changes:
        state.put(change)
    wake_rules.record_event(state, fact.event)
    if not isinstance(fact.event, Message):
        move_deliveries(state, fact)


def move_deliveries(state: GatewayState, fact: EventToCommit) -> None:
    """Begin the deliveries of a message, or move those that another event reports."""
    if isinstance(fact.event, Message):
        state.deliveries.begin(fact.deliveries)
    else:
        for delivery in fact.deliveries:
            state.deliveries.set(delivery, state.latest_deliveries.get((delivery.message, delivery.member)))
