"""Latencies in a histogram of fixed size: how many fell into each bucket, and the quantiles that follow. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

DELIVERY_BUCKETS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 15.0, 60.0, 300.0, 1800.0)


class LatencyHistogram:
    """`counts` has one more entry than `bounds`: for what took longer than the last bound."""

    __slots__ = ("bounds", "counts", "seconds")

    def __init__(self, bounds: Sequence[float] = DELIVERY_BUCKETS_S) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.seconds = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.seconds += seconds

    def add(self, other: LatencyHistogram) -> None:
        """Add what another histogram with the same bounds has counted."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.seconds += other.seconds

    def cumulative(self) -> list[int]:
        """How many took at most as long as each bound; the last entry counts all."""
        return list(accumulate(self.counts))

    def quantile(self, q: float) -> float | None:
        """The latency that the fraction `q` did not exceed, interpolated within its bucket. None without any; the last
        bound where it lies beyond."""
        wanted = q * self.count
        if not self.count:
            return None
        below, lower = 0, 0.0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            if count and below + count >= wanted:
                return lower + (bound - lower) * (wanted - below) / count
            below, lower = below + count, bound
        return self.bounds[-1]


class RecentLatency:
    """The latencies of the running window and of the one before it, so of at least the last `window` seconds that had
    any. Without a timer: time is an argument."""

    __slots__ = ("_before", "_number", "_running", "_window")

    def __init__(self, window: float) -> None:
        self._window = window
        self._number = 0  # of the running window
        self._running: LatencyHistogram | None = None
        self._before: LatencyHistogram | None = None

    def observe(self, seconds: float, now: float) -> None:
        self._turn_to(now)
        if self._running is None:
            self._running = LatencyHistogram()
        self._running.observe(seconds)

    def recent(self, now: float) -> LatencyHistogram:
        self._turn_to(now)
        both = LatencyHistogram()
        for part in (self._running, self._before):
            if part is not None:
                both.add(part)
        return both

    def _turn_to(self, now: float) -> None:
        number = int(now // self._window)
        if number > self._number:
            self._before = self._running if number == self._number + 1 else None
            self._number, self._running = number, None
