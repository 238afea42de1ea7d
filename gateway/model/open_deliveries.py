"""The state of the newest deliveries, and how many messages wait for each member. Pure."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable

from gateway.model.delivery_states import WAITING_RUNGS
from gateway.protocol.types import Delivery

KEPT_LADDERS = 100_000


class OpenDeliveries:
    def __init__(self, kept: int = KEPT_LADDERS) -> None:
        self._kept = kept
        self.latest: OrderedDict[tuple[int, str], Delivery] = OrderedDict()
        self.queued: dict[str, int] = defaultdict(int)

    def begin(self, deliveries: Iterable[Delivery]) -> None:
        """A reader of the store may see a committed message, and even take it, before this call."""
        latest, queued = self.latest, self.queued
        for delivery in deliveries:
            key = (delivery.message, delivery.member)
            queued[delivery.member] += delivery.rung in WAITING_RUNGS
            if latest.setdefault(key, delivery) is not delivery:
                latest.move_to_end(key)
        self._forget_old()

    def set(self, delivery: Delivery, before: Delivery | None) -> None:
        """Remember the state of a delivery; `before` is its state until now (None for a new delivery)."""
        was = before is not None and before.rung in WAITING_RUNGS
        self.queued[delivery.member] += (delivery.rung in WAITING_RUNGS) - was
        key = (delivery.message, delivery.member)
        self.latest[key] = delivery
        self.latest.move_to_end(key)
        self._forget_old()

    def known(self, stored: Delivery) -> Delivery:
        """The state of a delivery now: as in memory, else as stored, which is then remembered."""
        return self.latest.setdefault((stored.message, stored.member), stored)

    def clear(self) -> None:
        self.latest.clear()
        self.queued.clear()

    def _forget_old(self) -> None:
        while len(self.latest) > self._kept:
            self.latest.popitem(last=False)
