"""Text as rows of a given width: wrapped, wide characters counted. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from prompt_toolkit.utils import get_cwidth

from controller.view.text.row_types import Fragment, Row
from gateway.protocol.text.printable_text import printable_line, printable_lines

_MARKDOWN_MARK = re.compile(
    r"```|~~~|`[^`\n]+`|\*\*\S|__\S|^#{1,6} |^[ \t]{0,20}(?:[-*+] |\d{1,9}[.)] |\|)|^> |\]\(", re.MULTILINE
)
_WORD_OR_SPACE = re.compile(r"\s+|\S+")
_WIDTH_DISPUTED = re.compile(
    "[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff"
    "\U000e0000-\U000e0fff]"
)
_FLAG_LETTERS = {0x1F1E6 + number: chr(ord("A") + number) for number in range(26)}
_MAY_HOLD_SPACING_MARKS = re.compile("[\u0900-\u1cff\ua800-\uabff\U00011000-\U0001d1ff]")


def clean_for_screen(text: str) -> str:
    """Remove characters that move the cursor, change the writing direction, or have no agreed width: a skin tone, the
    joiner of a family. A flag becomes its two letters."""
    if text.isascii() and text.isprintable():
        return text
    return _without_disputed_width("\n".join(printable_lines(text)))


def clean_line_for_screen(text: str) -> str:
    """Like `clean_for_screen`, but as one line."""
    return text if text.isascii() and text.isprintable() else _without_disputed_width(printable_line(text))


def _without_disputed_width(text: str) -> str:
    return _WIDTH_DISPUTED.sub("", text).translate(_FLAG_LETTERS)


def width_of(text: str) -> int:
    """The cells that terminals use. A mark that has a place of its own beside its letter, as in Hindi, is one cell."""
    if text.isascii():
        return len(text)
    marks = sum(map(_is_spacing_mark, text)) if _MAY_HOLD_SPACING_MARKS.search(text) else 0
    return get_cwidth(text) + marks


@lru_cache(1024)
def _is_spacing_mark(char: str) -> bool:
    return unicodedata.category(char) == "Mc" and get_cwidth(char) == 0


def fit_to_width(text: str, width: int) -> str:
    """Cut the text visibly to at most `width` cells."""
    if width_of(text) <= width:
        return text
    kept, used = [], 0
    for one in text:
        used += width_of(one)
        if used > width - 1:
            break
        kept.append(one)
    return "".join(kept) + "…" if width > 0 else ""


def width_of_row(row: Iterable[Fragment]) -> int:
    return sum(width_of(text) for _, text in row)


def fit_row(row: Iterable[Fragment], width: int) -> list[Fragment]:
    """Cut the row visibly to at most `width` cells."""
    found: list[Fragment] = []
    for style, text in row:
        if width > 0:
            found.append((style, fit_to_width(text, width)))
        width -= width_of(text)
    return found


def wrap_text(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken between words where that is possible."""
    return [row for line in text.split("\n") for row in _wrap_line(line, max(2, width))]


def _wrap_line(line: str, width: int) -> Iterator[str]:
    if width_of(line) <= width:
        yield line.rstrip() or ""
        return
    row, used = "", 0
    for word in _WORD_OR_SPACE.findall(line):
        cells = width_of(word)
        if used + cells <= width:
            row, used = row + word, used + cells
        elif word.isspace():
            yield row.rstrip()
            row, used = "", 0
        else:
            if used and row.strip():
                yield row.rstrip()
                row, used = "", 0
            *full, row = _chop_word(word, width)
            yield from full
            used = width_of(row)
    yield row.rstrip()


def _chop_word(word: str, width: int) -> list[str]:
    """A word longer than a row, in pieces; a wide character is never halved."""
    pieces, piece, used = [], "", 0
    for one in word:
        cells = width_of(one)
        if used + cells > width:
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + one, used + cells
    return [*pieces, piece]


def has_markdown(text: str) -> bool:
    return _MARKDOWN_MARK.search(text) is not None


@lru_cache(512)
def text_rows(text: str, width: int) -> tuple[Row, ...]:
    """The rows of a message's text."""
    text = clean_for_screen(text).strip("\n")
    if not has_markdown(text):
        return tuple((("", row),) for row in wrap_text(text, width))
    return _cached_markdown(text, max(8, width))


def _cached_markdown(text: str, width: int) -> tuple[Row, ...]:
    from controller.view.text.markdown_rows import markdown_rows  # noqa: PLC0415  only who is sent Markdown pays for its reader

    return tuple(markdown_rows(text, width))
