"""How fast a member may send. Pure: time is an argument. Reads and polls are never counted."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.protocol.errors import RateLimited


@dataclass(frozen=True)
class Rate:
    """A token bucket: `burst` at once, refilled with `per_second`. A rate of 0 means no limit."""

    burst: float = 100
    per_second: float = 50


class Buckets:
    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, name: str, now: float) -> None:
        if not self._rate.per_second:
            return
        level, since = self._levels.get(name, (self._rate.burst, now))
        level = min(self._rate.burst, level + max(0.0, now - since) * self._rate.per_second)
        if level < 1:
            wait = (1 - level) / self._rate.per_second
            self._levels[name] = (level, now)
            raise RateLimited(
                f"{name} sends faster than {self._rate.per_second:g} messages a second (burst "
                f"{self._rate.burst:g}). Wait {wait:.2f} s.",
                retry_after=round(wait, 3),
            )
        self._levels[name] = (level - 1, now)
