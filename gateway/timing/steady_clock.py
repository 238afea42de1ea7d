"""Wall time that goes on as a clock does that nobody sets.

The machine's clock may jump: it is set, or a virtual machine wakes up. A difference is taken over only when it has
lasted for a minute; a jump ahead and back is never seen. Whoever measures something is told by how much the time was
set, so that what is under way neither ends at once nor lasts for ever. Pure: both clocks are arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

SETTLED_AFTER_S = 60.0
TOLERANCE_S = 0.25


@dataclass(frozen=True)
class ClockOffset:
    """Wall time is the steady clock's plus `offset`. `doubt`: by how much the machine's clock says something else, and
    at which steady time it was first seen to say so."""

    offset: float
    doubt: float = 0.0
    since: float = 0.0


def follow_clock(before: ClockOffset, wall: float, steady: float) -> ClockOffset:
    """The setting after one more look at both clocks."""
    difference = wall - steady - before.offset
    if abs(difference) < TOLERANCE_S:
        return before if not before.doubt else ClockOffset(before.offset)
    if before.doubt * difference <= 0:
        return ClockOffset(before.offset, difference, steady)
    lasting = min(before.doubt, difference, key=abs)  # the least that any look since then has seen
    if steady - before.since < SETTLED_AFTER_S:
        return ClockOffset(before.offset, lasting, before.since)
    return ClockOffset(before.offset + lasting)


class SteadyClock:
    """Both clocks, and who is told when the time was set."""

    def __init__(self, wall: Callable[[], float], steady: Callable[[], float]) -> None:
        self._wall, self._steady = wall, steady
        self._setting = ClockOffset(wall() - steady())
        self._moved: Callable[[float], None] = lambda step: None

    def when_moved(self, moved: Callable[[float], None]) -> None:
        """`moved` is called with the seconds by which the time was set."""
        self._moved = moved

    def __call__(self) -> float:
        before, wall, steady = self._setting, self._wall(), self._steady()
        if not before.doubt and abs(wall - steady - before.offset) < TOLERANCE_S:
            return steady + before.offset  # nearly always, and for every request
        self._setting = follow_clock(before, wall, steady)
        if step := self._setting.offset - before.offset:
            self._moved(step)
        return steady + self._setting.offset
