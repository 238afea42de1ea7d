"""The figures of the traffic in a table that fits 80 columns, whatever they are."""

from __future__ import annotations

import pytest

from controller.wording.statistics_text import (
    COLUMNS,
    count_text,
    heading,
    latency_text,
    rate_text,
    remarks,
    statistics_rows,
)
from gateway.console.text_table import lay_out_table
from gateway.protocol.results import Latency, MemberFigures, Statistics, TrafficFigures
from gateway.protocol.types.core_types import MemberKind

NOTHING = TrafficFigures(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, Latency(None, None, None, 0))
SOME = TrafficFigures(12, 0.2, 20, 5, 0.25, 7, 1, 2, 3, 4, Latency(0.2, 1.5, 75.0, 7))
HUGE = TrafficFigures(
    10**9, 12_345.6, 10**9, 10**9, 1.0, 10**9, 10**9, 10**9, 10**9, 10**9, Latency(1800, 1800, 1800, 10**9)
)


def statistics(others: TrafficFigures | None, members: dict[str, TrafficFigures], limit: int = 200) -> Statistics:
    rows = tuple(MemberFigures(name, MemberKind.AGENT, True, one) for name, one in members.items())
    connected = {"human": 1, "agent": 2, "tool": 0}
    return Statistics("2026-11-21T11:20:00.000Z", 3661.0, connected, SOME, rows, limit, others)


LATENCIES = [
    (None, "-"),
    (0.0, "0ms"),
    (0.04, "40ms"),
    (0.9994, "999ms"),
    (0.9996, "1.0s"),
    (9.94, "9.9s"),
    (9.96, "10s"),
    (59.4, "59s"),
    (60.0, "1m"),
    (1800.0, "30m"),
    (7200.0, "2h"),
]
RATES = [(0.0, "0"), (0.0049, "0"), (0.0167, "0.02"), (0.999, "1.00"), (3.46, "3.5"), (99.9, "99.9"), (120.4, "120")]
COUNTS = [(0, "0"), (99_999, "99999"), (100_000, "100k"), (999_999, "999k"), (12_345_678, "12M"), (10**12, "1000G")]


@pytest.mark.parametrize(("seconds", "text"), LATENCIES)
def test_latency_text(seconds: float | None, text: str) -> None:
    assert latency_text(seconds) == text


@pytest.mark.parametrize(("rate", "text"), RATES)
def test_rate_text(rate: float, text: str) -> None:
    assert rate_text(rate) == text


@pytest.mark.parametrize(("count", "text"), COUNTS)
def test_count_text(count: int, text: str) -> None:
    assert count_text(count) == text


def test_rows() -> None:
    found = statistics(NOTHING, {"ada": NOTHING, "ben": SOME, "cleo": SOME})
    some = ("12", "0.20", "25%", "4", "6", "200ms", "1.5s", "1m")
    assert statistics_rows(found) == [
        ("ben", *some),
        ("cleo", *some),
        ("ada", "0", "0", "0%", "0", "0", "-", "-", "-"),
        ("(all)", *some),
    ]
    assert heading(found) == "up 1 h 1 min; connected: 1 human, 2 agents"
    assert [row[0] for row in statistics_rows(statistics(SOME, {}))] == ["(others)", "(all)"]


def test_who_sees_only_its_own_is_told_so_and_a_full_table_says_its_limit() -> None:
    assert "your own figures" in remarks(statistics(None, {}))[-1]
    assert "1 members have figures of their own" in remarks(statistics(SOME, {"ada": SOME}, limit=1))[-1]
    assert len(remarks(statistics(NOTHING, {"ada": SOME}))) == 1


@pytest.mark.parametrize("name", ["a", "x" * 19, "x" * 20, "x" * 64])
@pytest.mark.parametrize("traffic", [NOTHING, SOME, HUGE])
def test_the_table_fits_80_columns(name: str, traffic: TrafficFigures) -> None:
    rows = statistics_rows(statistics(traffic, {name: traffic, "ada": SOME}))
    table = lay_out_table(rows, COLUMNS, 80)
    assert table.header, "not laid out in blocks"
    assert len(table.body) == len(rows)
    assert max(map(len, (*table.header, *table.body))) <= 80
