"""Finds the sentence with which an agent's program refused to resume a conversation. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_CHARS = 200
MAX_ROWS = 12
_REFUSAL = re.compile(
    r"\b(?:error|invalid|not found|cannot|could not|failed|no\b[^\n]{0,80}?\b(?:session|conversation))", re.I
)


def refusal_text(rows: Sequence[str], columns: int) -> str:
    """Of the last rows that it printed, the first sentence that sounds like a refusal, else the last row."""
    lines = [one for one in _unwrapped(rows, columns) if one][-MAX_ROWS:]
    said = next((one for one in lines if _REFUSAL.search(one)), lines[-1] if lines else "")
    return said[:MAX_CHARS]


def _unwrapped(rows: Sequence[str], columns: int) -> list[str]:
    """A row that fills the terminal goes on in the next one; the space at its end is not in the row."""
    lines, goes_on = [""], False
    for row in rows:
        text = row.rstrip()
        if goes_on:
            lines[-1] += text
        else:
            lines.append(text)
        goes_on = len(text) >= columns - 1
        lines[-1] += " " * (len(text) == columns - 1)
    return [one.strip() for one in lines]
