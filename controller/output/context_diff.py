"""What differs between two JSON documents, place by place, as a person reads it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

LONGEST = 200

Kind = Literal["added", "removed", "changed", "reordered"]


class Difference(msgspec.Struct, frozen=True):
    """`path` leads to it: `checks.commands[]` is an item of that list."""

    path: str
    kind: Kind
    was: Any = None
    now: Any = None


def differences(was: Any, now: Any, path: str = "") -> Iterator[Difference]:
    if isinstance(was, dict) and isinstance(now, dict):
        yield from _of_objects(was, now, path)
    elif isinstance(was, list) and isinstance(now, list):
        yield from _of_lists(was, now, path)
    elif _same(was) != _same(now):
        yield Difference(path, "changed", was, now)


def _of_objects(was: dict[str, Any], now: dict[str, Any], path: str) -> Iterator[Difference]:
    for key in [*was, *(key for key in now if key not in was)]:
        inner = f"{path}.{key}" if path else key
        if key not in now:
            yield Difference(inner, "removed", was=was[key])
        elif key not in was:
            yield Difference(inner, "added", now=now[key])
        else:
            yield from differences(was[key], now[key], inner)


def _of_lists(was: list[Any], now: list[Any], path: str) -> Iterator[Difference]:
    """By what is in them, wherever it stands: an item put in front does not make all others different."""
    removed, added = _without(was, now), _without(now, was)
    yield from (Difference(f"{path}[]", "removed", was=one) for one in removed)
    yield from (Difference(f"{path}[]", "added", now=one) for one in added)
    if not removed and not added and [_same(one) for one in was] != [_same(one) for one in now]:
        yield Difference(path, "reordered", was, now)


def _without(some: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """Items of `some` that `others` does not have as often."""
    left: dict[str, int] = {}
    for one in others:
        left[_same(one)] = left.get(_same(one), 0) + 1
    found = []
    for one in some:
        left[_same(one)] = left.get(_same(one), 0) - 1
        if left[_same(one)] < 0:
            found.append(one)
    return found


def _same(value: Any) -> str:
    """Equal for the same JSON value; to Python, 1 and true are the same."""
    return json.dumps(value, sort_keys=True)


def line(one: Difference) -> str:
    place = one.path or "the document"
    match one.kind:
        case "added":
            return f"+ {place}: {_shown(one.now)}"
        case "removed":
            return f"- {place}: {_shown(one.was)}"
        case "reordered":
            return f"~ {place}: the same items in another order"
    return f"~ {place}: {_shown(one.was)} -> {_shown(one.now)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"
