"""The state of the newest deliveries, and how many messages wait for each member. Pure."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable

from gateway.model.deliveries.delivery_states import WAITING_RUNGS
from gateway.protocol.types.core_types import Delivery

KEPT_LADDERS = 100_000


class OpenDeliveries:
    def __init__(self, kept: int = KEPT_LADDERS) -> None:
        self._kept = kept
        self.latest: OrderedDict[tuple[int, str], Delivery] = OrderedDict()
        self.queued: dict[str, int] = defaultdict(int)
        self.begun: dict[str, int] = defaultdict(int)  # how often a message has begun to wait for each member

    def begin(self, deliveries: Iterable[Delivery]) -> None:
        """A reader of the store may see a committed message, and even take it, before this call."""
        latest, queued = self.latest, self.queued
        for delivery in deliveries:
            key = (delivery.message, delivery.member)
            queued[delivery.member] += delivery.rung in WAITING_RUNGS
            self.begun[delivery.member] += 1
            if latest.setdefault(key, delivery) is not delivery:
                latest.move_to_end(key)
        self._forget_old()

    def set(self, delivery: Delivery, before: Delivery | None) -> None:
        """Remember the state of a delivery; `before` is its state until now (None for a new delivery)."""
        was = before is not None and before.rung in WAITING_RUNGS
        waits = delivery.rung in WAITING_RUNGS
        self.queued[delivery.member] += waits - was
        self.begun[delivery.member] += waits and not was
        key = (delivery.message, delivery.member)
        self.latest[key] = delivery
        self.latest.move_to_end(key)
        self._forget_old()

    def known(self, stored: Delivery) -> Delivery:
        """The state of a delivery now: as in memory, else as stored, which is then remembered."""
        return self.latest.setdefault((stored.message, stored.member), stored)

    def forget_member(self, name: str) -> None:
        """Drop the counts of a member that is forgotten; not while something waits for it."""
        if not self.queued.get(name):
            self.queued.pop(name, None)
            self.begun.pop(name, None)

    def clear(self) -> None:
        self.latest.clear()
        self.queued.clear()
        self.begun.clear()

    def _forget_old(self) -> None:
        while len(self.latest) > self._kept:
            self.latest.popitem(last=False)
