"""Lays out a help page: usage, text, examples and panels, in lines that fit. Pure: it knows no command and no terminal.

Typer's own pages need rich, whose import takes longer than everything else that a help page needs.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

MAX_WIDTH = 100
MAX_NAME_WIDTH = 26
EXAMPLES = ("Example:", "Examples:")


class Row(NamedTuple):
    name: str
    text: str


class Panel(NamedTuple):
    title: str
    rows: tuple[Row, ...]


class Box(NamedTuple):
    """The characters of a panel's border."""

    top_left: str
    top_right: str
    bottom_left: str
    bottom_right: str
    across: str
    down: str


ROUND = Box(*"╭╮╰╯─│")
ASCII = Box(*"++++-|")


class Look(NamedTuple):
    """How a page is drawn: its width, its border, and the colours of titles, terms and borders."""

    width: int
    box: Box
    title: Callable[[str], str] = str
    term: Callable[[str], str] = str
    border: Callable[[str], str] = str


class Page(NamedTuple):
    usage: str
    text: str
    panels: tuple[Panel, ...]


def drawn(page: Page, look: Look) -> str:
    text, examples = split_examples(page.text)
    head = [*_hanging(page.usage, look.width), "", *_paragraphs(text, look.width)]
    shown = [look.title("Examples:"), *(f"  {one}" for one in examples), ""] if examples else []
    boxes = [line for panel in page.panels if panel.rows for line in _box(panel, look)]
    return "\n".join([*head, *shown, *boxes])


def split_examples(text: str) -> tuple[str, list[str]]:
    """The text before the line `Examples:`, and the lines after it without their indent."""
    lines = text.splitlines()
    at = next((number for number, line in enumerate(lines) if line.strip() in EXAMPLES), len(lines))
    found = textwrap.dedent("\n".join(lines[at + 1 :])).strip()
    return "\n".join(lines[:at]).strip(), found.splitlines()


def first_sentence(text: str) -> str:
    """The first sentence, in one line."""
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    sentence, stop, _ = paragraph.partition(". ")
    return f"{sentence}." if stop else paragraph


def _hanging(usage: str, width: int) -> list[str]:
    return textwrap.wrap(usage, width, subsequent_indent="  ", break_on_hyphens=False)


def _paragraphs(text: str, width: int) -> Iterator[str]:
    for paragraph in text.split("\n\n") if text else ():
        yield from textwrap.wrap(" ".join(paragraph.split()), width, break_on_hyphens=False)
        yield ""


def _box(panel: Panel, look: Look) -> Iterator[str]:
    box, inner = look.box, look.width - 4
    rest = box.across * (look.width - len(panel.title) - 5)
    yield look.border(box.top_left + box.across) + f" {look.title(panel.title)} " + look.border(rest + box.top_right)
    for name, text in _cells(panel.rows, inner):
        side = look.border(box.down)
        yield f"{side} {look.term(name)}{text} {side}"
    yield look.border(box.bottom_left + box.across * (look.width - 2) + box.bottom_right)


def _cells(rows: Sequence[Row], inner: int) -> Iterator[tuple[str, str]]:
    """Rows as pairs of cells that fill the width. A name that is too long gets a line of its own."""
    limit = min(MAX_NAME_WIDTH, inner // 2)
    column = min(max(len(row.name) for row in rows), limit) + 2
    for row in rows:
        lines = textwrap.wrap(row.text, inner - column, break_on_hyphens=False) or [""]
        first = row.name if len(row.name) <= limit else ""
        if not first:
            for piece in textwrap.wrap(row.name, inner, break_on_hyphens=False):
                yield piece.ljust(inner), ""
        for line in lines:
            yield first.ljust(column), line.ljust(inner - column)
            first = ""
