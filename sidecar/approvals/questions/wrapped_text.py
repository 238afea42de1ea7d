"""Joins text that a terminal wrapped at its width. Pure.

A program that wraps moves a word that does not fit to the next row, and cuts a word that is longer than a row. So a row
shorter than the longest one ended at a space; in a full row, a word may have been cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def join_rows_of_paragraph(rows: Sequence[str], hints: Sequence[str] = ()) -> str:
    """The rows of one paragraph as one line. `hints` are texts that the paragraph may contain: where they show how a
    row ends, they decide."""
    parts = [row.strip() for row in rows]
    width = max(map(len, parts), default=0)
    text = parts[0] if parts else ""
    for before, part in pairwise(parts):
        text += part if _was_cut_in_word(text, before, part, width, hints) else f" {part}"
    return " ".join(text.split())


def _was_cut_in_word(text: str, row: str, following: str, width: int, hints: Sequence[str]) -> bool:
    if not row or not following:
        return False
    tail, head = text.rsplit(" ", 1)[-1], following.split(" ", 1)[0]
    end = tail[-width:]
    if any(f"{end}{head}" in hint for hint in hints):
        return True
    if any(f"{end} " in hint or hint.endswith(end) for hint in hints):
        return False
    return len(row) >= width and len(row.rsplit(" ", 1)[-1]) + len(head) > width


def without_spaces(text: str) -> str:
    return "".join(text.split())
