"""A dialog as an object in the room: when it is told, what becomes of an answer, when an answer is refused. Pure.

Facts: what stands on the screen (at each look), an answer that was ordered, what came of pressing it. Effects: tell the
room, let the waiting hook decide, press a key. Nothing is answered that nobody ordered, and an order counts for one
dialog: the one whose ask it names, if that very dialog still stands there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.protocol.nouns import AskState
from sidecar.questions import Question

SETTLE = 0.25
SETTLE_UNREADABLE = 1.5
PERSON = 1.0
BY_PERSON = 3.0
HOOK = "hook"
NOT_TAKEN = "the key was pressed, but the dialog still stands there: look at the terminal"
AT_KEYBOARD = "nothing was pressed: a person is typing in its terminal. Answer again in a moment"
CHANGED = "nothing was pressed: the dialog had changed before the answer came"
UNREADABLE = "nothing was pressed: no such option can be read on the screen now"


@dataclass(frozen=True)
class Order:
    number: int
    digest: str
    answer: str
    by: str


@dataclass(frozen=True)
class Open:
    """Tell the room that this dialog waits (again, for a reason)."""

    question: Question
    reason: str = ""


@dataclass(frozen=True)
class Close:
    digest: str
    state: AskState
    reason: str = ""


@dataclass(frozen=True)
class Decide:
    """The hook that waits for an answer to this dialog gets it."""

    order: Order
    allow: bool


@dataclass(frozen=True)
class Press:
    order: Order
    key: bytes


Effect = Open | Close | Decide | Press


class Pressed(StrEnum):
    """What came of a press, or of a hook's decision."""

    GONE = "gone"
    STANDS = "stands"
    CHANGED = "changed"
    PERSON = "person"


@dataclass(frozen=True)
class Sight:
    """What is there at a look: the dialog, how long ago a person pressed a key, whether a hook waits for its answer."""

    question: Question | None
    since_key: float = float("inf")
    hook: bool = False


def _why_gone(sight: Sight) -> str:
    return "answered at the terminal" if sight.since_key < BY_PERSON else "the dialog went away"


class Approvals:
    def __init__(self) -> None:
        self._seen: Question | None = None
        self._since = 0.0
        self.told: Question | None = None
        self._order: Order | None = None
        self._acted, self._acted_at, self._how = False, 0.0, ""

    def due(self, now: float) -> float | None:
        """In how many seconds time alone makes a difference."""
        same = (self._seen and self._seen.digest) == (self.told and self.told.digest)
        return None if same else max(0.0, self._since + self._settle - now) + 0.001

    @property
    def _settle(self) -> float:
        """A dialog of which nothing can be read is mostly one that is still being drawn."""
        unreadable = self._seen is not None and not self._seen.choices
        return SETTLE_UNREADABLE if unreadable else SETTLE

    def looked(self, sight: Sight, now: float) -> list[Effect]:
        seen = sight.question
        if (seen and seen.digest) != (self._seen and self._seen.digest):
            self._since = now
        self._seen = seen
        told = self.told
        if now - self._since < self._settle or (seen and seen.digest) == (told and told.digest):
            return []
        effects: list[Effect] = []
        if told is not None:
            effects.append(self._ended(told, sight, now))
        self.told = seen
        return effects if seen is None else [*effects, Open(seen)]

    def again(self) -> list[Effect]:
        """The room may have forgotten."""
        return [Open(self.told)] if self.told is not None and self._order is None else []

    def _ended(self, told: Question, sight: Sight, now: float) -> Close:
        """It was the answer from the room if that was given and no person touched a key since."""
        order, self._order = self._order, None
        if order is not None and self._acted and sight.since_key > now - self._acted_at:
            return Close(told.digest, AskState.ANSWERED, self._how)
        if sight.question is not None:
            return Close(told.digest, AskState.STALE, "another question came")
        return Close(told.digest, AskState.CLOSED, _why_gone(sight))

    def ordered(self, order: Order, sight: Sight) -> list[Effect]:
        """The gateway lets one answer pass at a time; this looks whether it still fits."""
        told = self.told
        if told is None or order.digest != told.digest:
            return []
        if sight.question is None or sight.question.digest != order.digest:
            return self._changed(order, sight)
        if sight.since_key < PERSON:
            return [Open(told, AT_KEYBOARD)]
        self._order, self._acted = order, False
        if sight.hook and order.answer in ("allow", "deny"):
            return [Decide(order, order.answer == "allow")]
        return self._by_key(order, sight.question)

    def _changed(self, order: Order, sight: Sight) -> list[Effect]:
        self.told = self._order = None
        if sight.question is not None:
            return [Close(order.digest, AskState.STALE, CHANGED)]
        return [Close(order.digest, AskState.CLOSED, _why_gone(sight))]

    def _by_key(self, order: Order, question: Question) -> list[Effect]:
        key = question.key(order.answer)
        if key:
            return [Press(order, key)]
        self._order = None
        return [Open(question, UNREADABLE)]

    def acted(self, now: float, how: str) -> None:
        """The key, or the hook's answer, is on its way."""
        self._acted, self._acted_at, self._how = True, now, how

    def came_of(self, effect: Press | Decide, result: Pressed, sight: Sight) -> list[Effect]:
        order, told = self._order, self.told
        if result is Pressed.GONE or order is None or told is None:
            return []
        if isinstance(effect, Decide) and result is Pressed.STANDS and sight.question is not None:
            return self._by_key(replace(order), sight.question)
        if self._acted:
            return [Open(told, NOT_TAKEN)]  # should it still be taken, it was this answer
        self._order = None
        return self._changed(order, sight) if result is Pressed.CHANGED else [Open(told, AT_KEYBOARD)]
