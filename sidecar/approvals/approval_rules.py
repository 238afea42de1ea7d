"""A dialog as an object in the room: when it is told, what becomes of an answer, when an answer is refused. Pure.

Facts: what stands there (at each look), an answer that was ordered, what came of pressing it. Effects: tell the
room, let the waiting hook decide, press a key. Nothing is answered that nobody ordered, and an order counts for one
dialog: the one whose ask it names, if that very dialog still stands there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.protocol.types import AskState
from sidecar.approvals.dialogs import Question

SETTLE = 0.25
SETTLE_UNREADABLE = 1.5
SETTLE_TOLD = 0.1
PERSON = 1.0
BY_PERSON = 3.0
HOOK = "hook"
NOT_TAKEN = "the key was pressed, but the dialog still stands there: look at the terminal"
AT_KEYBOARD = "nothing was pressed: a person is typing in its terminal. Answer again in a moment"
CHANGED = "nothing was pressed: the dialog had changed before the answer came"
UNREADABLE = "nothing was pressed: no such option can be read on the screen now"
WORDS_LOST = (
    "nothing was pressed: words cannot go with a no any more. Deny it without words, and send them as a message"
)


@dataclass(frozen=True)
class Order:
    number: int
    digest: str
    answer: str
    by: str
    words: str = ""


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
    """`once`: the same key is not pressed again, whatever stands there afterwards."""

    order: Order
    key: bytes
    once: bool = False


Effect = Open | Close | Decide | Press


class Pressed(StrEnum):
    """What came of a press, or of a hook's decision."""

    GONE = "gone"
    STANDS = "stands"
    CHANGED = "changed"
    PERSON = "person"


@dataclass(frozen=True)
class Sight:
    """What is there at a look: the question, how long ago a person pressed a key, and how wide the terminal is."""

    question: Question | None
    since_key: float = float("inf")
    columns: int = 0


def _why_gone(sight: Sight) -> str:
    return "answered at the terminal" if sight.since_key < BY_PERSON else "the dialog went away"


class Approvals:
    def __init__(self) -> None:
        self._seen: Question | None = None
        self._since = self._unchanged = 0.0
        self.told: Question | None = None
        self._columns = 0
        self._order: Order | None = None
        self._acted, self._acted_at, self._how = False, 0.0, ""
        self._refused_at, self._refused = float("-inf"), ""

    def due(self, now: float) -> float | None:
        """In how many seconds time alone makes a difference."""
        if self._is_same(self._seen) and not self._is_news:
            return None
        since = self._unchanged if self._is_same(self._seen) else self._since
        return max(0.0, since + self._settle - now) + 0.001

    @property
    def _settle(self) -> float:
        """A dialog of which nothing can be read is mostly one that is still being drawn. What a hook told is told soon,
        however it is drawn; what is read of its options then, when they stand still."""
        seen = self._seen
        if seen is not None and seen.told and not (seen.choices and self._is_same(seen)):
            return SETTLE_TOLD
        return SETTLE if seen is None or seen.choices else SETTLE_UNREADABLE

    def _is_same(self, seen: Question | None) -> bool:
        return (seen and seen.digest) == (self.told and self.told.digest)

    @property
    def _is_news(self) -> bool:
        return (self._seen and self._seen.answers) != (self.told and self.told.answers)

    def looked(self, sight: Sight, now: float) -> list[Effect]:
        seen = self.known(sight).question
        if (seen and seen.digest) != (self._seen and self._seen.digest):
            self._since = now
        if (seen and seen.answers) != (self._seen and self._seen.answers):
            self._unchanged = now
        self._seen = seen
        told = self.told
        if self._is_same(seen):
            return self._read_anew(sight, now)
        if now - self._since < self._settle:
            return []
        effects: list[Effect] = []
        if told is not None:
            effects.append(self._ended(told, sight, now))
        self.told, self._columns = seen, sight.columns
        return effects if seen is None else [*effects, Open(seen)]

    def _read_anew(self, sight: Sight, now: float) -> list[Effect]:
        """The same question, of which more can be read, or less: not while an answer to it is under way."""
        if not self._is_news or self._seen is None or self._order or now - self._unchanged < self._settle:
            return []
        self.told, self._columns = self._seen, sight.columns
        return [Open(self._seen)]

    def known(self, sight: Sight) -> Sight:
        """A dialog that is only drawn anew for another width is the one that was told."""
        seen, told = sight.question, self.told
        if seen is None or told is None or seen.told or told.told or sight.columns == self._columns:
            return sight
        return replace(sight, question=replace(seen, digest=told.digest)) if seen.loose == told.loose else sight

    def again(self) -> list[Effect]:
        """The room may have forgotten."""
        return [Open(self.told)] if self.told is not None and self._order is None else []

    def _ended(self, told: Question, sight: Sight, now: float) -> Close:
        """It was the answer from the room if that was given and no person touched a key since."""
        order, self._order = self._order, None
        if order is not None and self._acted and sight.since_key > now - self._acted_at:
            return Close(told.digest, AskState.ANSWERED, self._how)
        if now - self._refused_at < BY_PERSON and sight.since_key > now - self._refused_at:
            return Close(told.digest, AskState.ANSWERED, self._refused)
        if sight.question is not None:
            return Close(told.digest, AskState.STALE, "another question came")
        return Close(told.digest, AskState.CLOSED, _why_gone(sight))

    def ordered(self, order: Order, sight: Sight) -> list[Effect]:
        """The gateway lets one answer pass at a time; this looks whether it still fits."""
        told = self.told
        if told is None or order.digest != told.digest:
            return []
        sight = self.known(sight)
        if sight.question is None or sight.question.digest != order.digest:
            return self._changed(order, sight)
        if sight.since_key < PERSON:
            return [Open(told, AT_KEYBOARD)]
        self._order, self._acted = order, False
        if sight.question.hook and order.answer in ("allow", "deny"):
            return [Decide(order, order.answer == "allow")]
        return self._by_key(order, sight.question)

    def _changed(self, order: Order, sight: Sight) -> list[Effect]:
        self.told = self._order = None
        if sight.question is not None:
            return [Close(order.digest, AskState.STALE, CHANGED)]
        return [Close(order.digest, AskState.CLOSED, _why_gone(sight))]

    def _by_key(self, order: Order, question: Question) -> list[Effect]:
        key, told = question.key(order.answer), self.told
        shown = told.text_of(order.answer) if told else None
        if order.words or not key or shown not in (None, question.text_of(order.answer)):
            self._order, self.told = None, question
            return [Open(question, WORDS_LOST if order.words else UNREADABLE)]
        return [Press(order, key, question.once)]

    def refused(self, now: float, how: str) -> None:
        """By ending the turn that asks."""
        if self.told is not None:
            self._refused_at, self._refused = now, how

    def acted(self, now: float, how: str) -> None:
        """The key, or the hook's answer, is on its way."""
        self._acted, self._acted_at, self._how = True, now, how

    def came_of(self, effect: Press | Decide, result: Pressed, sight: Sight) -> list[Effect]:
        order, told = self._order, self.told
        if result is Pressed.GONE or order is None or told is None:
            return []
        question = self.known(sight).question
        if isinstance(effect, Decide) and result is Pressed.STANDS and question and question.digest == order.digest:
            return self._by_key(order, question)
        if self._acted:
            return [Open(told, NOT_TAKEN)]  # should it still be taken, it was this answer
        self._order = None
        return self._changed(order, sight) if result is Pressed.CHANGED else [Open(told, AT_KEYBOARD)]
