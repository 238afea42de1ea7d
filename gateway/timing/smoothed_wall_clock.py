"""Wall time that ignores short jumps of the machine's clock. Pure: both clocks are arguments.

The machine's clock may jump: somebody sets it, or a virtual machine wakes up. The steady clock adopts a difference only
after it has lasted for a minute, and never sees a jump ahead and back. It then reports the shift, so that running
timeouts neither end at once nor last for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

SETTLED_AFTER_S = 60.0
TOLERANCE_S = 0.25


@dataclass(frozen=True)
class ClockOffset:
    """Wall time is the monotonic time plus `offset`. `doubt`: the observed difference to the machine's clock; `since`:
    the monotonic time at which it was first observed."""

    offset: float
    doubt: float = 0.0
    since: float = 0.0


def follow_clock(before: ClockOffset, wall: float, steady: float) -> ClockOffset:
    """The offset after one more reading of both clocks."""
    difference = wall - steady - before.offset
    if abs(difference) < TOLERANCE_S:
        return before if not before.doubt else ClockOffset(before.offset)
    if before.doubt * difference <= 0:
        return ClockOffset(before.offset, difference, steady)
    lasting = min(before.doubt, difference, key=abs)  # the smallest difference of all readings since then
    if steady - before.since < SETTLED_AFTER_S:
        return ClockOffset(before.offset, lasting, before.since)
    return ClockOffset(before.offset + lasting)


class SteadyClock:
    """The time of both clocks, with a callback for shifts."""

    def __init__(self, wall: Callable[[], float], steady: Callable[[], float]) -> None:
        self._wall, self._steady = wall, steady
        self._setting = ClockOffset(wall() - steady())
        self._moved: Callable[[float], None] = lambda step: None

    def when_moved(self, moved: Callable[[float], None]) -> None:
        """Calls `moved` with the seconds of each shift."""
        self._moved = moved

    def __call__(self) -> float:
        before, wall, steady = self._setting, self._wall(), self._steady()
        if not before.doubt and abs(wall - steady - before.offset) < TOLERANCE_S:
            return steady + before.offset  # the usual path, taken for every request
        self._setting = follow_clock(before, wall, steady)
        if step := self._setting.offset - before.offset:
            self._moved(step)
        return steady + self._setting.offset
