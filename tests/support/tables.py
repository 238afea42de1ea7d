"""Runs a table as one test: `@pytest.mark.parametrize` alone makes a test of each row, and pytest and xdist need some
5 ms for a test, also where the check itself takes a hundredth of that.

One test then checks every row and fails with each row that failed, by its name and with its own traceback. The summary
of a run says how many rows were checked. A fixture that is a plain function is made anew for each row. Rows stay tests
of their own where another fixture is made for each test, unless the test is marked with `rows_share_fixtures`; where a
row has marks; and where the run asks for single tests: `--each-row`, `-k`, or `test_file.py::test[row]`.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pytest

PARAMETRIZE = "parametrize"
SHARE = "rows_share_fixtures"
TABLE = "table"  # the mark of a test that checks all rows, with the rows
# Made for each test, but of no use to the test itself.
AROUND_EVERY_TEST = frozenset({"logs_as_they_were", "request"})
MAX_VALUE_CHARS = 300

Check = Callable[..., Any]
ParameterSet = type(pytest.param())
NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Row:
    name: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        values = (f"{name}={repr(value)[:MAX_VALUE_CHARS]}" for name, value in self.values.items())
        return f"row [{self.name}]: {', '.join(values)}"


class FailedRows(BaseExceptionGroup[BaseException]):
    """What each row that failed has raised, with the row as a note."""


@dataclass
class _Results:
    rows: int
    failed: list[BaseException] = field(default_factory=list)

    @contextmanager
    def of(self, row: Row) -> Iterator[None]:
        try:
            yield
        except pytest.skip.Exception as skipped:
            self._add(row, AssertionError(f"A row of a table cannot be skipped, or nobody would see it: {skipped}"))
        except (Exception, pytest.fail.Exception) as failure:
            self._add(row, failure)

    def _add(self, row: Row, failure: BaseException) -> None:
        failure.add_note(str(row))
        self.failed.append(failure)

    def report(self) -> None:
        if self.failed:
            raise FailedRows(f"{len(self.failed)} of {self.rows} rows failed", self.failed)


def one_test(check: Check, rows: Sequence[Row], makers: Mapping[str, Callable[[], Any]] = NONE) -> Check:
    """A test that makes a check with each of the rows. It takes the fixtures of the check, but for those that `makers`
    make for each row."""

    def given(row: Row) -> dict[str, Any]:
        return {name: make() for name, make in makers.items()} | dict(row.values)

    if inspect.iscoroutinefunction(check):

        @functools.wraps(check)
        async def all_rows(**fixtures: Any) -> None:
            results = _Results(len(rows))
            for row in rows:
                with results.of(row):
                    await check(**fixtures, **given(row))
            results.report()
    else:

        @functools.wraps(check)
        def all_rows(**fixtures: Any) -> None:
            results = _Results(len(rows))
            for row in rows:
                with results.of(row):
                    check(**fixtures, **given(row))
            results.report()

    signature = inspect.signature(check)
    fixtures = [one for name, one in signature.parameters.items() if name not in {*rows[0].values, *makers}]
    all_rows.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
    marks = [one for one in marks_of(check) if one.name != PARAMETRIZE]
    all_rows.pytestmark = [*marks, pytest.mark.table(rows).mark]  # type: ignore[attr-defined]
    return all_rows


def rows_in(item: pytest.Item) -> Sequence[Row]:
    mark = item.get_closest_marker(TABLE)
    return mark.args[0] if mark is not None else ()


def marks_of(check: Check) -> list[pytest.Mark]:
    return list(getattr(check, "pytestmark", ()))


def rows_of(check: Check) -> list[Row]:
    """The rows of its tables, in the order in which pytest makes tests of them; none if they have to stay tests."""
    tables = [_table(*one.args, **one.kwargs) for one in marks_of(check) if one.name == PARAMETRIZE]
    if not tables or not all(tables) or hasattr(check, "hypothesis"):
        return []
    rows = [_joined(parts) for parts in itertools.product(*tables)]
    return rows if set(inspect.signature(check).parameters).issuperset(rows[0].values) else []


def _joined(parts: Sequence[Row]) -> Row:
    values = {name: value for part in parts for name, value in part.values.items()}
    return Row("-".join(part.name for part in parts), values)


def _table(
    argnames: str | Sequence[str], argvalues: Iterable[Any], ids: Any = None, indirect: object = False, **others: object
) -> list[Row]:
    """The arguments are those of `parametrize`."""
    if indirect or others or iter(argvalues) is argvalues:  # an iterator could be read only once
        return []
    names = [one.strip() for one in argnames.split(",") if one.strip()] if isinstance(argnames, str) else argnames
    several = len(names) > 1 or not isinstance(argnames, str)
    sets = [one if isinstance(one, ParameterSet) else pytest.param(*(one if several else (one,))) for one in argvalues]
    if any(one.marks for one in sets):
        return []
    given = ids if ids is None or callable(ids) else list(ids)
    return [
        Row(_name(one, given, number), dict(zip(names, one.values, strict=True))) for number, one in enumerate(sets)
    ]


def _name(row: Any, ids: Any, number: int) -> str:
    if row.id or isinstance(ids, list):
        return str(row.id or ids[number])
    words = [ids(value) if ids else None for value in row.values]
    return "-".join(str(number) if word is None else str(word) for word in words) if any(words) else str(number)


def single_rows_are_meant(config: pytest.Config) -> bool:
    return bool(config.getoption("each_row") or config.getoption("keyword") or any("[" in one for one in config.args))


class Tables:
    """Makes one test of each table, where its rows need not be tests of their own."""

    def __init__(self, keeps_rows: Callable[[pytest.Item], bool]) -> None:
        """`keeps_rows` says of which tests the rows stay tests, so that they can run in several workers."""
        self._keeps_rows = keeps_rows

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(
        self, collector: pytest.Collector, name: str, obj: object
    ) -> list[pytest.Item] | None:
        if not (isinstance(collector, pytest.Module) and collector.funcnamefilter(name) and inspect.isfunction(obj)):
            return None
        if next(collector.iter_markers(PARAMETRIZE), None) is not None or not (rows := rows_of(obj)):
            return None
        test = pytest.Function.from_parent(collector, name=name, callobj=one_test(obj, rows))
        if test.get_closest_marker(SHARE) is None and (made := made_for_each_test(test)):
            makers = plain_makers(test, made)
            if makers.keys() < made:
                return None
            test = pytest.Function.from_parent(collector, name=name, callobj=one_test(obj, rows, makers))
        return None if has_variants(test) or self._keeps_rows(test) else [test]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """The number of rows goes with the report of a test from a worker to the process that sums up."""
        for item in items:
            if rows := rows_in(item):
                item.user_properties.append((TABLE, len(rows)))


def made_for_each_test(test: pytest.Function) -> set[str]:
    """The fixtures of a test that are made again for each test."""
    return {name for name, one in _fixtures(test).items() if one.scope == "function"} - AROUND_EVERY_TEST


def plain_makers(test: pytest.Function, names: Iterable[str]) -> dict[str, Callable[[], Any]]:
    """Those of the fixtures that are functions without arguments and without an end, and of use to no other fixture."""
    known = _fixtures(test)
    used = {name for one in known.values() for name in one.argnames}
    return {name: known[name].func for name in names if name not in used and _is_plain(known[name])}


def _is_plain(fixture: pytest.FixtureDef[Any]) -> bool:
    made = fixture.func
    ends_or_waits = (
        inspect.isgeneratorfunction(made) or inspect.iscoroutinefunction(made) or inspect.isasyncgenfunction(made)
    )
    return not fixture.argnames and inspect.isfunction(made) and not ends_or_waits


def has_variants(test: pytest.Function) -> bool:
    """Whether one of its fixtures has parameters of its own, which make several tests of this one."""
    return any(one.params for one in _fixtures(test).values())


def _fixtures(test: pytest.Function) -> dict[str, pytest.FixtureDef[Any]]:
    return {name: found[-1] for name, found in test._fixtureinfo.name2fixturedefs.items() if found}


class RowCount:
    """In the process that hears of all results: adds the number of rows that were checked to the summary."""

    def __init__(self) -> None:
        self._tables = 0
        self._rows = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            rows = [value for name, value in report.user_properties if name == TABLE]
            self._tables += len(rows)
            self._rows += sum(int(str(one)) for one in rows)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._tables:
            terminalreporter.line(f"{self._tables} of the tests are tables: they checked {self._rows} rows.")
