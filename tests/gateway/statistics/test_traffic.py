"""The traffic of members: who has figures of its own, what is counted together, and that no sum ever falls."""

from __future__ import annotations

import tracemalloc

import pytest

from gateway.statistics.delivery_end import DeliveryEnd, DeliveryResult
from gateway.statistics.traffic import QUIET_BEFORE_REPLACED_S, TrafficTable

HOUR = QUIET_BEFORE_REPLACED_S
Sent = tuple[float, str]

PLACES: list[tuple[str, list[Sent], dict[str, int], int]] = [
    ("below the limit everybody has a row", [(0, "ada"), (1, "bob")], {"ada": 1, "bob": 1}, 0),
    ("above it the newcomer is one of the others", [(0, "ada"), (1, "bob"), (2, "cleo")], {"ada": 1, "bob": 1}, 1),
    (
        "after an hour of silence its row is free",
        [(0, "ada"), (1, "ada"), (2, "bob"), (HOUR + 1, "cleo")],
        {"bob": 1, "cleo": 1},
        2,
    ),
    (
        "who spoke meanwhile keeps it",
        [(0, "ada"), (1, "bob"), (HOUR, "ada"), (HOUR + 1, "cleo")],
        {"ada": 2, "cleo": 1},
        1,
    ),
    (
        "a row is replaced by one newcomer, not by all",
        [(0, "ada"), (1, "bob"), (HOUR, "cleo"), (HOUR, "dan")],
        {"bob": 1, "cleo": 1},
        2,
    ),
    (
        "who comes back after that begins anew",
        [(0, "ada"), (1, "bob"), (HOUR, "cleo"), (HOUR + 1, "ada")],
        {"ada": 1, "cleo": 1},
        2,
    ),
]


@pytest.mark.parametrize(("sent", "rows", "others"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_who_has_a_row(sent: list[Sent], rows: dict[str, int], others: int) -> None:
    table = TrafficTable(limit=2)
    for now, member in sent:
        table.count_sent(member, now)
    assert {name: row.sent.total for name, row in table} == rows
    assert (table.others.sent.total, table.total.sent.total) == (others, len(sent))


ERRORS = [
    ("nothing asked", 0, 0, 0.0),
    ("none refused", 10, 0, 0.0),
    ("one of ten", 10, 1, 0.1),
    ("all", 3, 3, 1.0),
    ("frames that are no requests are refused, too", 0, 4, 1.0),
]


@pytest.mark.parametrize(("requests", "refused", "rate"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS])
def test_error_rate(requests: int, refused: int, rate: float) -> None:
    table = TrafficTable()
    for _ in range(requests):
        table.count_request("ada", 1)
    for _ in range(refused):
        table.count_refused("ada", 1)
    assert table.rows["ada"].error_rate(2) == rate if requests or refused else "ada" not in table.rows
    assert table.total.error_rate(2) == rate
    assert table.total.error_rate(2 * HOUR) == 0.0, "it is the rate of the last minutes"


def test_a_caller_without_a_token_is_no_member() -> None:
    table = TrafficTable()
    table.count_refused(None, 0)
    assert (len(table), table.others.refused.total, table.total.refused.total) == (0, 0, 1)


ENDS: list[tuple[DeliveryResult, float | None, int]] = [
    (DeliveryResult.TAKEN, 0.3, 1),
    (DeliveryResult.TAKEN, None, 0),
    (DeliveryResult.FAILED, 0.3, 0),
    (DeliveryResult.EXPIRED, 60.0, 0),
    (DeliveryResult.CANCELLED, 0.3, 0),
]


@pytest.mark.parametrize(("result", "seconds", "timed"), ENDS)
def test_only_the_latency_of_what_was_taken_counts(result: DeliveryResult, seconds: float | None, timed: int) -> None:
    table = TrafficTable()
    table.count_end("ada", DeliveryEnd(result, seconds), 5)
    for row in (table.total, table.rows["ada"]):
        assert row.ends == {**dict.fromkeys(DeliveryResult, 0), result: 1}
        assert (row.latency.count, row.recent_latency.recent(5).count) == (timed, timed)


def test_whatever_comes_and_goes_memory_and_names_are_bounded_and_sums_never_fall() -> None:
    """Ten thousand members, one after the other, within a day."""
    table, last = TrafficTable(limit=50), 0
    taken = DeliveryEnd(DeliveryResult.TAKEN, 0.3)
    names: set[str] = set()

    def come_and_go(first: int) -> None:
        nonlocal last
        for number in range(first, first + 5000):
            now, name = number * 8.64, f"guest-{number}"
            table.count_request(name, now)
            table.count_sent(name, now)
            table.count_end(name, taken, now)
            table.count_refused(name, now)
            names.update(table.rows)
            summed = table.others.sent.total + sum(row.sent.total for _, row in table)
            assert summed == table.total.sent.total == last + 1
            last = summed
            assert len(table) <= 50

    come_and_go(0)
    tracemalloc.start()
    try:
        come_and_go(5000)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    parts = [table.others, *table.rows.values()]
    assert sum(one.ends[DeliveryResult.TAKEN] for one in parts) == sum(one.latency.count for one in parts) == 10_000
    assert len(names) <= 50 * 25, "a place is given to at most one newcomer an hour"
    assert grown < 1_000_000, "fifty rows, new ones in place of the old, and the names that this test keeps"
