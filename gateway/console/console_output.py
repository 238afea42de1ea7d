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
from typing import TextIO

import msgspec
import typer

from gateway.console.standard_streams import write_output
from gateway.protocol.text.printable_text import INDENT, escape_json, printable_line, printable_lines

MAX_ERROR_CHARS = 4000


def show_error(*lines: str) -> None:
    """An error may quote what was given; a person needs only its beginning."""
    short = (one if len(one) <= MAX_ERROR_CHARS else f"{one[:MAX_ERROR_CHARS]}…" for one in lines)
    print_lines(*short, fg=typer.colors.RED, err=True)


@contextmanager
def print_uncaught_errors(*, as_json: bool = False) -> Iterator[None]:
    """Print an unexpected error with its traceback, which may quote text of members, in the same safe way."""
    try:
        yield
    except OSError as error:
        _report_os_error(error, as_json)
        raise SystemExit(1) from None
    except Exception as error:
        if as_json:
            why = f"{type(error).__name__}: {error}. This is a bug; without --json its traceback is shown."
            print_json({"error": {"code": "internal", "message": why}}, err=True)
        else:
            show_error(*(part.strip("\n") for part in traceback.format_exception(error)))
        raise SystemExit(1) from None


def _report_os_error(error: OSError, as_json: bool) -> None:
    why = system_error_text(error)
    print_json({"error": {"code": "bad_request", "message": why}}, err=True) if as_json else show_error(why)


def system_error_text(error: OSError) -> str:
    """The text of a system error: a missing file, a name that is too long, a full disk."""
    why = error.strerror or str(error) or type(error).__name__
    return f"{why}: {str(error.filename)[:200]!r}." if error.filename else f"{why}."


def print_lines(*lines: str, err: bool = False, dim: bool = False, bold: bool = False, fg: str | None = None) -> None:
    """Print each argument as one line. Further lines inside one are indented below it. Only a terminal gets colours."""
    plain = not (dim or bold or fg) or bool(os.environ.get("NO_COLOR"))
    stream = sys.stderr if err else sys.stdout
    width = _terminal_width(stream)
    for line in lines:
        shown = _encodable(_wrap_to_terminal(line, width), stream)
        write_output(shown if plain else typer.style(shown, dim=dim or None, bold=bold or None, fg=fg), err=err)


def show_prompt(text: str) -> None:
    """Print the beginning of a line on which a person writes."""
    write_output(_encodable(printable_line(text), sys.stdout), ends=False)


def print_json(value: object, *, err: bool = False) -> None:
    text = escape_json(_encode_json(value))
    write_output(text if _can_show(text, sys.stderr if err else sys.stdout) else json.dumps(json.loads(text)), err=err)


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
    write_output(_encodable(escape_json(text), sys.stdout))


def print_text(text: str) -> None:
    """Print a text of several lines that is entirely ours, or whose every line is marked with its author."""
    print_lines(*text.removesuffix("\n").split("\n"))


def print_table(
    rows: Iterable[Sequence[str]], *, columns: Sequence[str] = (), title: str = "", nothing: str = ""
) -> None:
    """Print a table that fits a terminal's width; another program gets each row on one line. Without rows the sentence
    `nothing` is printed instead."""
    from gateway.console.text_table import lay_out_table

    safe = [tuple(printable_line(cell) for cell in row) for row in rows]
    if nothing and not safe:
        print_lines(nothing)
        return
    table = lay_out_table(safe, columns, _terminal_width(sys.stdout), _cells)
    print_lines(*([title] * bool(title)))
    print_lines(*table.header, bold=True)
    print_lines(*table.body)


def show_page(text: str, *, err: bool = False) -> None:
    """Print a page that is already laid out, with its own colours and borders."""
    write_output(_encodable(text, sys.stderr if err else sys.stdout), err=err)


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


def _can_show(text: str, stream: TextIO) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _encodable(text: str, stream: TextIO) -> str:
    """Replace characters that this output cannot encode."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, errors="replace").decode(encoding)
