"""Reads the turns that a script file describes."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from sidecar.demo_agent.turn_plans import ScriptedTurn


def read_script(path: Path) -> tuple[ScriptedTurn, ...]:
    """TOML with `[[turn]]` tables when the name ends in `.toml`, otherwise one JSON object a line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"cannot read the script {path}: {error.strerror}") from error
    return tuple(
        _scripted_turn(entry) for entry in (_parse_toml(text) if path.suffix == ".toml" else _parse_json_lines(text))
    )


def _parse_toml(text: str) -> list[Mapping[str, object]]:
    import tomllib  # noqa: PLC0415  only who brings a TOML script pays for the parser

    turns: list[Mapping[str, object]] = tomllib.loads(text).get("turn", [])
    return turns


def _parse_json_lines(text: str) -> list[Mapping[str, object]]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _scripted_turn(entry: Mapping[str, object]) -> ScriptedTurn:
    match, manner, answer = entry.get("match", ""), entry.get("manner", ""), entry.get("answer")
    if not isinstance(match, str) or not isinstance(manner, str) or not isinstance(answer, str | None):
        raise ValueError(f"a scripted turn has text for match, manner and answer, not {dict(entry)}")
    if unknown := set(entry) - {"match", "manner", "answer"}:
        raise ValueError(f"unknown keys in a scripted turn: {', '.join(sorted(unknown))}")
    try:
        re.compile(match)
    except re.error as error:
        raise ValueError(f"not a regular expression: {match!r} ({error})") from error
    return ScriptedTurn(match, manner, answer)
