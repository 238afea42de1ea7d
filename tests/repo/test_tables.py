"""A table runs as one test, and still every row counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.tables import FailedRows, Row, one_test, rows_of

parametrize = pytest.mark.parametrize


def is_small(number: int) -> None:
    assert number < 3


def refuses(number: int) -> None:
    with pytest.raises(ValueError):
        int("x" if number < 3 else "4")


def is_not_skipped(number: int) -> None:
    if number >= 3:
        pytest.skip("not today")


async def is_small_later(number: int) -> None:
    await asyncio.sleep(0)
    assert number < 3


def failures_of(check: Callable[..., Any], *numbers: int) -> list[BaseException]:
    result = None
    try:
        result = one_test(check, [Row(f"row {number}", {"number": number}) for number in numbers])()
        if result is not None:
            asyncio.run(result)
    except FailedRows as failed:
        return list(failed.exceptions)
    return []


def checks() -> list[Callable[..., Any]]:
    return [is_small, refuses, is_not_skipped, is_small_later]


@parametrize("check", checks())
def test_every_row_that_fails_is_named_with_its_values(check: Callable[..., Any]) -> None:
    failures = failures_of(check, 1, 4, 2, 5)
    assert [one.__notes__ for one in failures] == [["row [row 4]: number=4"], ["row [row 5]: number=5"]]


@parametrize("check", checks())
def test_a_table_of_good_rows_passes(check: Callable[..., Any]) -> None:
    assert failures_of(check, 1, 2) == []


def test_what_ends_the_run_is_no_failure_of_a_row() -> None:
    def is_interrupted(number: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        failures_of(is_interrupted, 1, 2)


def test_fixtures_go_to_each_row() -> None:
    seen = []

    @parametrize("number", [1, 2])
    def check(fixture: str, number: int) -> None:
        seen.append((fixture, number))

    one_test(check, rows_of(check))(fixture="made once")
    assert seen == [("made once", 1), ("made once", 2)]


def test_two_tables_are_checked_in_all_combinations() -> None:
    @parametrize("a", [1, 2], ids=str)
    @parametrize(("b", "c"), [(3, 4), pytest.param(5, 6, id="big")])
    def check(a: int, b: int, c: int) -> None: ...

    assert rows_of(check) == [
        Row("0-1", {"a": 1, "b": 3, "c": 4}),
        Row("0-2", {"a": 2, "b": 3, "c": 4}),
        Row("big-1", {"a": 1, "b": 5, "c": 6}),
        Row("big-2", {"a": 2, "b": 5, "c": 6}),
    ]


@parametrize(
    "table",
    [
        parametrize("number", [1, 2], indirect=True),
        parametrize("number", [1, pytest.param(2, marks=pytest.mark.slow)]),
        parametrize("number", (one for one in [1, 2])),
        parametrize("number", []),
        parametrize("of_a_fixture", [1, 2]),
    ],
    ids=["for a fixture", "marks of a row", "an iterator", "empty", "no argument of the test"],
)
def test_rows_that_stay_tests(table: pytest.MarkDecorator) -> None:
    @table
    def check(number: int) -> None: ...

    assert rows_of(check) == []
