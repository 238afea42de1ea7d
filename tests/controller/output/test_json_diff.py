"""What differs between two documents, as it is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.output.json_diff import difference_line, find_differences

CASES: list[tuple[Any, Any, list[str]]] = [
    ({}, {}, []),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
    ({"a": 1}, {"a": 2}, ["~ a: 1 -> 2"]),
    ({"a": 1}, {"a": True}, ["~ a: 1 -> true"]),
    ({"a": 1}, {}, ["- a: 1"]),
    ({}, {"a": {"b": None}}, ['+ a: {"b": null}']),
    ({"a": {"b": {"c": "x"}}}, {"a": {"b": {"c": "y", "d": []}}}, ['~ a.b.c: "x" -> "y"', "+ a.b.d: []"]),
    ({"a": [1, 2, 3]}, {"a": [0, 1, 3]}, ["- a[]: 2", "+ a[]: 0"]),
    ({"a": [1, 1]}, {"a": [1]}, ["- a[]: 1"]),
    ({"a": [1, 2]}, {"a": [2, 1]}, ["~ a: the same items in another order"]),
    ({"a": [1]}, {"a": "x"}, ['~ a: [1] -> "x"']),
    ({"a": "x" * 300}, {}, [f'- a: "{"x" * 199}... (302 characters)']),
]


@pytest.mark.parametrize(("was", "now", "wanted"), CASES)
def test_differences(was: Any, now: Any, wanted: list[str]) -> None:
    assert [difference_line(one) for one in find_differences(was, now)] == wanted


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(values, values)
def test_there_are_none_only_between_equals(was: Any, now: Any) -> None:
    assert list(find_differences(was, was)) == []
    assert bool(list(find_differences(was, now))) == (repr(_sorted(was)) != repr(_sorted(now)))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value
