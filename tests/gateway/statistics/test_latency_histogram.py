"""Latencies in buckets: where one falls, which quantiles follow, and which of them are recent."""

from __future__ import annotations

import pytest

from gateway.statistics.latency_histogram import LatencyHistogram, RecentLatency

BOUNDS = (1.0, 2.0, 4.0)

PLACES = [
    ("nothing takes no time", 0.0, [1, 0, 0, 0]),
    ("a bound belongs to its bucket", 1.0, [1, 0, 0, 0]),
    ("above a bound", 1.001, [0, 1, 0, 0]),
    ("the last bound", 4.0, [0, 0, 1, 0]),
    ("beyond all bounds", 4.001, [0, 0, 0, 1]),
]

QUANTILES: list[tuple[str, list[float], float, float | None]] = [
    ("none at all", [], 0.5, None),
    ("one, in the middle of its bucket", [0.3], 0.5, 0.5),
    ("one, at the end of its bucket", [0.3], 1.0, 1.0),
    ("two buckets, the first is full", [0.1, 1.5], 0.5, 1.0),
    ("two buckets, half of the second", [0.1, 0.1, 1.5, 1.5], 0.75, 1.5),
    ("an empty bucket between", [0.1, 3.0], 0.75, 3.0),
    ("all in the last bucket with a bound", [3.0] * 4, 0.5, 3.0),
    ("beyond all bounds: at least the last", [9.0] * 10, 0.5, 4.0),
    ("the slowest of a hundred does not decide p99", [0.5] * 99 + [9.0], 0.99, 1.0),
    ("the two slowest do", [0.5] * 98 + [9.0] * 2, 0.99, 4.0),
    ("p95", [0.5] * 90 + [1.5] * 10, 0.95, 1.5),
]


@pytest.mark.parametrize(("seconds", "counts"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_each_latency_falls_into_one_bucket(seconds: float, counts: list[int]) -> None:
    histogram = LatencyHistogram(BOUNDS)
    histogram.observe(seconds)
    assert (histogram.counts, histogram.count, histogram.seconds) == (counts, 1, seconds)


@pytest.mark.parametrize(("seen", "q", "wanted"), [row[1:] for row in QUANTILES], ids=[row[0] for row in QUANTILES])
def test_quantiles(seen: list[float], q: float, wanted: float | None) -> None:
    histogram = LatencyHistogram(BOUNDS)
    for seconds in seen:
        histogram.observe(seconds)
    assert histogram.quantile(q) == (None if wanted is None else pytest.approx(wanted))


def test_buckets_are_cumulative_and_add_up() -> None:
    one, other = LatencyHistogram(BOUNDS), LatencyHistogram(BOUNDS)
    for seconds in (0.5, 1.5, 9.0):
        one.observe(seconds)
    other.observe(3.0)
    one.add(other)
    assert (one.cumulative(), one.seconds) == ([1, 2, 3, 4], 14.0)


RECENT = [
    ("at once", [(0, 0.5)], 0, 1),
    ("in the next window", [(0, 0.5)], 15, 1),
    ("in the window after it no more", [(0, 0.5)], 20, 0),
    ("two windows", [(0, 0.5), (12, 0.5)], 19, 2),
    ("the newer of two", [(0, 0.5), (12, 0.5)], 25, 1),
    ("after a long silence", [(0, 0.5), (12, 0.5)], 10_000, 0),
    ("a clock that goes back counts on", [(12, 0.5), (3, 0.5)], 12, 2),
]


@pytest.mark.parametrize(("seen", "now", "count"), [row[1:] for row in RECENT], ids=[row[0] for row in RECENT])
def test_recent_latencies_are_forgotten_without_a_timer(
    seen: list[tuple[float, float]], now: float, count: int
) -> None:
    recent = RecentLatency(10.0)
    for at, seconds in seen:
        recent.observe(seconds, at)
    assert recent.recent(now).count == count
