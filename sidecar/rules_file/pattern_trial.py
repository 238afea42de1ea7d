"""Tries a regular expression on texts that could make it slow: parts of it, repeated, before something that does not
match. What `pattern_safety` cannot see by the form is seen by the time."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from sidecar.rules_file.bounded_pattern import MATCH_LIMIT_S, BoundedPattern, TimeAccount

WORD_CHARS, ROW_CHARS = 30, 500
SCREEN_ROW_CHARS, SCREEN_ROWS = 100, 60
MAX_WORDS = 40
MAX_SHOWN_CHARS = 20
_UNITS = (*"a1_-. \t[]()>│─", "a ", " a")
_TAILS = ("", "\x01", "\né")
_NOT_TEXT = re.compile(r"\\[a-zA-Z]|\(\?[^)]{0,9}")
_WORD = re.compile(r"[^\W_]{1,12}|[^\w\s]")


def slow_text(pattern: str, limit_s: float = MATCH_LIMIT_S) -> str:
    """A text on which it takes longer than the limit, in words; empty if none was found."""
    account = TimeAccount()
    bounded = BoundedPattern(re.compile(pattern, re.MULTILINE), account, limit_s)
    for unit, text in _texts_for(pattern):
        bounded.search(text)
        if account.problem:
            return f"{unit[:MAX_SHOWN_CHARS]!r} repeated to {len(text)} characters"
    return ""


def _texts_for(pattern: str) -> Iterator[tuple[str, str]]:
    """Words, rows and whole screens, as far as a terminal can show them."""
    for unit, tail in itertools.product(dict.fromkeys((*_UNITS, *_parts_of(pattern))), _TAILS):
        row = unit * (SCREEN_ROW_CHARS // len(unit))
        yield unit, unit * (WORD_CHARS // len(unit)) + tail
        yield unit, unit * (ROW_CHARS // len(unit)) + tail
        yield unit, f"{row}\n" * SCREEN_ROWS + tail


def _parts_of(pattern: str) -> Iterator[str]:
    words = _WORD.findall(_NOT_TEXT.sub(" ", pattern).replace("\\", ""))[:MAX_WORDS]
    yield from words
    yield from (before + after for before, after in itertools.pairwise(words))
