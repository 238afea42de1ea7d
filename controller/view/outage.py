"""Since when the gateway is gone or does not answer, and what the chat says of it. Pure: seconds are given."""

from __future__ import annotations

from dataclasses import dataclass

TELL_AFTER_S = 3.0
HELP_AFTER_S = 5.0


@dataclass(frozen=True)
class Silence:
    """`since` is when it was last heard of before this; `lost` whether the connection has ended."""

    since: float
    lost: bool = False

    def lasted(self, now: float) -> float:
        return max(0.0, now - self.since)


def grown(before: Silence | None, asked_at: float, heard_at: float, now: float) -> Silence | None:
    """What holds while a question waits for its answer: anything that is heard after it counts as one."""
    if before is not None and before.lost:
        return before
    since = max(asked_at, heard_at)
    return Silence(since) if now - since >= TELL_AFTER_S else None


def lost(before: Silence | None, now: float) -> Silence:
    """The connection has ended. It may have been silent before that."""
    return Silence(before.since if before is not None else now, lost=True)


def status(silence: Silence, now: float, unsent: int, remedy: str) -> str:
    """`Reconnecting... 12 s · 1 unsent · try /restart gateway`, for one row of sixty cells."""
    lasted = silence.lasted(now)
    words = f"Reconnecting... {_span(lasted)}" if silence.lost else f"Gateway silent for {_span(lasted)}"
    parts = [words, f"{unsent} unsent" if unsent else "", remedy if lasted >= HELP_AFTER_S else ""]
    return " · ".join(one for one in parts if one)


def over(silence: Silence, now: float) -> str:
    what = "was away" if silence.lost else "did not answer"
    return f"The gateway {what} for {_span(silence.lasted(now))}; nothing was missed."


def _span(seconds: float) -> str:
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h"
