"""Lists the differences between two JSON documents, one line per path. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

MAX_VALUE_CHARS = 200

Kind = Literal["added", "removed", "changed", "reordered"]


class Difference(msgspec.Struct, frozen=True):
    """`path` leads to it: `checks.commands[]` is an item of that list."""

    path: str
    kind: Kind
    was: Any = None
    now: Any = None


def find_differences(was: Any, now: Any, path: str = "") -> Iterator[Difference]:
    if isinstance(was, dict) and isinstance(now, dict):
        yield from _compare_objects(was, now, path)
    elif isinstance(was, list) and isinstance(now, list):
        yield from _compare_lists(was, now, path)
    elif _comparison_key(was) != _comparison_key(now):
        yield Difference(path, "changed", was, now)


def _compare_objects(was: dict[str, Any], now: dict[str, Any], path: str) -> Iterator[Difference]:
    for key in [*was, *(key for key in now if key not in was)]:
        inner = f"{path}.{key}" if path else key
        if key not in now:
            yield Difference(inner, "removed", was=was[key])
        elif key not in was:
            yield Difference(inner, "added", now=now[key])
        else:
            yield from find_differences(was[key], now[key], inner)


def _compare_lists(was: list[Any], now: list[Any], path: str) -> Iterator[Difference]:
    """Compare lists by content, not by position: an item inserted at the front does not change the others."""
    removed, added = _items_missing_in(was, now), _items_missing_in(now, was)
    yield from (Difference(f"{path}[]", "removed", was=one) for one in removed)
    yield from (Difference(f"{path}[]", "added", now=one) for one in added)
    if not removed and not added and [_comparison_key(one) for one in was] != [_comparison_key(one) for one in now]:
        yield Difference(path, "reordered", was, now)


def _items_missing_in(some: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """Items of `some` that `others` does not have as often."""
    left: dict[str, int] = {}
    for one in others:
        left[_comparison_key(one)] = left.get(_comparison_key(one), 0) + 1
    found = []
    for one in some:
        left[_comparison_key(one)] = left.get(_comparison_key(one), 0) - 1
        if left[_comparison_key(one)] < 0:
            found.append(one)
    return found


def _comparison_key(value: Any) -> str:
    """Equal for the same JSON value; to Python, 1 and true are the same."""
    return json.dumps(value, sort_keys=True)


def difference_line(one: Difference) -> str:
    place = one.path or "the document"
    match one.kind:
        case "added":
            return f"+ {place}: {_shorten_value(one.now)}"
        case "removed":
            return f"- {place}: {_shorten_value(one.was)}"
        case "reordered":
            return f"~ {place}: the same items in another order"
    return f"~ {place}: {_shorten_value(one.was)} -> {_shorten_value(one.now)}"


def _shorten_value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[:MAX_VALUE_CHARS]}... ({len(text)} characters)"
