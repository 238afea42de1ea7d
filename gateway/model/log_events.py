"""The outcome of a rule: log events with their state changes, and the answer to the requester. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gateway.model.records import StoredState
from gateway.model.rule_settings import RuleSettings
from gateway.protocol.events import Durable
from gateway.protocol.results import Result
from gateway.protocol.timestamps import iso_from_seconds
from gateway.protocol.types import Delivery


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


class LogEvent(msgspec.Struct, frozen=True):
    """One event, the members who alone see it (besides observers), its state changes, the deliveries it begins or
    moves."""

    event: Durable
    ends: tuple[str, ...] | None = None
    changes: tuple[StateChange, ...] = ()
    store_only_documents: tuple[StoreOnlyDocument, ...] = ()
    about: int | None = None
    deliveries: tuple[Delivery, ...] = ()
    client_id: str | None = None
    deadline: float | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What a rule decided: the events to commit, and the answer to give after the commit."""

    result: Result
    events: tuple[LogEvent, ...] = ()


class Sequencer:
    """What a rule gets beside the state: numbers for its events, the time, and the operator's settings. Events are
    ordered by number, because the clock may be set back."""

    def __init__(self, last_seq: int = 0, now: float = 0.0, settings: RuleSettings | None = None) -> None:
        self.last_seq = last_seq
        self.now = now
        self.settings = settings or RuleSettings()
        self._stamped = (-1, "")

    def at(self, now: float) -> Sequencer:
        self.now = now
        return self

    def seq(self) -> int:
        self.last_seq += 1
        return self.last_seq

    @property
    def stamp(self) -> str:
        milliseconds = int(self.now * 1000)
        if self._stamped[0] != milliseconds:
            self._stamped = (milliseconds, iso_from_seconds(self.now))
        return self._stamped[1]
