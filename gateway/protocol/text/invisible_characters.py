"""Finds invisible characters, and removes those that a text does not need.

Python's `unicodedata` does not know the property Default_Ignorable_Code_Point; the ranges are those of Unicode 17.0
(DerivedCoreProperties.txt). The next reader of a text may drop an invisible character, and the meaning must not change
then. `strip_ignorable` removes those without a use at their place. It keeps a joiner inside an emoji or a word of a
joining script, a selector after the character that it changes, and a direction mark where the direction changes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

UNICODE_VERSION = "17.0"
IGNORABLE = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors and vowel separator
    (0x200B, 0x200F),  # zero width space and joiners, marks of direction
    (0x202A, 0x202E),  # embeddings and overrides of direction
    (0x2060, 0x206F),  # word joiner, invisible operators, isolates, deprecated controls
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),  # half width Hangul filler
    (0xFFF0, 0xFFF8),  # unassigned
    (0x1BCA0, 0x1BCA3),  # controls of shorthand
    (0x1D173, 0x1D17A),  # controls of music
    (0xE0000, 0xE0FFF),  # tags, more variation selectors, unassigned
)
BLANKS = "\u2800\U00013441\U00013442\U00016fe4\U0001d159"  # drawn as nothing, though assigned like visible ones


def ranges(pairs: Sequence[tuple[int, int]]) -> str:
    """The ranges as the inside of a regular expression's character class."""
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in pairs)


_RUN = re.compile(f"[{ranges(IGNORABLE)}]+")
_PICTURE = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_KEYCAP_BASE, _KEYCAP = "#*0123456789", "\u20e3"
_FLAG = "\U0001f3f4"
_FLAG_TAGS = re.compile("[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
_JOINS = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\u1a20-\u1aaf\u1b00-\u1c4f\ua840-\ua95f\ua980-\ua9df\uaae0-\uabff"
    "\ufb1d-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff\U0001e900-\U0001e95f]"
)
_MONGOLIAN = re.compile("[\u1820-\u18aa]")
_IDEOGRAPH = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]")
_JOINERS = "\u200c\u200d"
_ARABIC_MARK = "\u061c"
_MARKS = f"{_ARABIC_MARK}\u200e\u200f"


def is_ignorable(one: str) -> bool:
    return _RUN.fullmatch(one) is not None


def is_unseen(one: str) -> bool:
    """Whether a character may be invisible by itself: ignorable, blank, control, combining, or unknown."""
    return unicodedata.category(one)[0] in "CMZ" or one in BLANKS or is_ignorable(one)


def strip_ignorable(text: str) -> str:
    """The text without ignorable characters, except those with a use at their place."""
    return _RUN.sub(lambda run: _useful_characters(_visible_before(run), run[0], text[run.end() : run.end() + 1]), text)


def _visible_before(run: re.Match[str]) -> str:
    return run.string[max(0, run.start() - 1) : run.start()]


def _useful_characters(before: str, run: str, after: str) -> str:
    """The characters of a run that stay between two other characters."""
    if before == _FLAG and (tags := _FLAG_TAGS.match(run)):
        return tags[0] + _needed_joiner(run[tags.end() :], after)
    if _PICTURE.match(before):
        selector = run[0] if run[0] in "\ufe0e\ufe0f" else ""
        return selector + _needed_joiner(run[len(selector) :], after)
    return run[0] if len(run) == 1 and _is_needed(before, run, after) else ""


def _needed_joiner(rest: str, after: str) -> str:
    return rest if rest == "\u200d" and _PICTURE.match(after) else ""


def _changes_direction(mark: str, sides: Sequence[str]) -> bool:
    """Whether a direction mark has an effect: it stands between right-to-left text and other text."""
    return sum(side in ("R", "AL") for side in sides) == 1 and (mark != _ARABIC_MARK or "AL" in sides)


def _is_needed(before: str, one: str, after: str) -> bool:
    if one in _JOINERS:
        return bool(_JOINS.match(before) and _JOINS.match(after))
    if one in _MARKS:
        return _changes_direction(one, [unicodedata.bidirectional(side) for side in (before, after) if side])
    if "\u180b" <= one <= "\u180f":
        return bool(_MONGOLIAN.match(before))
    if "\U000e0100" <= one <= "\U000e01ef" or "\ufe00" <= one <= "\ufe02":
        return bool(_IDEOGRAPH.match(before))
    return one == "\ufe0f" and before in _KEYCAP_BASE and after == _KEYCAP
