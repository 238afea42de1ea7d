"""Which messages say nearly the same: the same words, in any order, whatever the figures. Pure.

Names must be the same: `the limit of db1 is 4` repeats `the limit of db1 is 8`, not `the limit of the cache is 4`.
"""

from __future__ import annotations

import re

from gateway.recall.question_words import plain_words

MIN_SHARED_WORDS = 0.9  # of all words of both
MAX_COMPARED_CHARS = 8000
_FIGURE = re.compile(r"\d+")
_MENTION = re.compile(r"@[\w.:-]+")


def words_without_figures(text: str) -> frozenset[str]:
    plain = _MENTION.sub(" ", text[:MAX_COMPARED_CHARS])
    return frozenset("0" if _FIGURE.fullmatch(one) else one for one in plain_words(plain))


def have_same_words(one: frozenset[str], other: frozenset[str]) -> bool:
    if one == other:
        return True
    return len(one & other) >= MIN_SHARED_WORDS * len(one | other)
