"""What became of a prompt that was pasted and not submitted: may it go on, or is it waited for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sidecar.delivery import Shows

REACTS = 0.3
STALLED = 60.0


@dataclass(frozen=True)
class Pasted:
    """Which messages, and when."""

    numbers: tuple[int, ...] = ()
    at: float = 0.0

    def holds(self, numbers: tuple[int, ...]) -> bool:
        return not set(self.numbers).isdisjoint(numbers)


class Now(Enum):
    """READY: it stands there, or nothing does and the agent has reacted. ALTERED: late, not as it was sent, or with a
    person's keys in it; whatever it is, it is no draft to be put away for the same message. STALLED: the agent has
    printed nothing since, so its empty composer is an old picture. DEAF: that for so long that it is given up."""

    READY = "ready"
    ALTERED = "altered"
    STALLED = "stalled"
    DEAF = "deaf"


def standing(pasted: Pasted, shown: Shows, printed_at: float, now: float) -> Now:
    if shown is Shows.OURS:
        return Now.READY
    if shown is Shows.OTHER:
        return Now.ALTERED
    if printed_at > pasted.at + REACTS:
        return Now.READY
    return Now.DEAF if now - pasted.at > STALLED else Now.STALLED
