"""Reads an earlier conversation from its transcript: what the agent shows when it resumes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

_LINE_FORMATS = {
    "user": "> {text}",
    "assistant": "● {text}",
    "command": "$ {text}",
    "edit": "● Edit({text})",
    "dialog": "⎿ Asked: {answer}",
    "interrupted": "⎿ Interrupted",
    "error": "● The turn failed",
}


def earlier_lines(transcript: Path) -> tuple[str, ...]:
    try:
        lines = transcript.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ValueError(f"no earlier conversation was found in {transcript}: {error.strerror}") from error
    return tuple(shown for entry in _parse_entries(lines) if (shown := _entry_as_line(entry)))


def _parse_entries(lines: list[str]) -> Iterator[Mapping[str, object]]:
    """The last line may be cut off, because its writer may have been killed."""
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry


def _entry_as_line(entry: Mapping[str, object]) -> str:
    form = _LINE_FORMATS.get(str(entry.get("type")), "")
    return form.format(text=entry.get("text", ""), answer=entry.get("answer", ""))
