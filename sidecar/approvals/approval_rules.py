"""The rules for a dialog in the room: when it is announced, what an answer does, and when an answer is refused. Pure.

Events: the dialog on the screen (at each look), what the room knows of it, an ordered answer, the result of a press.
Effects: tell the room, let the waiting hook decide, press a key. `dialog_states.NEXT` says which event is possible in
which state. Nothing is answered without an order, and an order is valid for one dialog only: the one whose ask it
names, if that very dialog is still on the screen. An agent that draws its dialog anew, for another size say, shows none
or a half of it for a moment: an answer that comes then waits, once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway.protocol.types.core_types import Ask, AskState
from gateway.protocol.types.delivery_reasons import HoldReason
from sidecar.approvals.approval_inputs_and_effects import (
    AnnounceDialog,
    AnswerEffect,
    ApprovalEffect,
    AwaitDialog,
    DecideHook,
    DialogSighting,
    OrderVerdict,
    PressKey,
    PressResult,
    WithdrawDialog,
    WithdrawForgotten,
)
from sidecar.approvals.dialog_states import AnswerOrder, DialogEvent, DialogState, RelayedDialog
from sidecar.approvals.questions.dialog_parser import Question
from sidecar.approvals.questions.question_age import ShownQuestion
from sidecar.prompt_typing.typing_gate import MoveDecision, MovePermission

PERSON_TYPES_S = 1.0
ANSWERED_BY_PERSON_S = 3.0
NOT_TAKEN_TEXT = "the answer was given, but the dialog is still open: look at the terminal"
AT_KEYBOARD_TEXT = "nothing was pressed: a person is typing in its terminal. Answer again in a moment"
CHANGED_TEXT = "nothing was pressed: the dialog had changed before the answer came"
UNREADABLE_TEXT = "nothing was pressed: the screen does not show such an option now"
WORDS_LOST_TEXT = (
    "nothing was pressed: a denial cannot include words any more. Deny it without words and send them as a message"
)


def _gone_reason(sight: DialogSighting) -> str:
    return "answered at the terminal" if sight.since_key < ANSWERED_BY_PERSON_S else "the dialog went away"


def why_not_pressed(held: HoldReason | None, digest: str, sight: DialogSighting, *, again: bool) -> PressResult:
    """The writer did not press the key. `held`: its reason. `again`: it had pressed it once before."""
    if held is not HoldReason.ASKING:
        return PressResult.PERSON
    if again:
        return PressResult.STANDS if sight.shows(digest) else PressResult.GONE
    return PressResult.CHANGED


@dataclass(frozen=True)
class Refusal:
    """The turn that asks was ended at this time, while the dialog with this count was open. An agent may take long to
    close it."""

    dialog: int
    at: float
    how: str


class Approvals:
    """`current`: the dialog that the room knows or is told of. `ended`: those of whose end it is still to be told."""

    def __init__(self) -> None:
        self.current: RelayedDialog | None = None
        self.ended: dict[int, RelayedDialog] = {}
        self._count = 0
        self._shown = ShownQuestion()
        self._refusal: Refusal | None = None

    @property
    def told(self) -> Question | None:
        """The current question, as the room was told last."""
        return self.current.question if self.current else None

    # Looks at the screen

    def due(self, now: float) -> float | None:
        """Seconds until the dialog must be looked at again although nothing happened."""
        return self._shown.due(self.told, now)

    def observe(self, sight: DialogSighting, now: float) -> list[ApprovalEffect]:
        shown = self._shown = self._shown.after(self.known(sight).question, now)
        if not shown.has_settled(self.told, now):
            return []
        if shown.is_told(self.told):
            return self._update_question(sight)
        effects: list[ApprovalEffect] = []
        if self.current is not None:
            effects.append(self._end(self.current, *self._end_reason(self.current, sight, now)))
        return effects if shown.question is None else [*effects, self._begin(shown.question, sight.columns)]

    def _begin(self, question: Question, columns: int) -> AnnounceDialog:
        self._count += 1
        self.current = RelayedDialog(self._count, question, columns)
        return AnnounceDialog(self._count, question)

    def _update_question(self, sight: DialogSighting) -> list[ApprovalEffect]:
        """The same question with more or fewer readable options. It is not updated while an answer is under way."""
        current, question = self.current, self._shown.question
        if current is None or question is None or current.is_being_answered:
            return []
        if not self._shown.has_other_answers(current.question):
            return []
        self.current = replace(current, question=question, columns=sight.columns)
        return [AnnounceDialog(current.count, question)]

    def known(self, sight: DialogSighting) -> DialogSighting:
        """A dialog that is only redrawn for another width is the announced one."""
        seen, current = sight.question, self.current
        if seen is None or current is None or seen.told or current.question.told or sight.columns == current.columns:
            return sight
        told = current.question
        return replace(sight, question=replace(seen, digest=told.digest)) if seen.loose == told.loose else sight

    def _end(self, dialog: RelayedDialog, state: AskState, reason: str) -> WithdrawDialog:
        self.ended[dialog.count] = dialog.after(DialogEvent.END)
        self.current = None
        return WithdrawDialog(dialog.count, state, reason)

    def _end_reason(self, dialog: RelayedDialog, sight: DialogSighting, now: float) -> tuple[AskState, str]:
        """The answer from the room ended the dialog if one was given and no person has pressed a key since."""
        if dialog.state is DialogState.GIVEN and sight.since_key > now - dialog.given_at:
            return AskState.ANSWERED, dialog.how
        refusal = self._refusal
        if refusal and refusal.dialog == dialog.count and sight.since_key > now - refusal.at:
            return AskState.ANSWERED, refusal.how
        if sight.question is not None:
            waited = dialog.state is DialogState.ANSWERING
            return AskState.STALE, CHANGED_TEXT if waited else "another question came"
        return AskState.CLOSED, _gone_reason(sight)

    def mark_refused(self, now: float, how: str) -> None:
        """The turn that asks was ended."""
        if self.current is not None:
            self._refusal = Refusal(self.current.count, now, how)

    # What the room knows

    def note_number(self, dialog: int, number: int | None) -> None:
        """The room shows the dialog. None: under the number that it already has."""
        self._change(dialog, DialogEvent.NUMBER, number)

    def note_rejected(self, dialog: int) -> None:
        """The gateway refused to show the dialog."""
        self._change(dialog, DialogEvent.REJECT, None)

    def note_closed(self, dialog: int) -> None:
        """The room knows that the dialog is over, or will never know of it."""
        self._change(dialog, DialogEvent.CLOSE, None)
        self.ended = {count: one for count, one in self.ended.items() if one.state is not DialogState.OVER}

    def _change(self, dialog: int, event: DialogEvent, number: int | None) -> None:
        if self.current is not None and self.current.count == dialog:
            self.current = _numbered(self.current.after(event), number)
        elif dialog in self.ended:
            self.ended[dialog] = _numbered(self.ended[dialog].after(event), number)

    def number_of(self, dialog: int) -> int | None:
        """The room's number for it, if the room knows it."""
        one = self.current if self.current is not None and self.current.count == dialog else self.ended.get(dialog)
        return one.number if one else None

    def welcome(self, member: str, asks: Iterable[Ask]) -> list[ApprovalEffect]:
        """Connected again. The room may still show asks of an earlier run, and may have forgotten the current one."""
        digest = self.told.digest if self.told else None
        mine = (ask for ask in asks if ask.member == member)
        return [*(WithdrawForgotten(ask.number) for ask in mine if ask.digest != digest), *self.announce_again()]

    def announce_again(self, reason: str = "") -> list[ApprovalEffect]:
        current = self.current
        return [] if current is None or current.is_being_answered else [_announced(current, reason)]

    # Answers

    def judge(self, order: AnswerOrder) -> OrderVerdict:
        """An order that comes before the room has numbered the dialog waits, as it may be for an earlier one."""
        if self.current is not None and self.current.state is DialogState.ANNOUNCING:
            return OrderVerdict.WAIT
        return OrderVerdict.TAKE if self._is_for_current(order) else OrderVerdict.DROP

    def _is_for_current(self, order: AnswerOrder) -> bool:
        """The order must name this very dialog, not one that looks the same."""
        current = self.current
        return current is not None and (current.number, current.question.digest) == (order.number, order.digest)

    def take_order(self, order: AnswerOrder, sight: DialogSighting) -> list[ApprovalEffect]:
        """The gateway lets one answer pass at a time; this checks that it still fits the dialog."""
        current = self.current
        if current is None or not self._is_for_current(order):
            return []
        self.current = replace(current.after(DialogEvent.TAKE), order=order, redrawn=False)
        return self._answer(self.current, order, self.known(sight))

    def _answer(self, current: RelayedDialog, order: AnswerOrder, sight: DialogSighting) -> list[ApprovalEffect]:
        if not current.redrawn and not self.can_be_answered(order, sight):
            self.current = replace(current, redrawn=True)
            return [AwaitDialog(order)]
        if sight.question is None or sight.question.digest != order.digest:
            return [self._end_changed(current, sight)]
        if sight.since_key < PERSON_TYPES_S:
            return [self._release(current, AT_KEYBOARD_TEXT)]
        if sight.question.hook and order.answer in ("allow", "deny"):
            return [DecideHook(order, order.answer == "allow")]
        return [self._by_key(current, order, sight.question)]

    def can_be_answered(self, order: AnswerOrder, sight: DialogSighting) -> bool:
        """Whether the screen shows the dialog of this order, and offers the answer as the room was told. An answer that
        the room was not told of is not waited for."""
        current, seen = self.current, self.known(sight).question
        if current is None or seen is None or seen.digest != order.digest:
            return False
        if order.words or (seen.hook and order.answer in ("allow", "deny")):
            return True
        told = current.question
        key, text = told.key(order.answer), told.text_of(order.answer)
        return not key or (key, text) == (seen.key(order.answer), seen.text_of(order.answer))

    def _release(self, current: RelayedDialog, reason: str) -> ApprovalEffect:
        self.current = current.after(DialogEvent.RELEASE)
        return _announced(self.current, reason)

    def _end_changed(self, current: RelayedDialog, sight: DialogSighting) -> ApprovalEffect:
        if sight.question is not None:
            return self._end(current, AskState.STALE, CHANGED_TEXT)
        return self._end(current, AskState.CLOSED, _gone_reason(sight))

    def _by_key(self, current: RelayedDialog, order: AnswerOrder, question: Question) -> ApprovalEffect:
        key, shown = question.key(order.answer), current.question.text_of(order.answer)
        if order.words or not key or shown not in (None, question.text_of(order.answer)):
            text = WORDS_LOST_TEXT if order.words else UNREADABLE_TEXT
            return self._release(replace(current, question=question), text)
        return PressKey(order, key, question.once)

    def may_press(self, effect: PressKey, sight: DialogSighting) -> MovePermission:
        """Asked again immediately before the key is pressed."""
        question, order = self.known(sight).question, effect.order
        shown = question is not None and question.digest == order.digest and question.key(order.answer) == effect.key
        if not shown or not self._is_for_current(order):
            return MovePermission(MoveDecision.STOP, HoldReason.ASKING)
        if sight.since_key < PERSON_TYPES_S:
            return MovePermission(MoveDecision.STOP, HoldReason.PERSON_TYPES)
        return MovePermission(MoveDecision.NOW)

    def mark_given(self, now: float, how: str) -> None:
        """The key, or the hook's answer, is on its way."""
        if self.current is not None and self.current.is_being_answered:
            self.current = replace(self.current.after(DialogEvent.GIVE), given_at=now, how=how)

    def handle_result(self, effect: AnswerEffect, result: PressResult, sight: DialogSighting) -> list[ApprovalEffect]:
        current = self.current
        if result is PressResult.GONE or current is None or current.order is None or not current.is_being_answered:
            return []
        order, sight = current.order, self.known(sight)
        answering = current.state is DialogState.ANSWERING
        undecided = isinstance(effect, DecideHook) and result is PressResult.STANDS and answering
        if undecided and sight.question and sight.shows(order.digest):
            return [self._by_key(current, order, sight.question)]
        redrawn = result is PressResult.CHANGED and answering and not current.redrawn
        if isinstance(effect, AwaitDialog) or redrawn:
            return self._answer(current, order, sight)
        return [self._not_given(current, result, sight)]

    def _not_given(self, current: RelayedDialog, result: PressResult, sight: DialogSighting) -> ApprovalEffect:
        if current.state is DialogState.GIVEN:
            return _announced(current, NOT_TAKEN_TEXT)  # if the agent takes it later, it was this answer
        if result is not PressResult.CHANGED:
            return self._release(current, AT_KEYBOARD_TEXT)
        shown = sight.shows(current.question.digest)
        return self._release(current, UNREADABLE_TEXT) if shown else self._end_changed(current, sight)


def _announced(dialog: RelayedDialog, reason: str = "") -> AnnounceDialog:
    return AnnounceDialog(dialog.count, dialog.question, reason)


def _numbered(dialog: RelayedDialog, number: int | None) -> RelayedDialog:
    return dialog if number is None else replace(dialog, number=number)
