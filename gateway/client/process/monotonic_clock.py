"""Time for durations: a clock that nobody sets."""

from __future__ import annotations

import time

_BOOTTIME_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def monotonic_s() -> float:
    """Seconds since some moment; it goes on while the machine sleeps, where the system has such a clock."""
    return time.clock_gettime(_BOOTTIME_CLOCK) if _BOOTTIME_CLOCK is not None else time.monotonic()
