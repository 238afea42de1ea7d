"""Marks the words of a search where they stand, in the list of hits and in the messages. Pure.

The words are those of the gateway's search: quoted words are one phrase, and a trailing `*` matches beginnings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from controller.view.text.row_types import Row

HIT_STYLE = "class:hit"
TARGET_STYLE = "class:found"
_TERM = re.compile(r'"([^"]*)"|(\S+)')


@dataclass(frozen=True)
class SearchHighlights:
    """`target` is the message that was gone to from the list."""

    words: str
    target: int | None = None

    def mark(self, row: Row) -> Row:
        pattern = hit_pattern(self.words)
        return row if pattern is None else highlight(row, pattern, HIT_STYLE)


def search_terms(words: str) -> list[str]:
    """The words and quoted phrases of a search, each as a search of its own."""
    return [f'"{phrase}"' if phrase else word for phrase, word in _TERM.findall(words) if phrase or word]


@lru_cache(64)
def hit_pattern(words: str) -> re.Pattern[str] | None:
    """Matches what the search finds: whole words, in any case, with any space between the words of a phrase."""
    parts = []
    for phrase, word in _TERM.findall(words):
        text = r"[\W_]+".join(re.escape(one) for one in re.split(r"[\W_]+", phrase or word) if one)
        if text:
            parts.append(text + ("" if word.endswith("*") else r"(?![^\W_])"))
    return re.compile(rf"((?<![^\W_])(?:{'|'.join(parts)}))", re.IGNORECASE) if parts else None


def highlight(row: Row, pattern: re.Pattern[str], style: str) -> Row:
    """The row with its matches in this style. The pattern is one group."""
    return tuple(
        (style if at % 2 else old, part) for old, text in row for at, part in enumerate(pattern.split(text)) if part
    )


def mark_target(row: Row) -> Row:
    """The first row of the message that was gone to."""
    return tuple((f"{style} {TARGET_STYLE}".strip(), text) if text.strip() else (style, text) for style, text in row)
