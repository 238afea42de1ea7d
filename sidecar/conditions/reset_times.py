"""Finds when a limit ends, in the words that vendors print: `resets 5pm (UTC)`, `try again in 3 hours`. Pure.

A time of day without a date is the next one. A time without a zone is in that of `now`. What is not understood, or is
too far away to be true, is None: nobody is told an end that was only guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

FARTHEST = timedelta(days=40)
JUST_PASSED = timedelta(minutes=10)  # a time of day so little ago is that of today
MAX_TEXT_CHARS = 2000

_OFFSETS_H = {
    **{"UTC": 0, "GMT": 0, "Z": 0, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "JST": 9},
    **{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7},
}
# a short name in capitals may be a zone that is not known; in other letters it is the next word of the sentence
_SHORT_NAME = rf"(?:{'|'.join(_OFFSETS_H)}|(?-i:[A-Z]{{2,5}}))\b"
_ZONE = rf"(?P<zone>\(?(?:[A-Za-z]+/[A-Za-z_+\-/0-9]{{1,40}}|{_SHORT_NAME}|[+-]\d\d:?\d\d)\)?)"
_CLOCK = r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?(?::\d\d)?\s?(?P<half>[ap]\.?m\b\.?)?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_BEFORE = r"\b(?:resets?|available|again|retry|until|continu\w+ automatically|continues?)\b\s*(?:on|at|after|in)?\s*"
_ISO = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:\s?(?:Z|UTC)\b|[+-]\d\d:?\d\d)?")
_UNITS_S = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_SPAN_PART = r"\d{1,9}(?:\.\d{1,9})?\s?(?:d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)(?![a-z])"
_SPAN = re.compile(
    rf"\b(?:in|after|for)\s+(?:about\s+)?(?P<span>{_SPAN_PART}(?:(?:,?\s*(?:and\s+)?)?{_SPAN_PART})*)", re.IGNORECASE
)
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s?([a-z])", re.IGNORECASE)
_DATE = re.compile(
    rf"{_BEFORE}(?:(?:{'|'.join(_DAYS)})[a-z]*,?\s+)?"
    rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<year>\d{{4}}))?"
    rf"(?:,?\s+(?:at\s+)?{_CLOCK})?(?:\s+{_ZONE})?",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(
    rf"{_BEFORE}(?P<weekday>{'|'.join(_DAYS)})[a-z]*,?\s+(?:at\s+)?{_CLOCK}(?:\s+{_ZONE})?", re.IGNORECASE
)
_TIME = re.compile(rf"{_BEFORE}{_CLOCK}(?:\s+{_ZONE})?", re.IGNORECASE)


def find_reset_time(text: str, now: datetime) -> datetime | None:
    """When the limit of this text ends. `now` has a time zone: the one in which the vendor prints times without one."""
    text = text[:MAX_TEXT_CHARS]
    for read in _READERS:
        try:
            found = read(text, now)
        except (ValueError, OverflowError):
            found = None
        if found is not None and -JUST_PASSED <= found - now <= FARTHEST:
            return found
    return None


def _read_iso(text: str, now: datetime) -> datetime | None:
    match = _ISO.search(text)
    if match is None:
        return None
    found = datetime.fromisoformat(re.sub(r"\s?(?:Z|UTC)\Z", "+00:00", match[0]))
    return found if found.tzinfo else found.replace(tzinfo=now.tzinfo)


def _read_span(text: str, now: datetime) -> datetime | None:
    match = _SPAN.search(text)
    if match is None:
        return None
    seconds = sum(float(count) * _UNITS_S[unit.lower()] for count, unit in _PART.findall(match["span"]))
    return now + timedelta(seconds=seconds)


def _read_date(text: str, now: datetime) -> datetime | None:
    match = _DATE.search(text)
    if match is None:
        return None
    local = now.astimezone(_zone_of(match["zone"], now))
    hour, minute = _clock_of(match) if match["hour"] else (0, 0)
    month, day = _MONTHS.index(match["month"].lower()[:3]) + 1, int(match["day"])
    found = local.replace(
        year=int(match["year"] or local.year), month=month, day=day, hour=hour, minute=minute, second=0, microsecond=0
    )
    return found if match["year"] or found >= local - timedelta(days=1) else found.replace(year=found.year + 1)


def _read_weekday(text: str, now: datetime) -> datetime | None:
    match = _WEEKDAY.search(text)
    if match is None:
        return None
    today = _at_clock(match, now)
    ahead = (_DAYS.index(match["weekday"].lower()[:3]) - today.weekday()) % 7
    found = today + timedelta(days=ahead)
    return found if found > now - JUST_PASSED else found + timedelta(days=7)


def _read_time(text: str, now: datetime) -> datetime | None:
    match = _TIME.search(text)
    if match is None or (match["half"] is None and match["minute"] is None):
        return None
    found = _at_clock(match, now)
    return found if found > now - JUST_PASSED else found + timedelta(days=1)


def _at_clock(match: re.Match[str], now: datetime) -> datetime:
    hour, minute = _clock_of(match)
    local = now.astimezone(_zone_of(match["zone"], now))
    return local.replace(hour=hour, minute=minute, second=0, microsecond=0)


def _clock_of(match: re.Match[str]) -> tuple[int, int]:
    hour, half = int(match["hour"]), (match["half"] or "").lower()
    if half and not 1 <= hour <= 12:
        raise ValueError(f"no hour of half a day: {hour}")
    return (hour % 12 + (12 if half.startswith("p") else 0) if half else hour), int(match["minute"] or 0)


def _zone_of(name: str | None, now: datetime) -> tzinfo | None:
    """An unknown zone is an error: the time would be wrong by hours."""
    if name is None:
        return now.tzinfo
    name = name.strip("()")
    if name.upper() in _OFFSETS_H:
        return timezone(timedelta(hours=_OFFSETS_H[name.upper()]))
    if name[0] in "+-":
        sign = -1 if name[0] == "-" else 1
        return timezone(sign * timedelta(hours=int(name[1:3]), minutes=int(name[-2:])))
    if "/" not in name:
        raise ValueError(f"unknown time zone {name}")
    try:
        return ZoneInfo(name)
    except (KeyError, OSError):
        raise ValueError(f"unknown time zone {name}") from None


_READERS: tuple[Callable[[str, datetime], datetime | None], ...] = (
    _read_iso,
    _read_date,
    _read_weekday,
    _read_span,
    _read_time,
)


def stamp_of(moment: datetime | None) -> str:
    """As it goes over the wire."""
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
