"""Sends a text that a composer may draw otherwise than it was sent, so that it shows as the vendor's placeholder for a
long paste. Pure.

A composer that moves to a column after letters whose width is disputed (signs that stand with a letter, joined emoji,
marks of direction) leaves some of them out on the screen, and draws parts of them where later texts stand. The text
itself arrives as it was sent, and its placeholder can be read.
"""

from __future__ import annotations

import re
import unicodedata

_ENVELOPE = re.compile(r"\[[^\[\]\n]{1,400} #\d{1,18}\](?: |\n)+")
_DISPUTED_CATEGORIES = frozenset({"Mn", "Mc", "Me", "Cf", "Cn", "Co"})
# conjoining Hangul, the vowel AM of Thai and Lao, regional indicators, skin tones
_DISPUTED = re.compile("[\u1160-\u11ff\u0e33\u0eb3\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")


def collapse_if_disputed(text: str, lines: int) -> str:
    """`lines`: from so many on, the composer shows a placeholder. Empty lines beneath the envelope make up for them, so
    that the beginning of the text, which a placeholder may quote, is the envelope alone."""
    if text.isascii() or not any(map(_has_disputed_width, text)):
        return text
    missing = max(1, lines - 1 - text.count("\n"))
    head = _ENVELOPE.match(text)
    return head[0].rstrip() + "\n" * missing + text[head.end() :] if head else text


def _has_disputed_width(one: str) -> bool:
    return not one.isascii() and (unicodedata.category(one) in _DISPUTED_CATEGORIES or _DISPUTED.match(one) is not None)
