"""Computes the visible rows of a long stream. Only entries near the window are rendered. Pure.

The position is kept at the bottom: an entry, and how many of its rows are below the window. Without a position, the
view follows the newest entry.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=tuple[int, int])
R = TypeVar("R")


@dataclass(frozen=True)
class VisibleRows(Generic[K, R]):
    rows: list[R]
    owners: list[K]
    at_top: bool


class Viewport(Generic[K, R]):
    def __init__(self) -> None:
        self.anchor: K | None = None
        self.below = 0

    @property
    def is_following(self) -> bool:
        return self.anchor is None

    def follow(self) -> None:
        self.anchor, self.below = None, 0

    def visible_rows(self, keys: Sequence[K], rows_of: Callable[[int], Sequence[R]], height: int) -> VisibleRows[K, R]:
        """From the bottom up, until the window is full. `rows_of` is asked with places in `keys`."""
        place, below = self._place(keys)
        rows: list[R] = []
        owners: list[K] = []
        while place >= 0 and len(rows) < height:
            part = list(rows_of(place))
            below = min(below, max(0, len(part) - 1))  # keep an entry visible that has become shorter
            part = part[: len(part) - below] if below else part
            below = 0
            rows[:0] = part
            owners[:0] = [keys[place]] * len(part)
            place -= 1
        at_top = place < 0 and len(rows) <= height
        extra = len(rows) - height
        return VisibleRows(rows[extra:], owners[extra:], at_top) if extra > 0 else VisibleRows(rows, owners, at_top)

    def scroll(self, by: int, keys: Sequence[K], rows_of: Callable[[int], Sequence[R]], height: int) -> None:
        """Up for positive numbers. Never past the first row at the top, and back to following at the bottom."""
        if not keys:
            return
        place, below = self._place(keys)
        if by > 0:
            by = min(by, self._hidden_above(place, below, rows_of, height, by))
        below += by
        while below < 0 and place < len(keys) - 1:
            place += 1
            below += len(rows_of(place))
        while place > 0 and below >= len(rows_of(place)) > 0:
            below -= len(rows_of(place))
            place -= 1
        self._settle(keys, place, below)

    def _settle(self, keys: Sequence[K], place: int, below: int) -> None:
        if place == len(keys) - 1 and below <= 0:
            self.follow()
        else:
            self.anchor, self.below = keys[place], max(0, below)

    @staticmethod
    def _hidden_above(place: int, below: int, rows_of: Callable[[int], Sequence[R]], height: int, enough: int) -> int:
        """How many rows lie above the window, counted no further than is asked for."""
        rows = -below
        while place >= 0 and rows < height + enough:
            rows += len(rows_of(place))
            place -= 1
        return max(0, rows - height)

    def jump(self, key: K, keys: Sequence[K], rows_of: Callable[[int], Sequence[R]], height: int) -> None:
        """Show an entry in the upper part of the window with what follows it, and as much of it as fits."""
        place = bisect.bisect_left(keys, key)
        rows = len(rows_of(place)) if place < len(keys) else 0
        wanted, end = max(1, height * 2 // 3, min(rows, height)), place
        while end < len(keys) - 1 and rows < wanted:
            end += 1
            rows += len(rows_of(end))
        self._settle(keys, end, max(0, min(rows - wanted, len(rows_of(end)) - 1 if end < len(keys) else 0)))

    def _place(self, keys: Sequence[K]) -> tuple[int, int]:
        if self.anchor is None or not keys:
            return len(keys) - 1, 0
        place = bisect.bisect_left(keys, self.anchor)
        if place < len(keys) and keys[place] == self.anchor:
            return place, self.below
        return min(place, len(keys) - 1), 0
