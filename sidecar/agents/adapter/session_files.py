"""Looks into the files in which vendors keep conversations."""

from __future__ import annotations

from pathlib import Path

_PIECE_BYTES = 1 << 20


def same_name_nearby(path: Path) -> Path | None:
    """The file of this name in another folder of the folder above, if there is exactly one. A release that names its
    folders otherwise keeps the id of the conversation as the name of the file."""
    found = [one for one in path.parents[2].glob(f"*/*/{path.name}") if one != path and one.is_file()]
    return found[0] if len(found) == 1 else None


def has_line_with(path: Path, *marks: str) -> bool:
    """Whether one of the marks is in this file. False if there is no such file."""
    wanted = [one.encode() for one in marks]
    overlap = max(map(len, wanted))
    try:
        with path.open("rb") as file:
            rest = b""
            while piece := file.read(_PIECE_BYTES):
                if any(one in rest + piece for one in wanted):
                    return True
                rest = piece[-overlap:]
    except OSError:
        return False
    return False
