"""Tracks since when the gateway is lost or silent, and the line that says so. Pure: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass

SHOW_AFTER_S = 3.0
HELP_AFTER_S = 5.0


@dataclass(frozen=True)
class Outage:
    """`since` is when the gateway last answered; `lost`: the connection has ended."""

    since: float
    lost: bool = False

    def duration_s(self, now: float) -> float:
        return max(0.0, now - self.since)


def extend_outage(before: Outage | None, asked_at: float, heard_at: float, now: float) -> Outage | None:
    """The outage while a request has no answer yet; anything received after the request ends it."""
    if before is not None and before.lost:
        return before
    since = max(asked_at, heard_at)
    return Outage(since) if now - since >= SHOW_AFTER_S else None


def begin_outage(before: Outage | None, now: float) -> Outage:
    """The outage after the connection has ended. The gateway may have been silent before."""
    return Outage(before.since if before is not None else now, lost=True)


def outage_line(silence: Outage, now: float, unsent: int, remedy: str) -> str:
    """`Reconnecting... 12 s · 1 unsent · try /restart gateway`, for one row of sixty cells."""
    lasted = silence.duration_s(now)
    words = (
        f"Reconnecting... {_duration_text(lasted)}" if silence.lost else f"Gateway silent for {_duration_text(lasted)}"
    )
    parts = [words, f"{unsent} unsent" if unsent else "", remedy if lasted >= HELP_AFTER_S else ""]
    return " · ".join(one for one in parts if one)


def outage_over_line(silence: Outage, now: float) -> str:
    what = "was away" if silence.lost else "did not answer"
    return f"The gateway {what} for {_duration_text(silence.duration_s(now))}; nothing was missed."


def _duration_text(seconds: float) -> str:
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h"
