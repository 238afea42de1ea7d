"""Counts that know how fast they grow, without a timer. Pure: time is an argument.

The rate is an estimate from two fixed windows: the running one, and that part of the one before it which still lies
within the last `window` seconds.
"""

from __future__ import annotations


class RateCounter:
    __slots__ = ("_before", "_number", "_running", "_window", "total")

    def __init__(self, window: float) -> None:
        self._window = window
        self._number = 0  # of the running window
        self._running = self._before = 0
        self.total = 0

    def add(self, now: float) -> None:
        self._turn_to(now)
        self._running += 1
        self.total += 1

    def recent(self, now: float) -> float:
        """About how many came within the last `window` seconds."""
        self._turn_to(now)
        passed = now / self._window - self._number
        return self._running + self._before * (1 - min(1.0, max(0.0, passed)))

    def per_second(self, now: float) -> float:
        return self.recent(now) / self._window

    def _turn_to(self, now: float) -> None:
        number = int(now // self._window)
        if number > self._number:
            self._before = self._running if number == self._number + 1 else 0
            self._number, self._running = number, 0
