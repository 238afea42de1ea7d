"""File excerpts for a message: from the caller's own project only, bounded in size, with secrets masked."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.files.file_lines import parse_line_range, read_file_lines
from gateway.mcp.files.masking_process import mask_in_process
from gateway.protocol.errors import BadRequest, Forbidden, TooLarge
from gateway.protocol.text.text_validation import check_one_line

MAX_EXCERPT_CHARS = 64_000


async def masked_excerpt(project: Path | None, file: str, lines: str, text: str) -> dict[str, str]:
    """`{file, lines, text, revision}`: read from the project if this process can, else taken from the caller. Reading
    and masking do not block other callers."""
    shown = await asyncio.to_thread(_read_excerpt, project, check_one_line(file, "file"), lines, text)
    return shown | {"text": await mask_in_process(shown["text"])} if "text" in shown else shown


def _read_excerpt(project: Path | None, file: str, lines: str, text: str) -> dict[str, str]:
    wanted = parse_line_range(lines)
    shown = {"file": file}
    if wanted:
        shown["lines"] = lines.strip()
    if text:
        return shown | {"text": cut_to_size(text)}
    if project is None:
        return shown
    found, revision = _read_project_lines(project, file, wanted)
    return shown | {"text": cut_to_size(found), "revision": revision}


def cut_to_size(text: str) -> str:
    if len(text.encode(errors="replace")) > MAX_EXCERPT_CHARS:
        raise TooLarge(
            f"That is {len(text.encode(errors='replace'))} bytes; the maximum is {MAX_EXCERPT_CHARS}. "
            "Choose fewer lines."
        )
    return text


def _read_project_lines(project: Path, file: str, wanted: tuple[int, int] | None) -> tuple[str, str]:
    root = project.resolve()
    try:
        path = (root / file).resolve()
    except (OSError, RuntimeError):
        raise BadRequest(f"{file} cannot be read: there is no such file.") from None
    if not path.is_relative_to(root):
        raise Forbidden(f"{file} is outside of {root.name}. Only files of the project can be shown.")
    return read_file_lines(path, file, wanted)
