"""Merging a context: order and types stay, nothing that is not named is lost, and a field can be removed."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.dialects.skynet.rest.context_merge import merge_context_update

MERGES: list[tuple[Any, Any, Any]] = [
    ({}, {"a": 1}, {"a": 1}),
    ({"a": 1}, {}, {"a": 1}),
    ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
    ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
    # order of lists, and no duplicates
    ({"a": [3, 1, 2]}, {"a": [2, 5, 4]}, {"a": [3, 1, 2, 5, 4]}),
    ({"a": ["b", "a"]}, {"a": ["a", "c", "c"]}, {"a": ["b", "a", "c"]}),
    # items of any type
    ({"a": [{"id": 1}]}, {"a": [{"id": 1}, {"id": 2}]}, {"a": [{"id": 1}, {"id": 2}]}),
    ({"a": [[1], None]}, {"a": [[1], [2]]}, {"a": [[1], None, [2]]}),
    # types stay
    ({"a": "1"}, {"b": "2"}, {"a": "1", "b": "2"}),
    ({"a": ["1"]}, {"a": [1, True, 1.5]}, {"a": ["1", 1, True, 1.5]}),
    ({"a": 1}, {"a": "1"}, {"a": "1"}),
    ({"a": [1]}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ({"a": {"b": 1}}, {"a": [1]}, {"a": [1]}),
    # removal
    ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
    ({"a": {"x": 1, "y": 2}}, {"a": {"x": None}}, {"a": {"y": 2}}),
    ({}, {"a": None}, {}),
    ({}, {"a": {"x": None, "y": 1}}, {"a": {"y": 1}}),
]


@pytest.mark.parametrize(("stored", "update", "merged"), MERGES)
def test_merge(stored: Any, update: Any, merged: Any) -> None:
    found = merge_context_update(stored, update)
    assert found == merged
    assert repr(found) == repr(merged), "also the types and the order"


def test_the_stored_context_is_left_alone() -> None:
    stored = {"a": {"x": [1]}}
    merge_context_update(stored, {"a": {"x": [2]}})
    assert stored == {"a": {"x": [1]}}
