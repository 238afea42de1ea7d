"""Reads lines of a plain text file for a message, and a digest of the whole file at that moment."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import re
import stat
from pathlib import Path

from gateway.protocol.errors import BadRequest, TooLarge

MAX_FILE_BYTES = 20 << 20
MAX_LINE_BYTES = 64_000
_RANGE = re.compile(r"\s{0,9}(\d{1,9})\s{0,9}(?:[-–:]\s{0,9}(\d{1,9})\s{0,9})?")


def parse_line_range(lines: str) -> tuple[int, int] | None:
    if not lines.strip():
        return None
    match = _RANGE.fullmatch(lines)
    if match is None:
        raise BadRequest(f'{lines[:40]!r} is no line range. Write "42" or "42-58".')
    first = int(match[1])
    last = int(match[2] or first)
    if first < 1 or last < first:
        raise BadRequest(f"{lines[:40]!r} is no line range: lines begin at 1, and the last is not before the first.")
    return first, last


def is_range(text: str) -> bool:
    return _RANGE.fullmatch(text) is not None


def read_file_lines(path: Path, name: str, wanted: tuple[int, int] | None) -> tuple[str, str]:
    """The text, and a digest of the whole file. `name` is the file's name in errors."""
    data = _read_plain_file(path, name)
    part = data if wanted is None else _select_lines(data, wanted, name)
    try:
        text = part.decode()
    except UnicodeDecodeError:
        raise BadRequest(f"{name} is not text.") from None
    if "\0" in text or b"\0" in data:
        raise BadRequest(f"{name} is not text.")
    return text, hashlib.sha256(data).hexdigest()[:12]


def _read_plain_file(path: Path, name: str) -> bytes:
    """The bytes of a plain file. Other kinds, such as a pipe, could block the reader, and are refused."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as opened:
            about = os.fstat(opened.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise BadRequest(f"{name} cannot be read: it is no plain file.")
            if about.st_size > MAX_FILE_BYTES:
                raise TooLarge(f"{name} is larger than {MAX_FILE_BYTES >> 20} MB.")
            return opened.read(MAX_FILE_BYTES)
    except OSError as error:
        raise BadRequest(f"{name} cannot be read: {error.strerror}.") from None


def _select_lines(data: bytes, wanted: tuple[int, int], name: str) -> bytes:
    first, last = wanted
    part = b"".join(itertools.islice(io.BytesIO(data), first - 1, min(last, first + MAX_LINE_BYTES)))
    if not part:
        unended = bool(data) and not data.endswith(b"\n")
        raise BadRequest(f"{name} has only {data.count(10) + unended} lines.")
    return part
