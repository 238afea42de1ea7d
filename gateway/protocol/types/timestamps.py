"""Converts times to text and back. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.protocol.errors import BadRequest

ALLOWED_YEARS = range(2000, 2200)  # so that every time zone can show it


def iso_from_seconds(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def seconds_from_iso(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


def check_timestamp(stamp: str, what: str) -> str:
    """Return a valid timestamp unchanged; an error shows the expected form."""
    try:
        named = datetime.fromisoformat(stamp)
    except ValueError:
        named = None
    if named is None or named.tzinfo is None or named.year not in ALLOWED_YEARS:
        raise BadRequest(f"{stamp[:40]!r} is not a valid {what}. Write it as {iso_from_seconds(1_700_000_000.0)!r}.")
    return stamp
