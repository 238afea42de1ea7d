"""How often something happened recently."""

from __future__ import annotations

import pytest

from gateway.statistics.rate_counter import RateCounter

WINDOW_S = 10.0
ROWS: list[tuple[str, list[float], float, float]] = [
    ("never", [], 5, 0),
    ("now", [5], 5, 1),
    ("in the running window all count", [1, 2, 3], 9.9, 3),
    ("at the start of the next one all of the last count", [1, 2, 3, 4], 10, 4),
    ("half a window later half of them", [1, 2, 3, 4], 15, 2),
    ("both windows", [1, 2, 3, 4, 11, 12], 15, 4),
    ("two windows later none", [1, 2, 3, 4], 20, 0),
    ("after a year none", [1, 2, 3, 4], 31_536_000, 0),
    ("a clock that goes back forgets nothing", [15, 3], 15, 2),
]


@pytest.mark.parametrize(("times", "now", "recent"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_recent(times: list[float], now: float, recent: float) -> None:
    count = RateCounter(WINDOW_S)
    for at in times:
        count.add(at)
    assert count.recent(now) == pytest.approx(recent)
    assert count.per_second(now) == pytest.approx(recent / WINDOW_S)
    assert count.total == len(times)


def test_a_steady_stream_has_its_rate_at_every_moment() -> None:
    count = RateCounter(WINDOW_S)
    for tick in range(1000):
        count.add(tick / 10)
        if tick > 200:
            assert count.per_second(tick / 10) == pytest.approx(10, rel=0.02)
