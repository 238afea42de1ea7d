"""Text as rows of a given width: wrapped, wide characters counted. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from prompt_toolkit.utils import get_cwidth

from gateway.protocol.text.printable_text import in_line, lines_of

Fragment = tuple[str, str]
Row = tuple[Fragment, ...]

_MARKED = re.compile(
    r"```|~~~|`[^`\n]+`|\*\*\S|__\S|^#{1,6} |^[ \t]{0,20}(?:[-*+] |\d{1,9}[.)] |\|)|^> |\]\(", re.MULTILINE
)
_WORDS = re.compile(r"\s+|\S+")
_DISPUTED = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]")


def shown(text: str) -> str:
    """What may reach the screen: nothing that moves the cursor, turns the writing direction, or whose width terminals
    disagree about."""
    if text.isascii() and text.isprintable():
        return text
    return _DISPUTED.sub("", "\n".join(lines_of(text)))


def in_cells(text: str) -> str:
    """What may stand in cells of one row: as `shown`, in one line."""
    return text if text.isascii() and text.isprintable() else _DISPUTED.sub("", in_line(text))


def width_of(text: str) -> int:
    return len(text) if text.isascii() else get_cwidth(text)


def fit(text: str, width: int) -> str:
    """At most so many cells, cut visibly."""
    if width_of(text) <= width:
        return text
    kept, used = [], 0
    for one in text:
        used += width_of(one)
        if used > width - 1:
            break
        kept.append(one)
    return "".join(kept) + "…" if width > 0 else ""


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken between words where that is possible."""
    return [row for line in text.split("\n") for row in _wrap_line(line, max(2, width))]


def _wrap_line(line: str, width: int) -> Iterator[str]:
    if width_of(line) <= width:
        yield line.rstrip() or ""
        return
    row, used = "", 0
    for word in _WORDS.findall(line):
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
            *full, row = _chopped(word, width)
            yield from full
            used = width_of(row)
    yield row.rstrip()


def _chopped(word: str, width: int) -> list[str]:
    """A word longer than a row, in pieces; a wide character is never halved."""
    pieces, piece, used = [], "", 0
    for one in word:
        cells = width_of(one)
        if used + cells > width:
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + one, used + cells
    return [*pieces, piece]


def is_marked(text: str) -> bool:
    return _MARKED.search(text) is not None


@lru_cache(512)
def rows(text: str, width: int) -> tuple[Row, ...]:
    """The rows of a message's text."""
    text = shown(text).strip("\n")
    if not is_marked(text):
        return tuple((("", row),) for row in wrapped(text, width))
    return _markdown(text, max(8, width))


def _markdown(text: str, width: int) -> tuple[Row, ...]:
    from controller.view.markdown_rows import markdown  # noqa: PLC0415  only who is sent Markdown pays for its reader

    return tuple(markdown(text, width))
