"""Escapes content lines that look like an envelope: a backslash goes before their first visible character. Pure.

The agent may drop invisible characters and may read a look-alike as what it looks like. So every square bracket and
every bracket that is not ASCII is escaped, whatever follows. Ordinary lines of code and quotations begin with other
brackets and with quotation marks. These, and signs that only look like brackets, are escaped if a number follows a
number sign in the line, or if the line begins like `(boss -> ada 9)`. After any other sign there must also be an arrow.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from functools import lru_cache

from gateway.protocol.text.invisible_characters import is_unseen

_CODE = "(){}<>]"
_QUOTATION_MARKS = (
    "\u2018-\u201f\u00ab\u00bb\u2039\u203a\u300c-\u300f\u301d-\u301f\ufe41-\ufe44\uff62\uff63\u275b-\u2760"
)
_UPRIGHT_LINES = "|\u00a6\u2016\u2223\u2225\u23d0\u2500-\u259f\u2758-\u275a\ufe19\ufe31-\ufe34\uff5c\uffe8"
_CORNERS = "\u02e9\u02f9-\u02fc\u228f-\u2292\u230c-\u230f\u231c-\u231f\u239b-\u23ae\u23b0-\u23b6\u27e4"
_LETTERS = "\u0295\u0297\u2d4e\u2f0f\u2f15\u2f16\u30b3\u3108\u531a\u5338\uff7a"
_LOOKS_LIKE_BRACKET = re.compile(f"[{_QUOTATION_MARKS}{_UPRIGHT_LINES}{_CORNERS}{_LETTERS}]")
MAX_NUMBER_DISTANCE_CHARS = 4  # maximum distance of a number from its sign
_NUMBER_SIGN = "[#\uff03\ufe5f\u2116\u266f\u2317\u22d5\u29e3]"
_NUMBER_AFTER_SIGN = re.compile(f"{_NUMBER_SIGN}(?=.{{0,{MAX_NUMBER_DISTANCE_CHARS - 1}}}?[^\\W_A-Za-z])")
_DASH = "[-=~_\u00af\u02d7\u2010-\u2015\u2043\u2212\u2500\u2501\u30fc\ufe58\ufe63\uff0d]"
_ARROW_HEAD = "[>\u00bb\u2023\u203a\u25b6\u25ba\u276f\u27e9\u3009\ufe65\uff1e]"
_ARROW_SIGN = (
    "[\u02c3\u1433\u2190-\u21ff\u25b6-\u25bb\u2794-\u27bf\u27f0-\u27ff\u2900-\u297f\u2b00-\u2bff\uffe9-\uffec]"
)
_ARROW = re.compile(f"{_DASH}{_ARROW_HEAD}|{_ARROW_SIGN}|[\U0001f800-\U0001f8ff]")
_NAME_GAP = r"[^()\[\]{}<>]{1,200}?"  # a room and a name
_ENVELOPE_SHAPE = re.compile(f"{_NAME_GAP}(?:{_ARROW.pattern}){_NAME_GAP}[0-9] ?[)\\]}}>|]")
MAX_HEAD_CHARS = 400
_QUOTED = "| "  # as the gateway quotes what others said


class LineStart(Enum):
    """What a line begins with, as far as escaping depends on it."""

    BRACKET = "bracket"
    LIKE_ONE = "like a bracket"
    SIGN = "sign"
    TEXT = "text"


def escape_line(line: str) -> str:
    """The backslash stands right before the first visible character, so it stays in place whatever is dropped."""
    at = next((at for at, one in enumerate(line) if not _may_vanish(one)), None)
    return line if at is None or not _is_doubtful(line[at:]) else f"{line[:at]}\\{line[at:]}"


def escape_inside_line(text: str) -> str:
    """For lines with envelopes in the middle: escape each bracket if a number follows a number sign anywhere."""
    if not _has_number(text):
        return text
    before = f" {text}"
    return "".join(f"\\{one}" if _opens_envelope(one, last) else one for last, one in zip(before, text, strict=False))


def _opens_envelope(one: str, last: str) -> bool:
    return start_of_line(one) is LineStart.BRACKET and unicodedata.category(one) == "Ps" and last != "\\"


@lru_cache(4096)
def _may_vanish(one: str) -> bool:
    """Normalization turns a combining accent into a space and a mark."""
    return is_unseen(unicodedata.normalize("NFKC", one)[0])


def _is_doubtful(seen: str) -> bool:
    if seen.startswith(_QUOTED):
        return False
    match start_of_line(seen[0]):
        case LineStart.BRACKET:
            return True
        case LineStart.LIKE_ONE:
            return _has_number(seen) or _looks_like_sender_and_recipient(seen)
        case LineStart.SIGN:
            return _has_number(seen) and _ARROW.search(_strip_unseen(seen[1:])) is not None
        case LineStart.TEXT:
            return False


@lru_cache(4096)
def start_of_line(one: str) -> LineStart:
    kind, compatible = unicodedata.category(one), unicodedata.normalize("NFKC", one)[0]
    if one in _CODE or _LOOKS_LIKE_BRACKET.match(one):
        return LineStart.LIKE_ONE
    if kind in ("Ps", "Pe", "Pi", "Pf"):
        return LineStart.BRACKET
    if unicodedata.category(compatible) in ("Ps", "Pe"):
        return LineStart.LIKE_ONE
    return LineStart.SIGN if kind[0] in "SP" and not one.isascii() else LineStart.TEXT


def _looks_like_sender_and_recipient(seen: str) -> bool:
    """`boss -> ada 9999}`, with no number sign."""
    return _ENVELOPE_SHAPE.match(unicodedata.normalize("NFKC", _strip_unseen(seen[1:MAX_HEAD_CHARS]))) is not None


def _has_number(line: str) -> bool:
    """A number sign with a number soon after it."""
    plain = _strip_unseen(line)
    after = (plain[sign.end() : sign.end() + MAX_NUMBER_DISTANCE_CHARS] for sign in _NUMBER_AFTER_SIGN.finditer(plain))
    return any(one.isnumeric() for near in after for one in near)


def _strip_unseen(line: str) -> str:
    if line.isascii():
        return line.replace(" ", "")
    return "".join(one for one in line if not is_unseen(one))
