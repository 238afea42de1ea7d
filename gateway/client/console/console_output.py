"""The only functions of all packages that print.

What is printed is printable by that: each line given is one line of output, and what breaks it is indented. A lint rule
keeps `print`, `typer.echo` and consoles out of all other modules.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import msgspec
import typer

from gateway.protocol.text.printable_text import INDENT, in_line, json_text, lines_of


def complain(*lines: str) -> None:
    say(*lines, fg=typer.colors.RED, err=True)


@contextmanager
def uncaught_shown(*, as_json: bool = False) -> Iterator[None]:
    """An error that nobody foresaw, with its traceback: it may quote what members wrote, too."""
    try:
        yield
    except BrokenPipeError:  # whoever read this has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except Exception as error:
        if as_json:
            why = f"{type(error).__name__}: {error}. This is a bug; without --json its traceback is shown."
            show_json({"error": {"code": "internal", "message": why}}, err=True)
        else:
            complain(*(part.strip("\n") for part in traceback.format_exception(error)))
        raise SystemExit(1) from None


def say(*lines: str, err: bool = False, dim: bool = False, fg: str | None = None) -> None:
    """Each of these as one line. What it holds of other lines is indented below it."""
    stream = sys.stderr if err else sys.stdout
    width = _width(stream)
    for line in lines:
        shown = _encodable(_fitted(line, width), stream)
        typer.echo(typer.style(shown, dim=dim or None, fg=fg) if dim or fg else shown, err=err)


def show_json(value: object, *, err: bool = False) -> None:
    typer.echo(json_text(_encoded(value)), err=err)


def _encoded(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half a surrogate pair, from a file or a program of others
        return json.dumps(msgspec.to_builtins(value))


def show_done(done: object, words: str, as_json: bool) -> None:
    """The answer to an order: for programs what the gateway said, for people a sentence."""
    show_json(done) if as_json else say(words)


def show_document(text: str) -> None:
    """JSON in several lines, as our own encoder wrote it."""
    typer.echo(json_text(text))


def show_text(text: str) -> None:
    """A text of several lines that is all ours, or whose every line is marked as somebody's."""
    say(*text.removesuffix("\n").split("\n"))


def show_table(
    rows: Iterable[Sequence[str]], *, columns: Sequence[str] = (), title: str = "", boxed: bool = True
) -> None:
    """Each cell is one line; without `columns` there is no head, and `boxed` draws lines between the cells."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    shape: dict[str, Any] = {} if boxed else {"box": None}
    table = Table(*columns, show_header=bool(columns), **shape)
    for row in rows:
        table.add_row(*(escape(in_line(cell)) for cell in row))
    say(*([title] * bool(title)))
    Console().print(table)


def show_page(text: str, *, err: bool = False) -> None:
    """A page that is laid out already, with its own colours and borders."""
    typer.echo(text, err=err)


def _fitted(line: str, width: int | None) -> str:
    """On a terminal no line is longer than it: what the terminal itself broke would begin at its left edge."""
    first, *others = lines_of(line)
    shown = [first, *(INDENT + one for one in others)]
    if width is None:
        return "\n".join(shown)
    return "\n".join(f"\n{INDENT}".join(_chopped(one, width)) for one in shown)


def _chopped(line: str, width: int) -> Iterator[str]:
    """In pieces that fit, between words where that is possible."""
    start, used, blank, room = 0, 0, 0, width
    for at, one in enumerate(line):
        wide = _cells(one)
        if used + wide > room:
            cut = blank if blank > start + room // 2 else at
            yield line[start:cut]
            start = cut + (line[cut] == " ")
            used, room = _cells(line[start:at]), width - len(INDENT)
        if one == " ":
            blank = at
        used += wide
    yield line[start:]


def _cells(text: str) -> int:
    """How many columns of a terminal it takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _width(stream: TextIO) -> int | None:
    """Of a terminal; a file or another program gets whole lines."""
    try:
        return max(20, os.get_terminal_size(stream.fileno()).columns) if stream.isatty() else None
    except (OSError, ValueError):
        return None


def _encodable(text: str, stream: TextIO) -> str:
    """What this output cannot show is no reason to stop."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, errors="replace").decode(encoding)
