"""Decides which condition an agent is in: from its screen, from the errors of its turns, and from what shows that it
works again. Pure.

A limit that refused a turn, or whose end is known, lasts until the model has answered or a person lifts it, because
its words may stand on the screen for long after it has ended, or leave the screen long before. Every other condition
lasts while the screen shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from gateway.protocol.types.agent_conditions import MAX_CONDITION_CHARS, Condition, ConditionKind, condition_text
from gateway.protocol.types.delivery_reasons import HoldReason
from sidecar.conditions.reset_times import find_reset_time, stamp_of
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.screen.rules import ConditionMatch

_HOLD_BY_KIND = {ConditionKind.LIMITED: HoldReason.LIMITED, ConditionKind.LOGIN: HoldReason.LOGIN}
_STRONGEST_FIRST = tuple(ConditionKind)
_WORKS_AGAIN = (TurnFactKind.ANSWER, TurnFactKind.ENDED)


class DeliveryBlock(Protocol):
    """Why nothing may be typed, besides what the screen shows at this moment."""

    def hold(self) -> HoldReason | None: ...

    def hold_text(self, held: HoldReason) -> str:
        """The reason as the room is told."""

    def lift(self) -> None: ...


class NothingBlocks:
    def hold(self) -> HoldReason | None:
        return None

    def hold_text(self, held: HoldReason) -> str:
        return held

    def lift(self) -> None:
        """There is nothing to lift."""


NOTHING_BLOCKS = NothingBlocks()


@dataclass(frozen=True)
class Limit:
    """What the vendor says, when it ends, if that is known, and whether it has refused a turn."""

    text: str
    until: datetime | None = None
    refused: bool = False

    @property
    def outlasts_screen(self) -> bool:
        return self.refused or self.until is not None


class ConditionWatch:
    """`wall` is the time with its zone, because vendors print times of day."""

    def __init__(self, wall: Callable[[], datetime]) -> None:
        self._wall = wall
        self.limit: Limit | None = None
        self._shown: Condition | None = None
        self._on_screen: frozenset[str] = frozenset()
        self._over: frozenset[str] = frozenset()  # texts of limits that have ended and still stand on the screen

    # Events in

    def screen_shows(self, found: Sequence[ConditionMatch]) -> None:
        """What one look at the screen showed."""
        self._on_screen = frozenset(one.text for one in found if one.kind is ConditionKind.LIMITED)
        self._over &= self._on_screen
        if self.limit and not self.limit.outlasts_screen and self.limit.text not in self._on_screen:
            self.limit = None
        for text in sorted(self._on_screen - self._over):
            self._begin(text, refused=False)
        others = [one for one in found if one.kind is not ConditionKind.LIMITED]
        strongest = min(others, key=lambda one: _STRONGEST_FIRST.index(one.kind), default=None)
        self._shown = Condition(strongest.kind, strongest.text[:MAX_CONDITION_CHARS]) if strongest else None

    def turn_failed(self, found: Sequence[ConditionMatch]) -> None:
        """What the error of a failed turn says."""
        for one in found:
            if one.kind is ConditionKind.LIMITED:
                self._over -= {one.text}
                self._begin(one.text, refused=True)

    def fact(self, fact: TurnFact) -> None:
        """An answer proves that the vendor lets it go on. Words before it may be from the refused turn, read late."""
        if fact.kind in _WORKS_AGAIN and fact.text:
            self.lift()

    def lift(self) -> None:
        """The limit is over, or a person says so. What the screen still says of it is old."""
        self.limit = None
        self._over = self._on_screen

    def _begin(self, text: str, *, refused: bool) -> None:
        """The hook and the screen may tell of one limit in different words; whichever knows its end says it best. Words
        that were read once are not read again: tomorrow, `5pm` would be another day."""
        before = self.limit
        refused = refused or (before is not None and before.refused)
        if before is not None and before.text == text:
            self.limit = replace(before, refused=refused)
            return
        until = find_reset_time(text, self._wall())
        if before is None or (until is not None and not _is_same_end(before.until, until)):
            self.limit = Limit(text, until, refused)

    # What follows

    @property
    def condition(self) -> Condition | None:
        if self.limit is None:
            return self._shown
        return Condition(ConditionKind.LIMITED, self.limit.text[:MAX_CONDITION_CHARS], stamp_of(self.limit.until))

    def hold(self) -> HoldReason | None:
        condition = self.condition
        return _HOLD_BY_KIND.get(condition.kind) if condition else None

    def hold_text(self, held: HoldReason) -> str:
        condition = self.condition
        if condition is None or _HOLD_BY_KIND.get(condition.kind) is not held:
            return held
        return condition_text(condition, self._wall())


def _is_same_end(one: datetime | None, other: datetime | None) -> bool:
    """A footer that leaves the date out, read later, seems to speak of another day; two minutes apart is one end."""
    return one is not None and other is not None and abs((one - other).total_seconds()) <= 120.0
