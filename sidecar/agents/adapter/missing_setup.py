"""Reads in the vendors' own settings what they ask a person at the start. Files with secrets are not opened: only their
existence is checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LOGIN_NEEDED = "asks to log in"


def trust_question(project: Path) -> str:
    return f"asks whether you trust {project}"


_COMMENT_LINE = re.compile(r"^[^\S\n]*//.*$", re.MULTILINE)


def settings_in(path: Path) -> Mapping[str, Any]:
    """Empty if the file does not exist or cannot be read; the vendor will report it. Some vendors write comments."""
    try:
        found = json.loads(_COMMENT_LINE.sub("", path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def value_within(settings: Mapping[str, Any], *names: str) -> Any:
    """A value some levels down, or None if a level is missing."""
    found: Any = settings
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def folders_of(project: Path) -> Iterator[Path]:
    """The project's folder and all its parents."""
    return iter((project, *project.parents))
