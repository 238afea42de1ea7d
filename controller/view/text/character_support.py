"""Decides what is written for a character that terminals disagree about, or that this one cannot show. Pure."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from controller.view.text.text_rows import width_of

# As many cells as before, so that no row changes its width. The signs of the states stay different from each other.
_ASCII_BY_SIGN = {
    "●": "o",
    "◆": "*",
    "○": "-",
    "✗": "x",
    "✓": "+",
    "…": "~",
    "·": ".",
    "→": ">",
    "↳": ">",
    "↵": "/",
    "│": "|",
    "┃": "|",
    "─": "-",
    "━": "-",
    "┌": ",",
    "‖": "=",
    "–": "-",
    "—": "-",
    "•": "*",
    "🔒": "DM",
    "▣": "S",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
}
_SYMBOLS_OF_NO_AGREED_WIDTH = ((0x2630, 0x2637), (0x268A, 0x268F), (0x4DC0, 0x4DFF))
_SCRIPTS_OF_NO_AGREED_WIDTH = ((0x0900, 0x11FF), (0x1700, 0x18FF), (0x1A20, 0x1CFF), (0xA800, 0xABFF))
_FIRST_EMOJI = 0x1F000


@lru_cache(2048)
def has_disputed_width(cluster: str) -> bool:
    """A character with the marks that join it."""
    return any(_is_disputed(one) for one in cluster)


def _is_disputed(char: str) -> bool:
    """Whether terminals, or two versions of one, advance by different numbers of cells: what newer versions of Unicode
    added, emoji, and scripts whose marks take cells of their own in some."""
    code = ord(char)
    if code < 0x0300:
        return False
    if code >= _FIRST_EMOJI or unicodedata.category(char) in ("Mc", "Me", "Mn", "Cn", "Co"):
        return True
    return any(first <= code <= last for first, last in (*_SYMBOLS_OF_NO_AGREED_WIDTH, *_SCRIPTS_OF_NO_AGREED_WIDTH))


@lru_cache(4096)
def encodable_text(text: str, encoding: str) -> str:
    """What this encoding can write: signs become similar ASCII ones, anything else "?" for each cell."""
    return "".join(_encodable_char(one, encoding) for one in text)


def _encodable_char(char: str, encoding: str) -> str:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return _ASCII_BY_SIGN.get(char, "?" * width_of(char))
    return char


def output_encoding(encoding: str | None, signs: str) -> str:
    """The encoding to which the screen is limited; empty if it can write everything. `signs` is the person's choice."""
    if signs == "ascii":
        return "ascii"
    name = (encoding or "ascii").lower().replace("_", "-")
    return "" if signs == "unicode" or name.startswith(("utf", "utf-")) else name
