"""The outcome of a rule: events to commit with their state changes, and the answer to the requester. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gateway.model.records.stored_records import StoredState
from gateway.protocol.events import Durable
from gateway.protocol.results import Result
from gateway.protocol.types.core_types import Delivery
from gateway.statistics.delivery_end import DeliveryEnd


@dataclass(frozen=True, slots=True)
class StateChange:
    """A document to put into the state, or to remove from it."""

    kind: str
    key: str
    value: StoredState | None


@dataclass(frozen=True, slots=True)
class StoreOnlyDocument:
    """A document too large for memory: it goes to the store with its event, and is read from there."""

    kind: str
    key: str
    value: msgspec.Struct | None


class EventToCommit(msgspec.Struct, frozen=True):
    """One event, the members who alone see it (besides observers), its state changes, the deliveries it begins or
    moves, and how the delivery ended that it moves."""

    event: Durable
    ends: tuple[str, ...] | None = None
    changes: tuple[StateChange, ...] = ()
    store_only_documents: tuple[StoreOnlyDocument, ...] = ()
    about: int | None = None
    deliveries: tuple[Delivery, ...] = ()
    client_id: str | None = None
    deadline: float | None = None
    end: DeliveryEnd | None = None


class RuleOutcome(msgspec.Struct, frozen=True):
    """What a rule decided: the events to commit, and the answer to give after the commit."""

    result: Result
    events: tuple[EventToCommit, ...] = ()
