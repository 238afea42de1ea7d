"""The traffic of the gateway, in total and for each member, in bounded memory. Pure: time is an argument.

At most `limit` members have figures of their own; what all others do is counted together. A new member takes the place
of the one that has been quiet longest, once that one has been quiet for an hour; what it had counted then goes to the
others, so that no sum ever falls. So few names come and go, however many members do.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping

from gateway.statistics.delivery_end import DeliveryEnd, DeliveryResult
from gateway.statistics.latency_histogram import LatencyHistogram, RecentLatency
from gateway.statistics.rate_counter import RateCounter

MAX_MEMBERS = 200
QUIET_BEFORE_REPLACED_S = 3600.0
RATE_WINDOW_S = 60.0
ERROR_WINDOW_S = 300.0
LATENCY_WINDOW_S = 300.0


class Traffic:
    """What one member, or several together, have done since the gateway started."""

    __slots__ = ("active_at", "ends", "latency", "recent_latency", "refused", "requests", "sent")

    def __init__(self) -> None:
        self.sent = RateCounter(RATE_WINDOW_S)
        self.requests = RateCounter(ERROR_WINDOW_S)
        self.refused = RateCounter(ERROR_WINDOW_S)
        self.ends = dict.fromkeys(DeliveryResult, 0)
        self.latency = LatencyHistogram()
        self.recent_latency = RecentLatency(LATENCY_WINDOW_S)
        self.active_at = 0.0

    def count_end(self, end: DeliveryEnd, now: float) -> None:
        self.ends[end.result] += 1
        if end.result is DeliveryResult.TAKEN and end.seconds is not None:
            self.latency.observe(end.seconds)
            self.recent_latency.observe(end.seconds, now)

    def error_rate(self, now: float) -> float:
        """The part of the recent requests that was refused. (A frame that cannot be read is refused without being
        counted as a request.)"""
        refused = self.refused.recent(now)
        return refused / max(refused, self.requests.recent(now)) if refused else 0.0

    def take_over(self, other: Traffic) -> None:
        """Add what another one counted that has been quiet for long: it has no recent counts left."""
        self.sent.total += other.sent.total
        self.requests.total += other.requests.total
        self.refused.total += other.refused.total
        self.latency.add(other.latency)
        for result, count in other.ends.items():
            self.ends[result] += count


class TrafficTable:
    def __init__(self, limit: int = MAX_MEMBERS) -> None:
        self.limit = limit
        self.total = Traffic()
        self.others = Traffic()
        self._rows: OrderedDict[str, Traffic] = OrderedDict()  # the quietest first

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[str, Traffic]]:
        yield from sorted(self._rows.items())

    @property
    def rows(self) -> Mapping[str, Traffic]:
        return self._rows

    def count_sent(self, member: str, now: float) -> None:
        self.total.sent.add(now)
        self._active(member, now).sent.add(now)

    def count_request(self, member: str | None, now: float) -> None:
        """Whoever reads by a link is no member; it counts in the total alone."""
        self.total.requests.add(now)
        if member is not None:
            self._active(member, now).requests.add(now)

    def count_refused(self, member: str | None, now: float) -> None:
        """A caller without a valid token is no member; it counts in the total alone."""
        self.total.refused.add(now)
        if member is not None:
            self._active(member, now).refused.add(now)

    def count_end(self, member: str, end: DeliveryEnd, now: float) -> None:
        self.total.count_end(end, now)
        self._active(member, now).count_end(end, now)

    def _active(self, member: str, now: float) -> Traffic:
        row = self._rows.get(member)
        if row is None:
            if len(self._rows) >= self.limit and not self._replace_quietest(now):
                return self.others
            row = self._rows[member] = Traffic()
        else:
            self._rows.move_to_end(member)
        row.active_at = now
        return row

    def _replace_quietest(self, now: float) -> bool:
        quietest = next(iter(self._rows), None)
        if quietest is None or now - self._rows[quietest].active_at < QUIET_BEFORE_REPLACED_S:
            return False
        self.others.take_over(self._rows.pop(quietest))
        return True
