"""What facts change in the state. Pure."""

from __future__ import annotations

from gateway.conversation import loop_checks
from gateway.model.log_events import Fact
from gateway.model.state import House
from gateway.protocol.events import Message


def foresee(house: House, fact: Fact) -> None:
    """What later requests must already see. A message's ladders begin only when it is committed: it may turn out to be
    the repetition of an earlier one."""
    for change in fact.changes:
        house.put(change)
    loop_checks.note(house, fact.event)
    if not isinstance(fact.event, Message):
        move_ladders(house, fact)


def move_ladders(house: House, fact: Fact) -> None:
    """Begin the ladders of a message, or put those of another event where it says that they stand."""
    if isinstance(fact.event, Message):
        house.deliveries.begin(fact.deliveries)
    else:
        for delivery in fact.deliveries:
            house.deliveries.set(delivery, house.ladders.get((delivery.message, delivery.member)))
