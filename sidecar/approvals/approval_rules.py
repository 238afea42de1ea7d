"""The rules for a dialog in the room: when it is announced, what an answer does, and when an answer is refused. Pure.

Events: the dialog on the screen (at each look), an ordered answer, the result of a press. Effects: tell the room, let
the waiting hook decide, press a key. Nothing is answered without an order, and an order is valid for one dialog only:
the one whose ask it names, if that very dialog is still on the screen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.protocol.types import AskState
from sidecar.approvals.dialogs import Question

SETTLE_S = 0.25
SETTLE_UNREADABLE_S = 1.5
SETTLE_TOLD_BY_HOOK_S = 0.1
PERSON_TYPES_S = 1.0
ANSWERED_BY_PERSON_S = 3.0
HOOK_KEY = "hook"
NOT_TAKEN_TEXT = "the key was pressed, but the dialog is still open: look at the terminal"
AT_KEYBOARD_TEXT = "nothing was pressed: a person is typing in its terminal. Answer again in a moment"
CHANGED_TEXT = "nothing was pressed: the dialog had changed before the answer came"
UNREADABLE_TEXT = "nothing was pressed: the screen does not show such an option now"
WORDS_LOST_TEXT = (
    "nothing was pressed: a denial cannot include words any more. Deny it without words and send them as a message"
)


@dataclass(frozen=True)
class AnswerOrder:
    number: int
    digest: str
    answer: str
    by: str
    words: str = ""


@dataclass(frozen=True)
class AnnounceDialog:
    """Tell the room that this dialog waits. `reason`: why it is told again."""

    question: Question
    reason: str = ""


@dataclass(frozen=True)
class WithdrawDialog:
    digest: str
    state: AskState
    reason: str = ""


@dataclass(frozen=True)
class DecideHook:
    """Give the answer to the hook that waits for it."""

    order: AnswerOrder
    allow: bool


@dataclass(frozen=True)
class PressKey:
    """`once`: the same key is not pressed again, whatever the screen shows afterwards."""

    order: AnswerOrder
    key: bytes
    once: bool = False


ApprovalEffect = AnnounceDialog | WithdrawDialog | DecideHook | PressKey


class PressResult(StrEnum):
    """The result of a press, or of a hook's decision."""

    GONE = "gone"
    STANDS = "stands"
    CHANGED = "changed"
    PERSON = "person"


@dataclass(frozen=True)
class DialogSighting:
    """What one look shows: the question, how long ago a person pressed a key, and how wide the terminal is."""

    question: Question | None
    since_key: float = float("inf")
    columns: int = 0


def _gone_reason(sight: DialogSighting) -> str:
    return "answered at the terminal" if sight.since_key < ANSWERED_BY_PERSON_S else "the dialog went away"


