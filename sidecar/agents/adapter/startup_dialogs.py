"""What the vendors want of a person before anything else, read in their own settings. Secrets are not opened: whether
the file with one is there is all that is looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LOGIN_NEEDED = "asks to log in"


def trust_question(project: Path) -> str:
    return f"asks whether you trust {project}"


def settings_in(path: Path) -> Mapping[str, Any]:
    """Empty where there is no such file, or it cannot be read: the vendor will tell."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def value_within(settings: Mapping[str, Any], *names: str) -> Any:
    """A value some levels down; None where the way ends."""
    found: Any = settings
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def folders_of(project: Path) -> Iterator[Path]:
    """The project's folder and all above it."""
    return iter((project, *project.parents))
