"""A point of time as a person writes it: `2h`, `3d`, `today`, a date, a date with a time. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from gateway.protocol.errors import BadRequest

_AGO = re.compile(r"([0-9]{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_since(text: str, now: datetime) -> datetime:
    """`now` has a time zone, which is also that of a date without one."""
    word = text.strip().lower()
    if word == "today":
        return now.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if ago := _AGO.fullmatch(word):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text.strip())
        return found if found.tzinfo else found.replace(tzinfo=now.tzinfo)
    except (ValueError, OverflowError):
        raise BadRequest(
            f"{text[:40]!r} is no time. Examples: 30m, 2h, 3d, 1w, today, 2027-01-15, 2027-01-15T08:00."
        ) from None
