"""The only functions in all packages that print.

Printed text is safe for a terminal: each line given becomes one line of output, and line breaks inside it are indented.
A lint rule keeps `print`, `typer.echo` and consoles out of all other modules.
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
    """Print an unexpected error with its traceback, which may quote text of members, in the same safe way."""
    try:
        yield
    except BrokenPipeError:  # the reader has closed the pipe
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
    """Print each argument as one line. Further lines inside one are indented below it."""
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
    except UnicodeEncodeError:  # a lone surrogate, from a file or another program
        return json.dumps(msgspec.to_builtins(value))


def show_done(done: object, words: str, as_json: bool) -> None:
    """Print the result of a command: the gateway's answer as JSON, or a sentence for people."""
    print_json(done) if as_json else print_lines(words)


def print_document(text: str) -> None:
    """Print JSON of several lines, as our encoder wrote it."""
    typer.echo(escape_json(text))


def print_text(text: str) -> None:
    """Print a text of several lines that is entirely ours, or whose every line is marked with its author."""
    print_lines(*text.removesuffix("\n").split("\n"))


def print_table(
    rows: Iterable[Sequence[str]], *, columns: Sequence[str] = (), title: str = "", boxed: bool = True
) -> None:
    """Print a table with one line per cell. Without `columns` there is no header; `boxed` draws lines between the
    cells."""
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
    """Print a page that is already laid out, with its own colours and borders."""
    typer.echo(text, err=err)


def _wrap_to_terminal(line: str, width: int | None) -> str:
    """Wrap a line to the terminal's width. If the terminal itself wrapped it, the rest would begin at the left edge and
    could pass for a line of its own."""
    first, *others = printable_lines(line)
    shown = [first, *(INDENT + one for one in others)]
    if width is None:
        return "\n".join(shown)
    return "\n".join(f"\n{INDENT}".join(_split_at_width(one, width)) for one in shown)


def _split_at_width(line: str, width: int) -> Iterator[str]:
    """Pieces that fit, split between words where possible."""
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
    """How many terminal columns the text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _terminal_width(stream: TextIO) -> int | None:
    """The width of a terminal; None for a file or another program, which gets whole lines."""
    try:
        return max(20, os.get_terminal_size(stream.fileno()).columns) if stream.isatty() else None
    except (OSError, ValueError):
        return None


def _encodable(text: str, stream: TextIO) -> str:
    """Replace characters that this output cannot encode."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, errors="replace").decode(encoding)
