"""Rate limits and bounds of a member. Pure: time is an argument.

The effect of an operation (`gateway.access.operation_kinds`) decides which limit it counts against. Reads and polls
never count against sends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.access.operation_kinds import OperationKind
from gateway.protocol.errors import RateLimited

MAX_ROOMS = 10_000  # created by agents and tools
MAX_ROOMS_PER_MEMBER = 100
MAX_KEPT_BUCKETS = 2000  # before those that are full again are dropped
MAX_ROOMS_OF_GUESTS = 100  # of all members without a token together


@dataclass(frozen=True)
class Rate:
    """A token bucket: `burst` at once, refilled with `per_second`. A rate of 0 means no limit."""

    burst: float = 100
    per_second: float = 50


READ_RATE, CHANGE_RATE, REPORT_RATE = Rate(5000, 1000), Rate(200, 20), Rate(20_000, 5000)
TOO_MANY_SENDS_TEXT = "sends more than {} messages a second"
_TOO_FAST_TEXTS: Mapping[OperationKind, str] = {
    OperationKind.READS: "reads more than {} times a second",
    OperationKind.SENDS: TOO_MANY_SENDS_TEXT,
    OperationKind.CHANGES: "makes more than {} changes a second",
    OperationKind.REPORTS: "reports more than {} times a second",
}
_COUNTED_AS = {OperationKind.TAKES: OperationKind.READS, OperationKind.GREETS: OperationKind.READS}


class TokenBuckets:
    def __init__(self, rate: Rate, faster: str = TOO_MANY_SENDS_TEXT) -> None:
        self._rate = rate
        self._faster = faster
        self._levels: dict[str, tuple[float, float]] = {}
        self._most = MAX_KEPT_BUCKETS

    def __len__(self) -> int:
        return len(self._levels)

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
        if len(self._levels) > self._most:
            self._forget_full(now)

    def _forget_full(self, now: float) -> None:
        """A full bucket is like a new one. Names of guests and of links come and go without end."""
        rate = self._rate
        self._levels = {
            name: (level, since)
            for name, (level, since) in self._levels.items()
            if level + (now - since) * rate.per_second < rate.burst
        }
        self._most = max(MAX_KEPT_BUCKETS, 2 * len(self._levels))


class RateLimiter:
    """The token buckets of each member. Without a limit for sends, nothing is limited."""

    def __init__(self, sends: Rate) -> None:
        off = Rate(0, 0)
        rates = {
            OperationKind.READS: READ_RATE,
            OperationKind.SENDS: sends,
            OperationKind.CHANGES: CHANGE_RATE,
            OperationKind.REPORTS: REPORT_RATE,
        }
        self.sends = TokenBuckets(sends)
        self._of = {
            effect: TokenBuckets(rate if sends.per_second else off, _TOO_FAST_TEXTS[effect])
            for effect, rate in rates.items()
        }
        self._of[OperationKind.SENDS] = self.sends

    def take(self, effect: OperationKind, name: str, now: float) -> None:
        self._of[_COUNTED_AS.get(effect, effect)].take(name, now)
