"""Whether two texts say nearly the same: a small sketch of each, compared. Numbers do not count. Pure and cheap."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from heapq import nsmallest
from itertools import pairwise
from zlib import crc32

LONGEST = 8000  # characters; what is longer is only compared as a whole
SHORTEST = 24  # what is shorter may well be said again: yes, done, the next one
KEPT = 64
ALIKE = 0.75
WORDY = 600  # characters; from here on words are compared, and not letters
_DIGIT = re.compile(r"\d")  # also in abc123 and 1f2e3d
_WORD = re.compile(r"[^\W_]+")
_MENTION = re.compile(r"@[\w.:-]+")

Sketch = frozenset[int]


def sketch(text: str) -> Sketch | None:
    """The smallest hashes of the pieces of a text; nothing for one that is too short to be the same by chance."""
    if len(text) > LONGEST:
        return frozenset({crc32(text.encode(errors="replace"))})
    plain = unicodedata.normalize("NFKC", text).casefold()
    words = ["0" if _DIGIT.search(one) else one for one in _WORD.findall(_MENTION.sub(" ", plain))]
    if sum(map(len, words)) < SHORTEST:
        return None
    pieces = _pairs(words) if len(plain) >= WORDY else _letters(" ".join(words))
    return frozenset(nsmallest(KEPT, {crc32(piece.encode()) for piece in pieces}))


def _pairs(words: list[str]) -> Iterable[str]:
    return map(" ".join, pairwise(words))


def _letters(text: str) -> Iterable[str]:
    return (text[at : at + 3] for at in range(len(text) - 2))


def alike(one: Sketch, other: Sketch) -> bool:
    """By the smallest pieces of both together: how many of them are in each."""
    if one == other:
        return True
    smallest = set(nsmallest(KEPT, one | other))
    return len(one & other & smallest) >= ALIKE * len(smallest)
