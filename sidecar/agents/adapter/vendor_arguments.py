"""Parses command lines. Vendors differ only in their lists of options. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def options_in(command: Sequence[str]) -> set[str]:
    """The options of the command, without the values that are joined to them."""
    return {word.partition("=")[0] for word in command[1:]}


def without_prompt(words: Sequence[str], flags: Collection[str], lists: Collection[str] = ()) -> Iterator[str]:
    """Options and their values, without the prompt. A prompt was given once and must not be given again; it is a single
    word. `flags` take no value, `lists` take several."""
    takes = 0.0
    for word in words:
        if word == "--":
            return
        if word.startswith("-"):
            takes = 0 if word in flags or "=" in word else float("inf") if word in lists else 1
        elif takes > 0:
            takes -= 1
        else:
            continue
        yield word


def sum_whole_numbers(values: Iterable[object]) -> int:
    """The sum of the values that are numbers. Other values are ignored."""
    return sum(one for one in values if isinstance(one, int) and not isinstance(one, bool) and one > 0)
