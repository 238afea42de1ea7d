"""What a frame must look like, field by field: a pattern is a frame in which some values are only described.

Keys must be the same, no more and no fewer. `Let` keeps a value under a name, `Ref` stands for it later.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

NEAR_S = 120


@dataclass(frozen=True)
class Is:
    """A value of which only this is promised."""

    what: str
    check: Callable[[Any], bool]


@dataclass(frozen=True)
class Let:
    name: str
    pattern: Any


@dataclass(frozen=True)
class Ref:
    name: str


@dataclass(frozen=True)
class Made:
    """Of what was kept under names, when it is sent."""

    make: Callable[[Mapping[str, Any]], Any]


def like(expression: str) -> Is:
    return Is(f"text like {expression}", lambda one: isinstance(one, str) and re.fullmatch(expression, one) is not None)


def _is_near(seconds: float) -> bool:
    return abs(seconds - time.time()) < NEAR_S


TEXT = Is("a sentence", lambda one: isinstance(one, str) and bool(one.strip()))
NUMBER = Is("a number", lambda one: isinstance(one, int | float) and not isinstance(one, bool))
MILLISECONDS = Is("milliseconds of now", lambda one: isinstance(one, int) and _is_near(one / 1000))
ISO = Is("a time of now", lambda one: isinstance(one, str) and _is_near(datetime.fromisoformat(one).timestamp()))
ANY = Is("anything", lambda one: True)


def differences(  # noqa: C901 - one line for each pattern
    pattern: Any, value: Any, names: dict[str, Any], at: str = ""
) -> Iterator[str]:
    """Each place where a value is not as the pattern says. Names are filled on the way."""
    match pattern:
        case Is():
            if not pattern.check(value):
                yield f"{at}: {value!r} is not {pattern.what}"
        case Let():
            names[pattern.name] = value
            yield from differences(pattern.pattern, value, names, at)
        case Ref():
            yield from differences(names[pattern.name], value, names, at)
        case Made():
            yield from differences(pattern.make(names), value, names, at)
        case dict():
            yield from _in_dict(pattern, value, names, at)
        case list() | tuple():
            yield from _in_list(pattern, value, names, at)
        case _:
            if pattern != value or type(pattern) is not type(value):
                yield f"{at}: {value!r} is not {pattern!r}"


def _in_dict(pattern: dict[str, Any], value: Any, names: dict[str, Any], at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: {value!r} is no object"
        return
    for key in pattern.keys() - value.keys():
        yield f"{at}.{key} is missing in {value!r}"
    for key in value.keys() - pattern.keys():
        yield f"{at}.{key} was not expected: {value[key]!r}"
    for key in pattern.keys() & value.keys():
        yield from differences(pattern[key], value[key], names, f"{at}.{key}")


def _in_list(pattern: list[Any] | tuple[Any, ...], value: Any, names: dict[str, Any], at: str) -> Iterator[str]:
    if not isinstance(value, list) or len(value) != len(pattern):
        yield f"{at}: {value!r} has not {len(pattern)} entries"
        return
    for number, (one, other) in enumerate(zip(pattern, value, strict=True)):
        yield from differences(one, other, names, f"{at}[{number}]")


def filled(frame: Any, names: Mapping[str, Any]) -> Any:
    """A frame to send, with what was kept under names."""
    match frame:
        case Ref():
            return names[frame.name]
        case Made():
            return frame.make(names)
        case dict():
            return {key: filled(value, names) for key, value in frame.items()}
        case list():
            return [filled(one, names) for one in frame]
    return frame
