"""Limits how often events repaint the message stream. Pure: time is an argument.

A key is painted at once, and painting a full stream takes longer than a key. So while somebody types, events get a
small share of the time; a few of them are still painted without delay.
"""

from __future__ import annotations

REPAINT_EVERY_S = 0.05
SHARE_WHILE_TYPING, SHARE_AT_REST = 0.04, 0.25
MAX_SAVED_S = 0.04
TYPING_LASTS_S = 1.0
MAX_PAUSE_S = 1.0


class RepaintBudget:
    """The painting time for events: a share of the elapsed time, with a small reserve."""

    def __init__(self) -> None:
        self._left, self._at, self._key_at = MAX_SAVED_S, 0.0, -TYPING_LASTS_S

    def key(self, now: float) -> None:
        self._key_at = now

    def spend(self, took: float, now: float) -> None:
        self._refill(now)
        self._left -= took

    def pause(self, now: float) -> float:
        """How long the next events still have to wait. Bounded, because one slow paint on a busy machine must not hide
        what happens for half a minute."""
        self._refill(now)
        return min(MAX_PAUSE_S, max(0.0, -self._left / self._share(now)))

    def _refill(self, now: float) -> None:
        self._left = min(MAX_SAVED_S, self._left + (now - self._at) * self._share(now))
        self._at = now

    def _share(self, now: float) -> float:
        return SHARE_WHILE_TYPING if now - self._key_at < TYPING_LASTS_S else SHARE_AT_REST
