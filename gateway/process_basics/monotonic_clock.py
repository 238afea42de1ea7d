"""A clock for durations, which nobody sets."""

from __future__ import annotations

import time

_BOOTTIME_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def monotonic_s() -> float:
    """Seconds since an arbitrary moment. It also counts while the machine sleeps, if the system has such a clock."""
    return time.clock_gettime(_BOOTTIME_CLOCK) if _BOOTTIME_CLOCK is not None else time.monotonic()
