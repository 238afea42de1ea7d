"""Shared documents as values: the merge as a table and as laws, and every version rebuilt from the changes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.records.shared_document_records import (
    JsonObject,
    canonical_bytes,
    digest_of,
    encode_document,
    first_change_to_read,
    is_full_copy,
    merge_documents,
    rebuild_document,
    split_at_full_copy,
)
from gateway.protocol.errors import BadRequest, TooLarge
from gateway.protocol.events import ContextEvent
from gateway.protocol.types.core_types import MAX_CONTEXT_BYTES, MAX_JSON_DEPTH, ContextAction

MERGES: list[tuple[JsonObject, JsonObject, JsonObject]] = [
    ({}, {}, {}),
    ({}, {"a": 1}, {"a": 1}),
    ({"a": 1}, {}, {"a": 1}),
    ({"a": 1}, {"a": 2}, {"a": 2}),
    ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
    ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3, "z": 4}}, {"a": {"x": 1, "y": 3, "z": 4}}),
    ({"a": {"b": {"c": [1]}}}, {"a": {"b": {"c": [2]}}}, {"a": {"b": {"c": [1, 2]}}}),
    ({"a": [3, 1]}, {"a": [2, 1, 4]}, {"a": [3, 1, 2, 4]}),
    ({"a": [1]}, {"a": [2, 2, 2]}, {"a": [1, 2]}),
    ({"a": []}, {"a": [1, 1]}, {"a": [1]}),
    ({"a": [{"x": 1, "y": 2}]}, {"a": [{"y": 2, "x": 1}, {"x": 1}]}, {"a": [{"x": 1, "y": 2}, {"x": 1}]}),
    ({"a": [1]}, {"a": [True, "1", 1.0, None, False, 0]}, {"a": [1, True, "1", 1.0, None, False, 0]}),
    ({"a": [1]}, {"a": 2}, {"a": 2}),
    ({"a": {"x": 1}}, {"a": [1]}, {"a": [1]}),
    ({"a": 1}, {"a": {"x": 1}}, {"a": {"x": 1}}),
    ({"a": {"x": 1}}, {"a": None}, {"a": None}),
    ({"a": None}, {"a": {"x": 1}}, {"a": {"x": 1}}),
]


@pytest.mark.parametrize(("stored", "patch", "wanted"), MERGES)
def test_a_merge(stored: JsonObject, patch: JsonObject, wanted: JsonObject) -> None:
    before = canonical_bytes([stored, patch])
    assert canonical_bytes(merge_documents(stored, patch)) == canonical_bytes(wanted)
    assert canonical_bytes([stored, patch]) == before, "neither is changed"


scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "", "x", "1"])
keys = st.sampled_from(["a", "b", "c", "ä"])
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=3), max_leaves=12
)
documents = st.dictionaries(keys, values, max_size=4)


@given(documents, documents)
def test_merging_the_same_again_changes_nothing(stored: JsonObject, patch: JsonObject) -> None:
    once = merge_documents(stored, patch)
    assert canonical_bytes(merge_documents(once, patch)) == canonical_bytes(once)


@given(documents)
def test_a_document_merged_with_itself_or_with_nothing_stays(document: JsonObject) -> None:
    for patch in (document, {}):
        assert canonical_bytes(merge_documents(document, patch)) == canonical_bytes(document)
    assert canonical_bytes(merge_documents({}, document)) == canonical_bytes(document)


@given(documents, documents)
def test_no_key_is_lost(stored: JsonObject, patch: JsonObject) -> None:
    after = merge_documents(stored, patch)
    assert list(after) == [*stored, *(key for key in patch if key not in stored)]
    for key in set(stored) & set(patch):
        if isinstance(stored[key], dict) and isinstance(patch[key], dict):
            assert set(after[key]) == set(stored[key]) | set(patch[key])


@given(st.lists(values, max_size=6), st.lists(values, max_size=6))
def test_lists_are_united_in_order(stored: list[Any], new: list[Any]) -> None:
    after = [canonical_bytes(one) for one in merge_documents({"a": stored}, {"a": new})["a"]]
    before, given_now = [canonical_bytes(one) for one in stored], [canonical_bytes(one) for one in new]
    assert after[: len(before)] == before
    assert after[len(before) :] == [one for one in dict.fromkeys(given_now) if one not in before]


@given(documents)
def test_the_digest_is_of_the_value_not_of_its_order(document: JsonObject) -> None:
    turned = dict(reversed(document.items()))
    assert digest_of(turned) == digest_of(document)
    assert digest_of(msgspec.json.decode(encode_document(document))) == digest_of(document)


def test_what_cannot_be_kept() -> None:
    fits: JsonObject = {"a": "x" * (MAX_CONTEXT_BYTES - len('{"a":""}'))}
    assert len(encode_document(fits)) == MAX_CONTEXT_BYTES
    with pytest.raises(TooLarge, match="the maximum is 1048576"):
        encode_document({**fits, "b": 1})
    deep: Any = 1
    for _ in range(MAX_JSON_DEPTH):
        deep = [deep]
    with pytest.raises(BadRequest, match="nested"):
        encode_document({"a": deep})


# versions of the past

Change = tuple[ContextAction, JsonObject, bool]  # what was done, with what, and whether it is too large for an event
changes = st.tuples(st.sampled_from(ContextAction), documents, st.booleans())


def told(version: int, change: Change) -> ContextEvent:
    action, value, large = change
    document = value if action is ContextAction.PUT and not large else None
    patch = value if action is ContextAction.MERGE and not large else None
    return ContextEvent(version, "global", "main", version, action, "ann", "now", 1, document, patch)


@given(st.lists(changes, min_size=1, max_size=8), st.integers(0, 120))
def test_every_version_is_rebuilt(some: list[Change], merges: int) -> None:
    """With a long row of merges in front, as one document lives through it."""
    row = [(ContextAction.MERGE, {"n": [number]}, False) for number in range(merges)] + some
    standing: list[JsonObject] = []
    whole: dict[int, JsonObject] = {}
    events = [told(version, change) for version, change in enumerate(row, start=1)]
    for event, (action, value, _) in zip(events, row, strict=True):
        before = standing[-1] if standing else {}
        after = {
            ContextAction.PUT: value,
            ContextAction.MERGE: merge_documents(before, value),
            ContextAction.DELETE: {},
        }[action]
        standing.append(after)
        if is_full_copy(event):
            whole[event.version] = after
    for version in range(1, len(events) + 1):
        first = first_change_to_read(version)
        assert version - first < 50
        base, merges_after = split_at_full_copy(events[first - 1 : version])
        start = {} if base is None else whole.get(base.version, base.document or {})
        assert canonical_bytes(rebuild_document(start, merges_after)) == canonical_bytes(standing[version - 1])