class Approvals:
    def __init__(self) -> None:
        self._seen: Question | None = None
        self._since = self._unchanged = 0.0
        self.told: Question | None = None
        self._columns = 0
        self._order: AnswerOrder | None = None
        self._acted, self._acted_at, self._how = False, 0.0, ""
        self._refused_at, self._refused = float("-inf"), ""

    def due(self, now: float) -> float | None:
        """In how many seconds time alone makes a difference."""
        if self._is_same(self._seen) and not self._is_to_be_told:
            return None
        since = self._unchanged if self._is_same(self._seen) else self._since
        return max(0.0, since + self._settle - now) + 0.001

    @property
    def _settle(self) -> float:
        """A dialog without readable options is usually still being drawn. A question reported by a hook is announced
        soon, however it is drawn; its options follow when they do not change any more."""
        seen = self._seen
        if seen is not None and seen.told and not (seen.choices and self._is_same(seen)):
            return SETTLE_TOLD_BY_HOOK_S
        return SETTLE_S if seen is None or seen.choices else SETTLE_UNREADABLE_S

    def _is_same(self, seen: Question | None) -> bool:
        return (seen and seen.digest) == (self.told and self.told.digest)

    @property
    def _is_to_be_told(self) -> bool:
        return (self._seen and self._seen.answers) != (self.told and self.told.answers)

    def observe(self, sight: DialogSighting, now: float) -> list[ApprovalEffect]:
        seen = self.known(sight).question
        if (seen and seen.digest) != (self._seen and self._seen.digest):
            self._since = now
        if (seen and seen.answers) != (self._seen and self._seen.answers):
            self._unchanged = now
        self._seen = seen
        told = self.told
        if self._is_same(seen):
            return self._update_question(sight, now)
        if now - self._since < self._settle:
            return []
        effects: list[ApprovalEffect] = []
        if told is not None:
            effects.append(self._ended(told, sight, now))
        self.told, self._columns = seen, sight.columns
        return effects if seen is None else [*effects, AnnounceDialog(seen)]

    def _update_question(self, sight: DialogSighting, now: float) -> list[ApprovalEffect]:
        """The same question with more or fewer readable options. It is not updated while an answer is under way."""
        if not self._is_to_be_told or self._seen is None or self._order or now - self._unchanged < self._settle:
            return []
        self.told, self._columns = self._seen, sight.columns
        return [AnnounceDialog(self._seen)]

    def known(self, sight: DialogSighting) -> DialogSighting:
        """A dialog that is only redrawn for another width is the announced one."""
        seen, told = sight.question, self.told
        if seen is None or told is None or seen.told or told.told or sight.columns == self._columns:
            return sight
        return replace(sight, question=replace(seen, digest=told.digest)) if seen.loose == told.loose else sight

    def announce_again(self) -> list[ApprovalEffect]:
        """The room may have forgotten the dialog."""
        return [AnnounceDialog(self.told)] if self.told is not None and self._order is None else []

    def _ended(self, told: Question, sight: DialogSighting, now: float) -> WithdrawDialog:
        """The answer from the room ended the dialog if one was given and no person has pressed a key since."""
        order, self._order = self._order, None
        if order is not None and self._acted and sight.since_key > now - self._acted_at:
            return WithdrawDialog(told.digest, AskState.ANSWERED, self._how)
        if now - self._refused_at < ANSWERED_BY_PERSON_S and sight.since_key > now - self._refused_at:
            return WithdrawDialog(told.digest, AskState.ANSWERED, self._refused)
        if sight.question is not None:
            return WithdrawDialog(told.digest, AskState.STALE, "another question came")
        return WithdrawDialog(told.digest, AskState.CLOSED, _gone_reason(sight))

    def take_order(self, order: AnswerOrder, sight: DialogSighting) -> list[ApprovalEffect]:
        """The gateway lets one answer pass at a time; this checks that it still fits the dialog."""
        told = self.told
        if told is None or order.digest != told.digest:
            return []
        sight = self.known(sight)
        if sight.question is None or sight.question.digest != order.digest:
            return self._changed(order, sight)
        if sight.since_key < PERSON_TYPES_S:
            return [AnnounceDialog(told, AT_KEYBOARD_TEXT)]
        self._order, self._acted = order, False
        if sight.question.hook and order.answer in ("allow", "deny"):
            return [DecideHook(order, order.answer == "allow")]
        return self._by_key(order, sight.question)

    def _changed(self, order: AnswerOrder, sight: DialogSighting) -> list[ApprovalEffect]:
        self.told = self._order = None
        if sight.question is not None:
            return [WithdrawDialog(order.digest, AskState.STALE, CHANGED_TEXT)]
        return [WithdrawDialog(order.digest, AskState.CLOSED, _gone_reason(sight))]

    def _by_key(self, order: AnswerOrder, question: Question) -> list[ApprovalEffect]:
        key, told = question.key(order.answer), self.told
        shown = told.text_of(order.answer) if told else None
        if order.words or not key or shown not in (None, question.text_of(order.answer)):
            self._order, self.told = None, question
            return [AnnounceDialog(question, WORDS_LOST_TEXT if order.words else UNREADABLE_TEXT)]
        return [PressKey(order, key, question.once)]

    def mark_refused(self, now: float, how: str) -> None:
        """The turn that asks was ended."""
        if self.told is not None:
            self._refused_at, self._refused = now, how

    def mark_acted(self, now: float, how: str) -> None:
        """The key, or the hook's answer, is on its way."""
        self._acted, self._acted_at, self._how = True, now, how

    def handle_result(
        self, effect: PressKey | DecideHook, result: PressResult, sight: DialogSighting
    ) -> list[ApprovalEffect]:
        order, told = self._order, self.told
        if result is PressResult.GONE or order is None or told is None:
            return []
        question = self.known(sight).question
        if (
            isinstance(effect, DecideHook)
            and result is PressResult.STANDS
            and question
            and question.digest == order.digest
        ):
            return self._by_key(order, question)
        if self._acted:
            return [AnnounceDialog(told, NOT_TAKEN_TEXT)]  # if the agent takes it later, it was this answer
        self._order = None
        return (
            self._changed(order, sight) if result is PressResult.CHANGED else [AnnounceDialog(told, AT_KEYBOARD_TEXT)]
        )
