"""Code fences in a text. Whoever shows a word in a code block says nothing by it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_FENCE = re.compile(r"\s*(?:```|~~~)")


def with_fences(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it belongs to a code block. The two fences do; a block without an end reaches to the end
    of the text."""
    inside = False
    for line in lines:
        is_fence = _FENCE.match(line) is not None
        yield line, inside or is_fence
        inside ^= is_fence


def outside_code(lines: Iterable[str]) -> Iterator[str]:
    return (line for line, is_code in with_fences(lines) if not is_code)
