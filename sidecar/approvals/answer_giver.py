"""Gives an answer from the room to the agent: waits until the dialog is drawn, presses the key, or hands the decision
to the waiting hook, and looks whether the dialog goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from sidecar.approvals.approval_inputs_and_effects import (
    AnswerEffect,
    AwaitDialog,
    DecideHook,
    DialogSighting,
    OrderVerdict,
    PressKey,
    PressResult,
)
from sidecar.approvals.approval_rules import Approvals, why_not_pressed
from sidecar.approvals.dialog_states import AnswerOrder
from sidecar.approvals.open_question import DialogObserver, DialogReader
from sidecar.approvals.questions.dialog_parser import ESCAPE_KEY
from sidecar.approvals.questions.pending_hook_questions import HookDecision, PendingHookQuestions
from sidecar.delivery.terminal_writer import TerminalWriter, TypingMove, TypingStage
from sidecar.prompt_typing.typing_gate import MovePermission

MAX_PRESSES = 2
REDRAW_TIMEOUT_S = 5.0
PRESS_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 15.0
DECISION_TIMEOUT_S = 5.0  # what a decision leads to takes an agent longer than a key
CHECK_INTERVAL_S = 0.02


class AnswerGiver:
    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        approvals: Approvals,
        reader: DialogReader,
        hook_questions: PendingHookQuestions,
        writer: TerminalWriter,
        observer: DialogObserver,
        now: Callable[[], float],
        denied: Callable[[str], None],
    ) -> None:
        self._approvals, self._reader, self._hook_questions = approvals, reader, hook_questions
        self._writer, self._observer, self._now, self._denied = writer, observer, now, denied

    async def give(self, effect: AnswerEffect) -> PressResult:
        match effect:
            case AwaitDialog(order):
                return await self._wait_until_drawn(order)
            case DecideHook():
                return await self._decide(effect)
            case PressKey():
                return await self._press(effect)

    async def _wait_until_drawn(self, order: AnswerOrder) -> PressResult:
        """Each look reads the screen anew. A dialog that stays away is ended by the looks at the agent."""
        until = self._now() + REDRAW_TIMEOUT_S
        while self._approvals.judge(order) is OrderVerdict.TAKE:
            if self._approvals.can_be_answered(order, self._look()):
                return PressResult.STANDS
            if self._now() >= until:
                return PressResult.CHANGED
            await asyncio.sleep(CHECK_INTERVAL_S)
        return PressResult.GONE

    async def _decide(self, effect: DecideHook) -> PressResult:
        order = effect.order
        asked = self._hook_questions.waiting(order.digest)
        if asked is None:
            return PressResult.STANDS if self._look().question else PressResult.CHANGED
        self._approvals.mark_given(self._now(), "decided by its own hook")
        asked.decision.set_result(HookDecision(effect.allow, order.by, order.words))
        return await self._wait_until_gone(order.digest, DECISION_TIMEOUT_S)

    async def _press(self, effect: PressKey) -> PressResult:
        """Press the key once, and again only if the agent has read it and has still shown the very same dialog for two
        seconds. A second key that waits with the first would go into what comes after the dialog."""
        move = TypingMove(TypingStage.SUBMITTED, effect.key, partial(self._may_press, effect))
        for pressed in range(1 if effect.once else MAX_PRESSES):
            outcome = await self._writer.put([move], partial(self._mark_pressed, effect))
            if outcome.stage is not TypingStage.SUBMITTED:
                return why_not_pressed(outcome.held, effect.order.digest, self._look(), again=pressed > 0)
            if await self._wait_until_gone(effect.order.digest, PRESS_TIMEOUT_S) is PressResult.GONE:
                return PressResult.GONE
            if self._observer.has_unread_keys():
                return PressResult.STANDS
        return PressResult.STANDS

    def _may_press(self, effect: PressKey) -> MovePermission:
        """Looks anew immediately before the key is pressed."""
        return self._approvals.may_press(effect, self._look())

    def _mark_pressed(self, effect: PressKey, _: TypingStage) -> None:
        name = "Escape" if effect.key == ESCAPE_KEY else effect.key.decode()
        self._approvals.mark_given(self._now(), f"{name} was pressed")
        self._hook_questions.mark_answered(effect.order.digest)
        question = self._approvals.told
        if question is not None and effect.key == question.key("deny"):
            self._denied(effect.order.by)
        self._observer.mark_answered()

    async def _wait_until_gone(self, digest: str, patience_s: float) -> PressResult:
        """The time counts from when the agent has read all keys."""
        until = self._now() + patience_s
        latest = self._now() + READ_TIMEOUT_S
        while (now := self._now()) < until:
            if not self._look().shows(digest):
                return PressResult.GONE
            if self._observer.has_unread_keys() and now < latest:
                until = now + patience_s
            await asyncio.sleep(CHECK_INTERVAL_S)
        return PressResult.STANDS

    def _look(self) -> DialogSighting:
        return self._approvals.known(self._reader.look())
