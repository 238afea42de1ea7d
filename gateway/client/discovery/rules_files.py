"""Finds the rules file of an agent that is known by a file alone: in the state folder, else in the project.

A file of the project counts only for those who name its agent, because a project may come from anyone: it recognises no
command by itself, and it never takes the place of a known agent's rules.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from gateway.client.known_agents import KNOWN_AGENTS
from gateway.protocol.types.core_types import is_name

RULES_FOLDER = "rules"


def rules_file_of(kind: str, *folders: Path) -> Path | None:
    """The file of this agent in the first folder that has one. A path is taken as it is."""
    if is_rules_path(kind):
        path = Path(kind).expanduser()
        return path.absolute() if path.is_file() else None
    if kind in KNOWN_AGENTS or not is_name(kind):
        return None
    places = (folder / RULES_FOLDER / f"{kind}.toml" for folder in folders)
    return next((place.absolute() for place in places if place.is_file()), None)


def is_rules_path(kind: str) -> bool:
    return "/" in kind or kind.endswith(".toml")


def rules_files_in(state: Path) -> Iterator[Path]:
    """The user's own files of agents that we do not know."""
    return (one for one in sorted((state / RULES_FOLDER).glob("*.toml")) if one.stem not in KNOWN_AGENTS)


def start_command(path: Path) -> tuple[str, ...]:
    """The command in its table `launch`; empty if there is none, or if the file has faults, which the sidecar tells."""
    import tomllib  # noqa: PLC0415 - a shell that completes a name imports this module and reads no file

    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        return command_words(tomllib.loads(path.read_text(encoding="utf-8"))["launch"]["command"])
    return ()


def command_words(command: str | list[str]) -> tuple[str, ...]:
    return tuple(shlex.split(command) if isinstance(command, str) else command)
