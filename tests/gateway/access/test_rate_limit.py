"""The token bucket: so many at once, so many a second, and a clear answer to more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.rate_limit import MAX_KEPT_BUCKETS, Rate, TokenBuckets
from gateway.protocol.errors import RateLimited


def taken(buckets: TokenBuckets, name: str, now: float, most: int = 1000) -> int:
    """How many get through at one moment."""
    for number in range(most):
        try:
            buckets.take(name, now)
        except RateLimited:
            return number
    return most


CASES: list[tuple[float, float, list[tuple[float, int]]]] = [
    # burst, per second, [(at, how many get through)]
    (100, 50, [(0, 100), (0, 0), (0.02, 1), (1, 49), (2, 50), (1000, 100)]),
    (1, 1, [(0, 1), (0.5, 0), (1, 1), (10, 1)]),
    (3, 0.5, [(10, 3), (11, 0), (12, 1), (13, 0), (14, 1)]),
    # a clock that goes back gives nothing and takes nothing
    (2, 1, [(10, 2), (5, 0), (5.5, 0), (6, 1)]),
]


@pytest.mark.parametrize(("burst", "per_second", "moments"), CASES)
def test_how_many_get_through(burst: float, per_second: float, moments: list[tuple[float, int]]) -> None:
    buckets = TokenBuckets(Rate(burst, per_second))
    assert [taken(buckets, "alice", at) for at, _ in moments] == [count for _, count in moments]


def test_the_default_is_a_hundred_at_once_and_fifty_a_second() -> None:
    assert Rate() == Rate(100, 50)


def test_one_flood_does_not_slow_another() -> None:
    buckets = TokenBuckets(Rate(2, 1))
    assert taken(buckets, "alice", 0) == 2
    assert taken(buckets, "bob", 0) == 2


def test_names_that_come_and_go_use_bounded_memory() -> None:
    buckets = TokenBuckets(Rate(2, 1))
    busy = [f"busy-{number}" for number in range(10)]
    for number in range(5 * MAX_KEPT_BUCKETS):
        buckets.take(f"name-{number}", number)
        if number % MAX_KEPT_BUCKETS == 0:
            for name in busy:
                taken(buckets, name, number)
    assert len(buckets) <= 2 * MAX_KEPT_BUCKETS
    now = 5 * MAX_KEPT_BUCKETS
    assert taken(buckets, "slow", now) == 2
    for number in range(2 * MAX_KEPT_BUCKETS):
        buckets.take(f"flood-{number}", now)
    assert taken(buckets, "slow", now) == 0, "an empty bucket is not forgotten"


def test_a_rate_of_zero_is_no_limit() -> None:
    assert taken(TokenBuckets(Rate(0, 0)), "alice", 0) == 1000


@settings(deadline=None, derandomize=True)
@given(st.floats(1, 1000), st.floats(0.01, 1000), st.lists(st.floats(0, 100), max_size=20))
def test_whoever_waits_as_long_as_told_gets_through(burst: float, per_second: float, times: list[float]) -> None:
    buckets = TokenBuckets(Rate(burst, per_second))
    for now in times:
        taken(buckets, "alice", now, 50)
    now = max(times, default=0)
    taken(buckets, "alice", now)
    try:
        buckets.take("alice", now)
    except RateLimited as error:
        assert error.retry_after is not None
        buckets.take("alice", now + error.retry_after + 0.001 / per_second + 0.001)
