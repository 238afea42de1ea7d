"""Text as rows of a given width: wrapped, wide characters counted, Markdown and code rendered. Pure."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import ClassVar

from prompt_toolkit.utils import get_cwidth
from rich.color import Color, ColorType
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading, Markdown, MarkdownElement
from rich.segment import Segment
from rich.style import Style

Fragment = tuple[str, str]
Row = tuple[Fragment, ...]

_MARKED = re.compile(r"```|~~~|`[^`\n]+`|\*\*\S|__\S|^#{1,6} |^\s*[-*+] |^\s*\d+[.)] |^\s*\||^> |\]\(", re.MULTILINE)
_FENCE = re.compile(r"\s*(```|~~~)")
_WORDS = re.compile(r"\s+|\S+")
_TAB = "    "


def shown(text: str) -> str:
    """What may reach the screen: nothing that moves the cursor, turns the writing direction, or whose width terminals
    disagree about."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\t", _TAB)
    return "".join(_harmless(one) for one in text)


def _harmless(one: str) -> str:
    if one == "\n" or one.isprintable():
        return "" if one in "\ufe0e\ufe0f" else one
    kind = unicodedata.category(one)
    if kind == "Zs":
        return " "
    return "" if kind == "Cf" else "�"


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
    return tuple(_markdown(text, max(8, width)))


# Markdown


class _PlainHeading(Heading):
    """At the left, without a box: a chat is not a page."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _ChatMarkdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {**Markdown.elements, "heading_open": _PlainHeading}


def _markdown(text: str, width: int) -> Iterator[Row]:
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system="standard", highlight=False)
    document = _ChatMarkdown("\n".join(_with_breaks(text.split("\n"))), code_theme="ansi_dark", hyperlinks=False)
    lines = console.render_lines(document, console.options, pad=False)
    yield from _trimmed([_row(line) for line in lines])


def _with_breaks(lines: Iterable[str]) -> Iterator[str]:
    """A line end is meant as one, as people write in a chat."""
    fenced = False
    for line in lines:
        if _FENCE.match(line):
            fenced = not fenced
            yield line
        else:
            yield line if fenced or not line.strip() else f"{line}  "


def _row(line: Iterable[Segment]) -> Row:
    parts = _merged((_style(segment.style), segment.text) for segment in line if not segment.control and segment.text)
    while parts and not parts[-1][1].strip() and "reverse" not in parts[-1][0]:
        parts.pop()
    if parts:
        parts[-1] = (parts[-1][0], parts[-1][1].rstrip())
    return tuple(parts)


def _merged(parts: Iterable[Fragment]) -> list[Fragment]:
    found: list[Fragment] = []
    for style, text in parts:
        if found and found[-1][0] == style:
            found[-1] = (style, found[-1][1] + text)
        else:
            found.append((style, text))
    return found


def _trimmed(found: list[Row]) -> list[Row]:
    """No empty rows at the ends, and never two in a row."""
    kept: list[Row] = []
    for row in found:
        if row or (kept and kept[-1]):
            kept.append(row)
    while kept and not kept[-1]:
        kept.pop()
    return kept or [()]


@lru_cache(256)
def _style(style: Style | None) -> str:
    if style is None:
        return ""
    words = [word for word in ("bold", "italic", "underline", "strike", "reverse", "dim") if getattr(style, word)]
    if style.color is not None and (colour := _colour(style.color)):
        words.append(f"fg:{colour}")
    return " ".join(words)


def _colour(colour: Color) -> str:
    """Only the terminal's own colours, and not the bright ones: they suit its ground, light or dark."""
    if colour.type is not ColorType.STANDARD or colour.number is None:
        return ""
    names = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "gray")
    if colour.number in (0, 7, 15):
        return ""
    return "ansibrightblack" if colour.number == 8 else f"ansi{names[colour.number % 8]}"
