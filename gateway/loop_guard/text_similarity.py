"""Detects nearly equal texts by comparing a small sketch (MinHash) of each. Numbers are ignored. Pure and cheap."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from heapq import nsmallest
from itertools import pairwise
from zlib import crc32

MAX_COMPARED_CHARS = 8000  # longer texts are compared only for equality
MIN_COMPARED_CHARS = 24  # shorter texts repeat in normal work: yes, done, the next one
SKETCH_HASHES = 64
MIN_SIMILARITY = 0.75
WORD_MODE_CHARS = 600  # from this length on, pairs of words are compared instead of groups of letters
_DIGIT = re.compile(r"\d")  # also in abc123 and 1f2e3d
_WORD = re.compile(r"[^\W_]+")
_MENTION = re.compile(r"@[\w.:-]+")

Sketch = frozenset[int]


def sketch_of(text: str) -> Sketch | None:
    """The smallest hashes of the pieces of a text; None for a text that is too short to compare."""
    if len(text) > MAX_COMPARED_CHARS:
        return frozenset({crc32(text.encode(errors="replace"))})
    plain = unicodedata.normalize("NFKC", text).casefold()
    words = ["0" if _DIGIT.search(one) else one for one in _WORD.findall(_MENTION.sub(" ", plain))]
    if sum(map(len, words)) < MIN_COMPARED_CHARS:
        return None
    pieces = _word_pairs(words) if len(plain) >= WORD_MODE_CHARS else _letter_groups(" ".join(words))
    return frozenset(nsmallest(SKETCH_HASHES, {crc32(piece.encode()) for piece in pieces}))


def _word_pairs(words: list[str]) -> Iterable[str]:
    return map(" ".join, pairwise(words))


def _letter_groups(text: str) -> Iterable[str]:
    return (text[at : at + 3] for at in range(len(text) - 2))


def are_similar(one: Sketch, other: Sketch) -> bool:
    """Estimate the similarity: which share of the smallest hashes of both together occurs in each."""
    if one == other:
        return True
    smallest = set(nsmallest(SKETCH_HASHES, one | other))
    return len(one & other & smallest) >= MIN_SIMILARITY * len(smallest)
