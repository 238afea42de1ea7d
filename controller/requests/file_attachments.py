"""Reads lines of a person's own files to attach them to a message: `a.py:42-58`, `a.py:42`, or `a.py` for all of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from gateway.files.file_lines import is_range, parse_line_range, read_file_lines
from gateway.protocol.errors import BadRequest, TooLarge
from gateway.protocol.text.text_validation import check_one_line
from gateway.protocol.types.core_types import MAX_CONTENT_BYTES, Part

MOST_QUOTES = 20


def quote_files(wanted: Iterable[str], folder: Path) -> tuple[Part, ...]:
    found = tuple(wanted)
    if len(found) > MOST_QUOTES:
        raise BadRequest(f"At most {MOST_QUOTES} files or parts of files go with one message; these are {len(found)}.")
    return tuple(quote_lines_of_file(one, folder) for one in found)


def quote_lines_of_file(wanted: str, folder: Path) -> Part:
    """The person chose the file, so links are followed and nothing is masked."""
    name, lines = _split_range(wanted, folder)
    check_one_line(name, "name of the file")
    if not name.strip():
        raise BadRequest("Which lines of which file? Example: --quote src/app.py:42-58")
    path = Path(os.path.realpath(folder / Path(name).expanduser()))
    text, revision = read_file_lines(path, name, parse_line_range(lines))
    if not text:
        raise BadRequest(f"{name} is empty.")
    if (size := len(text.encode())) > MAX_CONTENT_BYTES:
        hint = f"Choose lines, such as {name}:1-200."
        raise TooLarge(f"That is {size} bytes of {name}; at most {MAX_CONTENT_BYTES} go with a message. {hint}")
    return Part("file", text, name, lines or None, revision)


def _split_range(wanted: str, folder: Path) -> tuple[str, str]:
    """A file's name may look like a range."""
    name, colon, lines = wanted.rpartition(":")
    if not colon or not is_range(lines) or os.path.lexists(folder / wanted):
        return wanted, ""
    return name, lines.strip()
