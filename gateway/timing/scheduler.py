"""What time does to documents: each says when it is next due, and one alarm rings for the earliest of all.

Nothing ticks where nothing is due. What is due is decided by the rules in `DUE`, from what stands in the house.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from gateway.conversation import sessions
from gateway.decisions import decisions
from gateway.mode_rules import rules
from gateway.model.log_events import Change, Clerk, Fact
from gateway.model.state import House
from gateway.protocol.decision_nouns import Decision
from gateway.protocol.results import Result
from gateway.protocol.types import SYSTEM

log = structlog.get_logger("gateway.timing.scheduler")

Due = Callable[[House, str, Clerk, float], tuple[tuple[Fact, ...], float | None]]
Key = tuple[str, str]

DUE: Mapping[str, Due] = {"floor": rules.due, "decision": decisions.due, "session": sessions.due}

AGAIN = 1.0
SOONEST = 0.02


class Clockwork:
    """`carry_out` is given all that is due at one moment, and returns what is done when it is on the disk."""

    def __init__(
        self,
        house: House,
        clerk: Callable[[], Clerk],
        carry_out: Callable[[Sequence[Fact]], asyncio.Future[Result]],
        started: float,
        *,
        due: Mapping[str, Due] = DUE,
    ) -> None:
        self._house, self._clerk, self._carry_out, self._started = house, clerk, carry_out, started
        self._due = due
        self._heap: list[tuple[float, Key]] = []
        self._wanted: dict[Key, float] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self._stopped = False

    def changed(self, change: Change) -> None:
        if change.kind in self._due:
            self.expect((change.kind, change.key), 0.0)
        if isinstance(change.value, Decision) and change.value.by == SYSTEM:
            self.expect(("floor", change.value.room), 0.0)

    def expect(self, key: Key, at: float) -> None:
        """Look at this then, or sooner if something sooner is known of it."""
        if self._stopped or self._wanted.get(key, at + 1) <= at:
            return
        self._wanted[key] = at
        heapq.heappush(self._heap, (at, key))
        self._set_alarm()

    def move(self, step: float, keys: Iterable[Key]) -> None:
        """The clock was set: each of these is looked at anew, and says when it is due by the new time."""
        self._started += step
        self._heap.clear()
        self._wanted.clear()
        for key in keys:
            self.expect(key, 0.0)

    def stop(self) -> None:
        self._stopped = True
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _set_alarm(self) -> None:
        at = self._heap[0][0]
        if self._alarm is not None:
            if self._rings_at <= at:
                return
            self._alarm.cancel()
        self._rings_at = at
        delay = max(SOONEST, at - self._clerk().now)
        self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        now = self._clerk().now
        keys: list[Key] = []
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._wanted.get(key) == at:
                del self._wanted[key]
                keys.append(key)
        for key in keys:
            self._look_safely(key)
        if self._heap and not self._stopped:
            self._set_alarm()

    def _look_safely(self, key: Key) -> None:
        """One that fails takes no other with it."""
        try:
            self._look(key)
        except Exception:
            log.exception("! what is due could not be decided", what=key)
            self.expect(key, self._clerk().now + AGAIN)

    def _look(self, key: Key) -> None:
        facts, ahead = self._due[key[0]](self._house, key[1], self._clerk(), self._started)
        if facts:
            self._carry_out(facts).add_done_callback(lambda done: self._carried_out(key, done))
        if ahead is not None:
            self.expect(key, ahead)

    def _carried_out(self, key: Key, done: asyncio.Future[Result]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("! what was due could not be written down", what=key, error=str(error))
            self.expect(key, self._clerk().now + AGAIN)
