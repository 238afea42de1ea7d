"""How the path of a file is shown: relative to the project, on one line, cut at its beginning. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from gateway.protocol.text.printable_text import printable_line
from gateway.protocol.types.agent_work import MAX_WORK_TEXT_CHARS

ELSEWHERE = "…/"


@dataclass(frozen=True)
class PlacedFile:
    """A file by its real path, and as it is shown."""

    path: str
    shown: str


def shown_path(path: PurePath, project: PurePath) -> str:
    """`src/app.py`; of a file outside the project only the name, because its folders concern nobody."""
    inside = path.is_relative_to(project) and path != project
    text = str(path.relative_to(project)) if inside else f"{ELSEWHERE}{path.name}"
    return cut_begin(printable_line(text.encode(errors="replace").decode()))


def shown_folder(folder: PurePath, project: PurePath) -> str:
    """`website`, or `website/api` for a folder in the project; elsewhere the folder's own name."""
    inside = folder.is_relative_to(project)
    text = str(PurePath(project.name, folder.relative_to(project))) if inside else folder.name
    return cut_begin(printable_line(text.encode(errors="replace").decode()))


def cut_begin(text: str, most: int = MAX_WORK_TEXT_CHARS) -> str:
    """The end of a path tells more than its beginning."""
    return text if len(text) <= most else f"…{text[len(text) - most + 1 :]}"
