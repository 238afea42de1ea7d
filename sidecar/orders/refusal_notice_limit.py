"""Limits how often a sender is told that its orders are refused. Pure: time is an argument."""

from __future__ import annotations

MAX_SINGLE_REPORTS = 3
MIN_INTERVAL_S = 30.0
MAX_SENDERS = 200


class OrderRefusals:
    """The first refusals each get a message. Of more within a short time, only the number is told, with the next
    message."""

    def __init__(self) -> None:
        self._told: dict[str, list[float]] = {}
        self._untold: dict[str, int] = {}

    def note(self, sender: str, why: str, now: float) -> str | None:
        """What to tell the sender, or None while it has been told enough."""
        recent = [at for at in self._told.pop(sender, []) if now - at < MIN_INTERVAL_S]
        self._told[sender] = recent
        if len(recent) >= MAX_SINGLE_REPORTS:
            self._untold[sender] = self._untold.get(sender, 0) + 1
            return None
        recent.append(now)
        self._forget_the_oldest()
        untold = self._untold.pop(sender, 0)
        return f"{why} ({untold} more orders of yours before this one were not carried out either)" if untold else why

    def _forget_the_oldest(self) -> None:
        for sender in list(self._told)[: max(0, len(self._told) - MAX_SENDERS)]:
            del self._told[sender]
            self._untold.pop(sender, None)
