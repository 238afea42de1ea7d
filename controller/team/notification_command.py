"""Fills the sender and the text into a notification command. Pure.

What members write must stay a value: it begins no option, and stands in no program text. So a place is a word of its
own, or the value of a long option.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.protocol.text.printable_text import shorten_line

MAX_TEXT_CHARS = 200
WHO_PLACEHOLDER, TEXT_PLACEHOLDER = "{from}", "{text}"
_PLACEHOLDER_WORD = re.compile(r"(?:--?[A-Za-z][\w-]*=)?(?:\{from\}|\{text\})(?:: \{text\})?", re.ASCII)


def unsafe_word(command: Sequence[str]) -> str | None:
    """The first word in which a member's text could be interpreted as more than text."""
    return next(
        (
            one
            for one in command
            if (WHO_PLACEHOLDER in one or TEXT_PLACEHOLDER in one) and not _PLACEHOLDER_WORD.fullmatch(one)
        ),
        None,
    )


def fill_command(command: Sequence[str], who: str, text: str) -> list[str]:
    """Put a blank before a word that begins like an option, so that any program reads it as text."""
    return [_fill_word(one, shorten_line(who, MAX_TEXT_CHARS), shorten_line(text, MAX_TEXT_CHARS)) for one in command]


def _fill_word(word: str, who: str, text: str) -> str:
    found = "".join(
        {WHO_PLACEHOLDER: who, TEXT_PLACEHOLDER: text}.get(part, part)
        for part in re.split(r"(\{from\}|\{text\})", word)
    )
    return f" {found}" if found.startswith("-") and not word.startswith("-") else found
