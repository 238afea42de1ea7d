"""Lines of a file to show with a message: only of the caller's own project, never much, and with no secret in them."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
import os
import re
import stat
from pathlib import Path
from typing import Any

from gateway.mcp.masking_process import masked_aside
from gateway.protocol.errors import BadRequest, Forbidden, TooLarge
from gateway.protocol.request_texts import one_line

MOST = 64_000
LONGEST_FILE = 20 << 20
_RANGE = re.compile(r"\s{0,9}(\d{1,9})\s{0,9}(?:[-–:]\s{0,9}(\d{1,9})\s{0,9})?")


async def excerpt(project: Path | None, file: str, lines: str, text: str) -> dict[str, Any]:
    """`{file, lines, text, revision}`: read here where that is possible, else as the caller brings it. However much
    there is to read and to look through, others do not wait for it."""
    shown = await asyncio.to_thread(_unmasked, project, one_line(file, "file"), lines, text)
    return shown | {"text": await masked_aside(shown["text"])} if "text" in shown else shown


def _unmasked(project: Path | None, file: str, lines: str, text: str) -> dict[str, str]:
    wanted = line_range(lines)
    shown = {"file": file}
    if wanted:
        shown["lines"] = lines.strip()
    if text:
        return shown | {"text": fitting(text)}
    if project is None:
        return shown
    found, revision = _read(project, file, wanted)
    return shown | {"text": fitting(found), "revision": revision}


def line_range(lines: str) -> tuple[int, int] | None:
    if not lines.strip():
        return None
    match = _RANGE.fullmatch(lines)
    if match is None:
        raise BadRequest(f'{lines[:40]!r} are no lines. Write "42" or "42-58".')
    first = int(match[1])
    last = int(match[2] or first)
    if first < 1 or last < first:
        raise BadRequest(f"{lines[:40]!r} are no lines: they begin at 1, and end after they begin.")
    return first, last


def fitting(text: str) -> str:
    if len(text.encode(errors="replace")) > MOST:
        raise TooLarge(f"That is {len(text.encode(errors='replace'))} bytes; at most {MOST} are shown. Choose lines.")
    return text


def _read(project: Path, file: str, wanted: tuple[int, int] | None) -> tuple[str, str]:
    root = project.resolve()
    try:
        path = (root / file).resolve()
    except (OSError, RuntimeError):
        raise BadRequest(f"{file} cannot be read: its name leads nowhere.") from None
    if not path.is_relative_to(root):
        raise Forbidden(f"{file} is outside of {root.name}: only files of the project are shown.")
    data = _content(path, file)
    part = data if wanted is None else _lines(data, wanted, file)
    try:
        text = part.decode()
    except UnicodeDecodeError:
        raise BadRequest(f"{file} is not text.") from None
    if "\0" in text or b"\0" in data:
        raise BadRequest(f"{file} is not text.")
    return text, hashlib.sha256(data).hexdigest()[:12]


def _content(path: Path, file: str) -> bytes:
    """Of a plain file, and never of something that could keep whoever opens it waiting."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as opened:
            about = os.fstat(opened.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise BadRequest(f"{file} cannot be read: it is no plain file.")
            if about.st_size > LONGEST_FILE:
                raise TooLarge(f"{file} is larger than {LONGEST_FILE >> 20} MB.")
            return opened.read(LONGEST_FILE)
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.") from None


def _lines(data: bytes, wanted: tuple[int, int], file: str) -> bytes:
    first, last = wanted
    part = b"".join(itertools.islice(io.BytesIO(data), first - 1, min(last, first + MOST)))
    if not part:
        unended = bool(data) and not data.endswith(b"\n")
        raise BadRequest(f"{file} has only {data.count(10) + unended} lines.")
    return part
