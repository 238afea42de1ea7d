"""Finds code blocks in a text, because keywords in a code block have no effect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_FENCE = re.compile(r"\s*(?:```|~~~)")


def with_fences(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it belongs to a code block, fences included. A block without an end reaches to the end of
    the text."""
    inside = False
    for line in lines:
        is_fence = _FENCE.match(line) is not None
        yield line, inside or is_fence
        inside ^= is_fence


def outside_code(lines: Iterable[str]) -> Iterator[str]:
    return (line for line, is_code in with_fences(lines) if not is_code)
