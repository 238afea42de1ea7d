"""Finds the names that somebody may have meant by one that does not exist. Pure.

A comparison is slow, and whoever misspells a name must not slow the others down: among many names only those that
begin alike are compared.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

MAX_COMPARED = 200
MAX_FOUND = 3
LEAST_SIMILARITY = 0.5


def similar_names(wanted: str, known: Collection[str]) -> list[str]:
    """The most similar names first; none if nothing resembles it."""
    return difflib.get_close_matches(wanted, names_to_compare(wanted, known), n=MAX_FOUND, cutoff=LEAST_SIMILARITY)


def names_to_compare(wanted: str, known: Collection[str]) -> Sequence[str]:
    """All names if they are few; else those that share the longest beginning with the wanted one."""
    group = list(known)
    for length in range(1, len(wanted) + 1):
        if len(group) <= MAX_COMPARED:
            break
        narrower = [name for name in group if name.startswith(wanted[:length])]
        if not narrower:
            return group[:MAX_COMPARED] if length > 1 else []
        group = narrower
    return group[:MAX_COMPARED]
