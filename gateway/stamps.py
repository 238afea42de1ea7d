"""Moments as text, and back. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def moment(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
