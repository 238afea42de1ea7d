"""What became of a prompt that was pasted and not submitted: may it go on, or is it waited for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sidecar.typing.gate import Shows

REACTS = 1.0
STALLED = 60.0


@dataclass(frozen=True)
class Pasted:
    """Which messages, and when."""

    numbers: tuple[int, ...] = ()
    at: float = 0.0

    def holds(self, numbers: tuple[int, ...]) -> bool:
        return not set(self.numbers).isdisjoint(numbers)

    def reacted(self, printed_at: float) -> bool:
        """A frame that was on its way already proves nothing."""
        return printed_at > self.at + REACTS


class Now(Enum):
    """READY: it stands there, or nothing does and the agent has reacted. ALTERED: late, not as it was sent, or with a
    person's keys in it; whatever it is, it is no draft to be put away for the same message. STALLED: the agent has
    printed nothing since, so its empty composer is an old picture."""

    READY = "ready"
    ALTERED = "altered"
    STALLED = "stalled"


def standing(pasted: Pasted, shown: Shows, printed_at: float) -> Now:
    if shown is Shows.OURS:
        return Now.READY
    if shown is Shows.OTHER:
        return Now.ALTERED
    return Now.READY if pasted.reacted(printed_at) else Now.STALLED
