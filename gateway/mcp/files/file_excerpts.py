"""Lines of a file to show with a message: only of the caller's own project, never much, and with no secret in them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.client.files.file_lines import file_lines, line_range
from gateway.mcp.files.masking_process import masked_aside
from gateway.protocol.errors import BadRequest, Forbidden, TooLarge
from gateway.protocol.text.text_validation import one_line

MOST = 64_000


async def excerpt(project: Path | None, file: str, lines: str, text: str) -> dict[str, str]:
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
    return file_lines(path, file, wanted)
