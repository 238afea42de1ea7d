"""Lines of a log as a person reads them: time, level, what happened, and the rest as `name=value`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import msgspec

from gateway.protocol.text.printable_text import local_moment_text

HEAD = ("timestamp", "level", "event", "exception")
PLAIN_LEVEL = "info"


class LogLine(NamedTuple):
    """One entry of a log as lines of text; the level decides the colour."""

    lines: tuple[str, ...]
    level: str = PLAIN_LEVEL


def log_line(raw: str, today: date) -> LogLine:
    """A line of our own JSON log; any other line stays as it is."""
    try:
        found = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.MsgspecError:
        return LogLine((raw,))
    level = str(found.get("level", PLAIN_LEVEL))
    when = local_moment_text(str(found["timestamp"]), today) if "timestamp" in found else ""
    words = [when, level.ljust(7), str(found.get("event", "")), *_other_fields(found)]
    trace = str(found.get("exception") or "").splitlines()
    return LogLine((" ".join(word for word in words if word), *(f"    {one}" for one in trace)), level)


def _other_fields(found: Mapping[str, Any]) -> list[str]:
    return [f"{name}={_value_text(value)}" for name, value in found.items() if name not in HEAD]


def _value_text(value: object) -> str:
    if isinstance(value, str) and value and not any(one.isspace() for one in value):
        return value
    return msgspec.json.encode(value).decode()
