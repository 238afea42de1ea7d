"""The words of a notification's command, with who wrote and what in their places. Pure.

What members write must stay a value: it begins no option, and stands in no program text. So a place is a word of its
own, or the value of a long option.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.protocol.text.printable_text import short

MOST = 200
WHO, TEXT = "{from}", "{text}"
_PLACE = re.compile(r"(?:--?[A-Za-z][\w-]*=)?(?:\{from\}|\{text\})(?:: \{text\})?", re.ASCII)


def unsafe_word(command: Sequence[str]) -> str | None:
    """The first word in which what members write could be taken for more than text."""
    return next((one for one in command if (WHO in one or TEXT in one) and not _PLACE.fullmatch(one)), None)


def filled(command: Sequence[str], who: str, text: str) -> list[str]:
    """A word that would begin like an option begins with a blank instead: any program takes it for text."""
    return [_filled(one, short(who, MOST), short(text, MOST)) for one in command]


def _filled(word: str, who: str, text: str) -> str:
    found = "".join({WHO: who, TEXT: text}.get(part, part) for part in re.split(r"(\{from\}|\{text\})", word))
    return f" {found}" if found.startswith("-") and not word.startswith("-") else found
