"""Rate limits and bounds of a member. Pure: time is an argument.

The effect of an operation (`gateway.access.operation_effects`) decides which limit it counts against. Reads and polls
never count against sends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.access.operation_effects import OperationEffect
from gateway.protocol.errors import RateLimited

MAX_ROOMS = 10_000  # created by agents and tools
MAX_ROOMS_PER_MEMBER = 100
MAX_ROOMS_OF_GUESTS = 100  # of all members without a token together


@dataclass(frozen=True)
class Rate:
    """A token bucket: `burst` at once, refilled with `per_second`. A rate of 0 means no limit."""

    burst: float = 100
    per_second: float = 50


READ_RATE, CHANGE_RATE, REPORT_RATE = Rate(5000, 1000), Rate(200, 20), Rate(20_000, 5000)
TOO_MANY_SENDS_TEXT = "sends faster than {} messages a second"
_TOO_FAST_TEXTS: Mapping[OperationEffect, str] = {
    OperationEffect.READS: "reads faster than {} times a second",
    OperationEffect.SENDS: TOO_MANY_SENDS_TEXT,
    OperationEffect.CHANGES: "changes things faster than {} times a second",
    OperationEffect.REPORTS: "reports faster than {} times a second",
}
_COUNTED_AS = {OperationEffect.TAKES: OperationEffect.READS, OperationEffect.GREETS: OperationEffect.READS}


class TokenBuckets:
    def __init__(self, rate: Rate, faster: str = TOO_MANY_SENDS_TEXT) -> None:
        self._rate = rate
        self._faster = faster
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
                f"{name} {self._faster.format(f'{self._rate.per_second:g}')} (burst "
                f"{self._rate.burst:g}). Wait {wait:.2f} s.",
                retry_after=math.ceil(wait * 1000) / 1000,
            )
        self._levels[name] = (level - 1, now)


class RateLimiter:
    """The token buckets of each member. Without a limit for sends, nothing is limited."""

    def __init__(self, sends: Rate) -> None:
        off = Rate(0, 0)
        rates = {
            OperationEffect.READS: READ_RATE,
            OperationEffect.SENDS: sends,
            OperationEffect.CHANGES: CHANGE_RATE,
            OperationEffect.REPORTS: REPORT_RATE,
        }
        self.sends = TokenBuckets(sends)
        self._of = {
            effect: TokenBuckets(rate if sends.per_second else off, _TOO_FAST_TEXTS[effect])
            for effect, rate in rates.items()
        }
        self._of[OperationEffect.SENDS] = self.sends

    def take(self, effect: OperationEffect, name: str, now: float) -> None:
        self._of[_COUNTED_AS.get(effect, effect)].take(name, now)
