"""One alarm for the earliest deadline of all deliveries; without deadlines nothing ticks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gateway.client.process.tasks import spawn
from gateway.protocol.errors import GroupChatError

log = structlog.get_logger("gateway.timing.delivery_deadlines")

GRACE = 0.02
AFTER_FAILURE = 1.0


class Deadlines:
    """`expire(now)` ends what is overdue and says which deadline is next."""

    def __init__(self, clock: Callable[[], float], expire: Callable[[float], Awaitable[float | None]]) -> None:
        self._clock = clock
        self._expire = expire
        self._alarm: asyncio.TimerHandle | None = None
        self._next: float | None = None
        self._looking: asyncio.Task[None] | None = None
        self._stopped = False

    def expect(self, at: float) -> None:
        if self._stopped or (self._next is not None and self._next <= at):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._next = at
        delay = max(0.0, at - self._clock()) + GRACE
        self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)

    def look_again(self) -> None:
        """The clock was set: the next deadline is not when it was thought to be."""
        self._next = None
        self.expect(self._clock())

    def stop(self) -> None:
        self._stopped = True
        if self._alarm is not None:
            self._alarm.cancel()

    def _ring(self) -> None:
        self._alarm, self._next = None, None
        self._looking = spawn(self._look(), "deadlines")

    async def _look(self) -> None:
        try:
            ahead = await self._expire(self._clock())
        except GroupChatError as error:
            log.error("! deliveries could not be expired", error=error.message)
            ahead = self._clock() + AFTER_FAILURE
        except Exception:
            log.exception("! what is overdue could not be looked at")
            ahead = self._clock() + AFTER_FAILURE
        if ahead is not None:
            self.expect(ahead)
