"""Keeps the tokens of today in a file, so that a restart of the sidecar does not forget them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.files.private_files import write_private

FILE = "tokens.json"
log = structlog.get_logger("sidecar.work.daily_token_usage")


@dataclass(frozen=True)
class TokenDay:
    """The tokens of one local day, as ISO date."""

    day: str = ""
    tokens: int = 0


def read_token_day(folder: Path) -> TokenDay:
    """What is damaged counts as nothing."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
        day, tokens = found["day"], found["tokens"]
    except (OSError, ValueError, LookupError, TypeError):
        return TokenDay()
    is_sound = isinstance(day, str) and isinstance(tokens, int) and tokens >= 0
    return TokenDay(day, tokens) if is_sound else TokenDay()


def write_token_day(folder: Path, told: TokenDay) -> None:
    """If this fails, a later run only knows less."""
    try:
        write_private(folder / FILE, json.dumps({"day": told.day, "tokens": told.tokens}))
    except OSError as error:
        log.warning("cannot keep the tokens of the day", error=str(error))
