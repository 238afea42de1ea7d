"""Decides which condition an agent is in: from its screen, from the errors of its turns, and from what shows that it
works again. Pure.

A limit that refused a turn or a request, or whose end is known, lasts until the model has answered or a person lifts
it, because its words may stand on the screen for long after it has ended, or leave the screen long before. Every other
condition lasts while the screen shows it; one that holds mail up, until it is lifted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gateway.protocol.types.agent_conditions import MAX_CONDITION_CHARS, Condition, ConditionKind, condition_text
from gateway.protocol.types.delivery_reasons import HoldReason
from sidecar.conditions.reset_times import find_reset_time, stamp_of
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.screen.rules import ConditionMatch

RESET_MARGIN_S = 60.0  # vendors print whole minutes
FIRST_RETRY_S, LONGEST_RETRY_S = 300.0, 3600.0  # after a limit that had not ended when it should have
_HOLD_BY_KIND = {ConditionKind.LIMITED: HoldReason.LIMITED, ConditionKind.LOGIN: HoldReason.LOGIN}
_STRONGEST_FIRST = tuple(ConditionKind)
_WORKS_AGAIN = (TurnFactKind.ANSWER, TurnFactKind.ENDED)


class DeliveryBlock(Protocol):
    """Why nothing may be typed, besides what the screen shows at this moment."""

    def hold(self) -> HoldReason | None: ...

    def hold_text(self, held: HoldReason) -> str:
        """The reason as the room is told."""

    def keeps_turns(self) -> bool:
        """Whether the messages of a turn that a limit refused stay with the agent, which goes on when it has ended."""

    def lift(self) -> None: ...


class NothingBlocks:
    def hold(self) -> HoldReason | None:
        return None

    def hold_text(self, held: HoldReason) -> str:
        return held

    def keeps_turns(self) -> bool:
        return False

    def lift(self) -> None:
        """There is nothing to lift."""


NOTHING_BLOCKS = NothingBlocks()


@dataclass(frozen=True)
class Limit:
    """What the vendor says, when it ends, if that is known, and whether it has refused a turn, or only a request that
    the agent repeats by itself."""

    text: str
    until: datetime | None = None
    refused: bool = False
    repeats: bool = False

    @property
    def outlasts_screen(self) -> bool:
        return self.refused or self.repeats or self.until is not None


class ConditionWatch:
    """`wall` is the time with its zone, because vendors print times of day. `resumes`: the agent goes on by itself when
    a limit has ended, `stagger_s` seconds later, so that not all agents begin in the same second."""

    def __init__(
        self, wall: Callable[[], datetime], *, resumes: bool = False, stagger_s: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._wall, self._resumes, self._stagger_s = wall, resumes, stagger_s
        self._ended_by_itself: Limit | None = None
        self._tries, self._not_before = 0, datetime.min.replace(tzinfo=UTC)
        self.limit: Limit | None = None
        self._shown: Condition | None = None
        self._on_screen: frozenset[str] = frozenset()
        self._end_by_text: dict[str, datetime | None] = {}
        self._over: frozenset[str] = frozenset()  # what no longer holds anything up, though it stands on the screen

    # Events in

    def screen_shows(self, found: Sequence[ConditionMatch]) -> None:
        """What one look at the screen showed."""
        self._on_screen = frozenset(one.text for one in found if one.kind in _HOLD_BY_KIND)
        self._over &= self._on_screen
        self._forget_ends()
        found = [one for one in found if one.text not in self._over]
        if self.limit and not self.limit.outlasts_screen and self.limit.text not in self._on_screen:
            self.limit = None
        for text in sorted(one.text for one in found if one.kind is ConditionKind.LIMITED):
            self._begin(text)
        others = [one for one in found if one.kind is not ConditionKind.LIMITED]
        strongest = min(others, key=lambda one: _STRONGEST_FIRST.index(one.kind), default=None)
        self._shown = Condition(strongest.kind, strongest.text[:MAX_CONDITION_CHARS]) if strongest else None

    def turn_failed(self, found: Sequence[ConditionMatch]) -> None:
        """What the error of a failed turn says."""
        for text in self._limits_said_anew(found):
            self._begin(text, refused=True)
            self._rest_after_retry()

    def request_refused(self, found: Sequence[ConditionMatch]) -> None:
        """What the error of a request says that the agent repeats by itself. Its turn goes on."""
        for text in self._limits_said_anew(found):
            self._begin(text, repeats=True)

    def _limits_said_anew(self, found: Sequence[ConditionMatch]) -> list[str]:
        """The same words may stand on the screen from an earlier limit."""
        texts = [one.text for one in found if one.kind is ConditionKind.LIMITED]
        for text in self._over.intersection(texts):
            self._end_by_text.pop(text, None)
        self._over -= set(texts)
        return texts

    def _rest_after_retry(self) -> None:
        """A vendor that still refuses is asked again later, and then less and less often."""
        if self._tries and self.limit is not None:
            rest = min(FIRST_RETRY_S * 2 ** (self._tries - 1), LONGEST_RETRY_S)
            self._not_before = self._wall() + timedelta(seconds=rest)

    def fact(self, fact: TurnFact) -> None:
        """An answer proves that the vendor lets it go on. Words before it may be from the refused turn, read late."""
        if fact.kind in _WORKS_AGAIN and fact.text:
            self._tries, self._ended_by_itself = 0, None
            self.lift()

    def lift(self) -> None:
        """What held its mail up is over, or a person says so. What the screen still says of it is old, or was never
        meant: an agent can be made to write such words."""
        self.limit = None
        self._over = self._on_screen

    def _begin(self, text: str, *, refused: bool = False, repeats: bool = False) -> None:
        """The hook and the screen may tell of one limit in different words; whichever knows its end says it best. The
        words of a vendor that refuses once more are not read again."""
        before, known = self.limit, self._ended_by_itself
        until = known.until if known and known.text == text else self._end_of(text)
        if before is None or (until is not None and not _is_same_end(before.until, until)):
            before = Limit(text, until, *((before.refused, before.repeats) if before else ()))
        self.limit = replace(before, refused=refused or before.refused, repeats=repeats or before.repeats)

    def _end_of(self, text: str) -> datetime | None:
        """Words are read once: an hour after its end, `5pm` would be that of tomorrow."""
        if text not in self._end_by_text:
            self._end_by_text[text] = find_reset_time(text, self._wall())
        return self._end_by_text[text]

    def _forget_ends(self) -> None:
        told = self._on_screen | ({self.limit.text} if self.limit else set())
        self._end_by_text = {text: end for text, end in self._end_by_text.items() if text in told}

    # Going on by itself

    def go_on(self, *, calm: bool) -> bool:
        """End the limit, if its time has passed and the agent is at rest. While a dialog is open, or it works, it is
        not; another limit that its screen shows has taken the place of this one."""
        wait = self.seconds_to_wait()
        if wait is None or wait > 0 or not calm:
            return False
        self._tries, self._ended_by_itself = self._tries + 1, self.limit
        self.lift()
        return True

    def seconds_to_wait(self) -> float | None:
        """Until it may go on by itself; None if it must not."""
        if not self._resumes or self.limit is None:
            return None
        if self.limit.until is None and not (self._tries and self.limit.refused):
            return None
        until = self.limit.until or self._not_before
        due = until + timedelta(seconds=RESET_MARGIN_S + self._stagger_s())
        return max(0.0, (max(due, self._not_before) - self._wall()).total_seconds())

    def keeps_turns(self) -> bool:
        return self.limit is not None and self.limit.refused and self.seconds_to_wait() is not None

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
