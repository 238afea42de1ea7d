"""What facts change in the state. Pure."""

from __future__ import annotations

from gateway.conversation import loop_checks
from gateway.model.log_events import LogEvent
from gateway.model.state import GatewayState
from gateway.protocol.events import Message


def apply_early(state: GatewayState, fact: LogEvent) -> None:
    """What later requests must already see. A message's ladders begin only when it is committed: it may turn out to be
    the repetition of an earlier one."""
    for change in fact.changes:
        state.put(change)
    loop_checks.record_event(state, fact.event)
    if not isinstance(fact.event, Message):
        move_deliveries(state, fact)


def move_deliveries(state: GatewayState, fact: LogEvent) -> None:
    """Begin the ladders of a message, or put those of another event where it says that they stand."""
    if isinstance(fact.event, Message):
        state.deliveries.begin(fact.deliveries)
    else:
        for delivery in fact.deliveries:
            state.deliveries.set(delivery, state.ladders.get((delivery.message, delivery.member)))
