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

from gateway.protocol.text.printable_text import INDENT, escape_json, printable_line, printable_lines


def show_error(*lines: str) -> None:
    print_lines(*lines, fg=typer.colors.RED, err=True)


@contextmanager
def print_uncaught_errors(*, as_json: bool = False) -> Iterator[None]:
    """An error that nobody foresaw, with its traceback: it may quote what members wrote, too."""
    try:
        yield
    except BrokenPipeError:  # whoever read this has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except Exception as error:
        if as_json:
            why = f"{type(error).__name__}: {error}. This is a bug; without --json its traceback is shown."
            print_json({"error": {"code": "internal", "message": why}}, err=True)
        else:
            show_error(*(part.strip("\n") for part in traceback.format_exception(error)))
        raise SystemExit(1) from None


def print_lines(*lines: str, err: bool = False, dim: bool = False, fg: str | None = None) -> None:
    """Each of these as one line. What it holds of other lines is indented below it."""
    stream = sys.stderr if err else sys.stdout
    width = _terminal_width(stream)
    for line in lines:
        shown = _encodable(_wrap_to_terminal(line, width), stream)
        typer.echo(typer.style(shown, dim=dim or None, fg=fg) if dim or fg else shown, err=err)


def print_json(value: object, *, err: bool = False) -> None:
    typer.echo(escape_json(_encode_json(value)), err=err)


def _encode_json(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half a surrogate pair, from a file or a program of others
        return json.dumps(msgspec.to_builtins(value))


def show_done(done: object, words: str, as_json: bool) -> None:
    """The answer to an order: for programs what the gateway said, for people a sentence."""
    print_json(done) if as_json else print_lines(words)


def print_document(text: str) -> None:
    """JSON in several lines, as our own encoder wrote it."""
    typer.echo(escape_json(text))


def print_text(text: str) -> None:
    """A text of several lines that is all ours, or whose every line is marked as somebody's."""
    print_lines(*text.removesuffix("\n").split("\n"))


def print_table(
    rows: Iterable[Sequence[str]], *, columns: Sequence[str] = (), title: str = "", boxed: bool = True
) -> None:
    """Each cell is one line; without `columns` there is no head, and `boxed` draws lines between the cells."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    shape: dict[str, Any] = {} if boxed else {"box": None}
    table = Table(*columns, show_header=bool(columns), **shape)
    for row in rows:
        table.add_row(*(escape(printable_line(cell)) for cell in row))
    print_lines(*([title] * bool(title)))
    Console().print(table)


def show_page(text: str, *, err: bool = False) -> None:
    """A page that is laid out already, with its own colours and borders."""
    typer.echo(text, err=err)


def _wrap_to_terminal(line: str, width: int | None) -> str:
    """On a terminal no line is longer than it: what the terminal itself broke would begin at its left edge."""
    first, *others = printable_lines(line)
    shown = [first, *(INDENT + one for one in others)]
    if width is None:
        return "\n".join(shown)
    return "\n".join(f"\n{INDENT}".join(_split_at_width(one, width)) for one in shown)


def _split_at_width(line: str, width: int) -> Iterator[str]:
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


def _terminal_width(stream: TextIO) -> int | None:
    """Of a terminal; a file or another program gets whole lines."""
    try:
        return max(20, os.get_terminal_size(stream.fileno()).columns) if stream.isatty() else None
    except (OSError, ValueError):
        return None


def _encodable(text: str, stream: TextIO) -> str:
    """What this output cannot show is no reason to stop."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, errors="replace").decode(encoding)
