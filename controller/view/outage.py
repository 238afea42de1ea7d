"""Since when the gateway is gone or does not answer, and what the chat says of it. Pure: seconds are given."""

from __future__ import annotations

from dataclasses import dataclass

SHOW_AFTER_S = 3.0
HELP_AFTER_S = 5.0


@dataclass(frozen=True)
class Outage:
    """`since` is when it was last heard of before this; `lost` whether the connection has ended."""

    since: float
    lost: bool = False

    def duration_s(self, now: float) -> float:
        return max(0.0, now - self.since)


def extend_outage(before: Outage | None, asked_at: float, heard_at: float, now: float) -> Outage | None:
    """What holds while a question waits for its answer: anything that is heard after it counts as one."""
    if before is not None and before.lost:
        return before
    since = max(asked_at, heard_at)
    return Outage(since) if now - since >= SHOW_AFTER_S else None


def begin_outage(before: Outage | None, now: float) -> Outage:
    """The connection has ended. It may have been silent before that."""
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
