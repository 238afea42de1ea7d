"""Reads modes from files: the built-in ones, and those of a team from its own folder."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from gateway.protocol.errors import BadRequest
from gateway.turns.mode import Mode, parse_mode

BUILT_IN_FOLDER = Path(__file__).parents[1] / "turns" / "modes"
MAX_FILE_BYTES = 256 * 1024


@cache
def built_in_modes() -> Mapping[str, Mode]:
    return read_modes(BUILT_IN_FOLDER)


def modes_with_team_folder(folder: Path | None) -> Mapping[str, Mode]:
    """A team's mode replaces the built-in mode of the same name."""
    return {**built_in_modes(), **(read_modes(folder) if folder is not None else {})}


def read_modes(folder: Path) -> Mapping[str, Mode]:
    if not folder.is_dir():
        raise BadRequest(f"{folder} is not a folder. Set --modes to the folder with your modes.")
    found: dict[str, Mode] = {}
    for path in sorted(folder.glob("*.toml")):
        mode = _read_mode(path)
        if mode.name in found:
            raise BadRequest(
                f"{path}: key `name`: another file in this folder defines the mode {mode.name!r}. Rename one of them."
            )
        found[mode.name] = mode
    return found


def _read_mode(path: Path) -> Mode:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadRequest(f"{path}: the file has more than {MAX_FILE_BYTES} bytes.")
        value = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadRequest(f"{path}: the file cannot be read: {error}.") from None
    return parse_mode(value, str(path))
