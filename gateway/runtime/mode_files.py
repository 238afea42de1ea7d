"""Modes from files: those that come with the gateway, and those of a team in a folder of its own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from gateway.protocol.errors import BadRequest
from gateway.turns.mode import Mode, mode_of

BUILT_IN = Path(__file__).parents[1] / "turns" / "modes"
LARGEST = 256 * 1024


@cache
def built_in() -> Mapping[str, Mode]:
    return read(BUILT_IN)


def with_those_of(folder: Path | None) -> Mapping[str, Mode]:
    """A team's mode takes the place of the one that comes with the gateway."""
    return {**built_in(), **(read(folder) if folder is not None else {})}


def read(folder: Path) -> Mapping[str, Mode]:
    if not folder.is_dir():
        raise BadRequest(f"{folder} is not a folder: --modes names the folder that your modes are in.")
    found: dict[str, Mode] = {}
    for path in sorted(folder.glob("*.toml")):
        mode = _read_one(path)
        if mode.name in found:
            raise BadRequest(f"{path}: name: there is a mode {mode.name!r} in this folder already.")
        found[mode.name] = mode
    return found


def _read_one(path: Path) -> Mode:
    try:
        if path.stat().st_size > LARGEST:
            raise BadRequest(f"{path}: it has more than {LARGEST} bytes.")
        value = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadRequest(f"{path}: it cannot be read: {error}.") from None
    return mode_of(value, str(path))
