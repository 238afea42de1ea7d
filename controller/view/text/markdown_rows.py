"""Markdown and code as rows of a given width. Pure."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import ClassVar

from rich.color import Color, ColorType
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading, Markdown, MarkdownElement
from rich.segment import Segment
from rich.style import Style

from controller.view.text.row_types import Fragment, Row
from gateway.protocol.text.code_fences import with_fences


class _PlainHeading(Heading):
    """A heading at the left margin, without a box, since a chat is no page."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _ChatMarkdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {**Markdown.elements, "heading_open": _PlainHeading}


def markdown_rows(text: str, width: int) -> Iterator[Row]:
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system="standard", highlight=False)
    document = _ChatMarkdown("\n".join(_keep_line_breaks(text.split("\n"))), code_theme="ansi_dark", hyperlinks=False)
    lines = console.render_lines(document, console.options, pad=False)
    yield from _trim_empty_rows([_row_of_segments(line) for line in lines])


def _keep_line_breaks(lines: Iterable[str]) -> Iterator[str]:
    """Keep line breaks: in a chat they are intended."""
    for line, is_code in with_fences(lines):
        yield line if is_code or not line.strip() else f"{line}  "


def _row_of_segments(line: Iterable[Segment]) -> Row:
    parts = _merge_fragments(
        (_style_name(segment.style), segment.text) for segment in line if not segment.control and segment.text
    )
    while parts and not parts[-1][1].strip() and "reverse" not in parts[-1][0]:
        parts.pop()
    if parts:
        parts[-1] = (parts[-1][0], parts[-1][1].rstrip())
    return tuple(parts)


def _merge_fragments(parts: Iterable[Fragment]) -> list[Fragment]:
    found: list[Fragment] = []
    for style, text in parts:
        if found and found[-1][0] == style:
            found[-1] = (style, found[-1][1] + text)
        else:
            found.append((style, text))
    return found


def _trim_empty_rows(found: list[Row]) -> list[Row]:
    """No empty rows at the ends, and never two in a row."""
    kept: list[Row] = []
    for row in found:
        if row or (kept and kept[-1]):
            kept.append(row)
    while kept and not kept[-1]:
        kept.pop()
    return kept or [()]


@lru_cache(256)
def _style_name(style: Style | None) -> str:
    if style is None:
        return ""
    words = [word for word in ("bold", "italic", "underline", "strike", "reverse", "dim") if getattr(style, word)]
    if style.color is not None and (colour := _colour_name(style.color)):
        words.append(f"fg:{colour}")
    return " ".join(words)


def _colour_name(colour: Color) -> str:
    """A colour of the terminal's own palette, never a bright one, so that it suits light and dark backgrounds."""
    if colour.type is not ColorType.STANDARD or colour.number is None:
        return ""
    names = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "gray")
    if colour.number in (0, 7, 15):
        return ""
    return "ansibrightblack" if colour.number == 8 else f"ansi{names[colour.number % 8]}"
