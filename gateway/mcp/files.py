"""Lines of a file to show with a message: only of the caller's own project, never much, and with no secret in them."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path

from gateway.protocol.errors import BadRequest, Forbidden, TooLarge

MOST = 64_000
LONGEST_FILE = 20 << 20
_RANGE = re.compile(r"\s*(\d+)\s*(?:[-–:]\s*(\d+)\s*)?")
_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:sk|pk|rk)-[\w-]{16,}|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bxox[abprs]-[\w-]{10,}|\bAKIA[0-9A-Z]{16}\b"
    r"|\bAIza[\w-]{30,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}|\bgc_[0-9a-f]{16}_[\w-]{20,}"
)
_NAMED = re.compile(
    r"(?im)^(?P<name>[^\n]*\b\w*(?:secret|token|password|passwd|api_?key|private_?key|access_?key)\w*[\"']?\s*[:=]\s*)"
    r"(?P<value>\"[^\"\n]{6,}\"|'[^'\n]{6,}'|(?=\S*\d)[\w+/=.-]{8,}(?=\s|$))"
)
MASK = "«masked»"


async def excerpt(project: Path | None, file: str, lines: str, text: str) -> dict[str, object]:
    """`{file, lines, text, revision}`: read here where that is possible, else as the caller brings it."""
    wanted = line_range(lines)
    shown: dict[str, object] = {"file": file}
    if wanted:
        shown["lines"] = lines.strip()
    if text:
        return shown | {"text": masked(fitting(text))}
    if project is None:
        return shown
    found, revision = await asyncio.to_thread(_read, project, file, wanted)
    return shown | {"text": masked(fitting(found)), "revision": revision}


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


def masked(text: str) -> str:
    """What looks like a key or a password is not shown to others."""
    kept = _SECRETS.sub(MASK, text)
    return _NAMED.sub(_without_value, kept)


def _without_value(match: re.Match[str]) -> str:
    quote = match["value"][0] if match["value"][0] in "\"'" else ""
    return f"{match['name']}{quote}{MASK}{quote}"


def _read(project: Path, file: str, wanted: tuple[int, int] | None) -> tuple[str, str]:
    root = project.resolve()
    path = (root / file).resolve()
    if not path.is_relative_to(root):
        raise Forbidden(f"{file} is outside of {root.name}: only files of the project are shown.")
    try:
        if path.stat().st_size > LONGEST_FILE:
            raise TooLarge(f"{file} is larger than {LONGEST_FILE >> 20} MB.")
        data = path.read_bytes()
        text = data.decode()
    except UnicodeDecodeError:
        raise BadRequest(f"{file} is not text.") from None
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.") from None
    if "\0" in text:
        raise BadRequest(f"{file} is not text.")
    revision = hashlib.sha256(data).hexdigest()[:12]
    if wanted is None:
        return text, revision
    lines = text.splitlines(keepends=True)
    first, last = wanted
    if first > len(lines):
        raise BadRequest(f"{file} has only {len(lines)} lines.")
    return "".join(lines[first - 1 : last]), revision
