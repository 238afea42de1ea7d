"""The questions that hooks reported and that may still be open.

Nothing proves that a question is over: an agent that was answered at its terminal may let a hook wait forever. So each
question is forgotten when the agent asks nothing any more. A question whose hook decides is also forgotten when its
hook ends; one whose hook only reports, when another dialog is drawn in its place and when another turn reports its own.

A hook that only reports may be slower than the person: on a busy machine it can come when its dialog was already read
from the screen, and even answered. Then it says nothing new, and would be announced as a question that nobody asks.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sidecar.agents.adapter.adapter import HookQuestion
from sidecar.approvals.questions.dialog_parser import Question
from sidecar.approvals.questions.question_matching import HookCandidate, is_about

DIALOG_REMAINS_S = 10.0  # a decided dialog has left the screen by then, on a busy machine too
DRAW_TIMEOUT_S = 10.0  # a dialog may take this long to appear
COMES_WITH_S = 2.0  # one that appears later may be about something else
GONE_AFTER_S = 0.5
UNDRAWN_GONE_AFTER_S = 2.0  # its end is less certain if no dialog could be read
HOOK_DELAY_S = 0.3  # a hook may arrive this much later than its dialog
LATE_HOOK_S = 10.0  # a hook that comes this long after the end of its dialog still belongs to it
MAX_QUESTIONS = 32


@dataclass(frozen=True)
class HookDecision:
    allow: bool
    by: str
    words: str = ""


@dataclass(eq=False)
class PendingHookQuestion:
    asked: HookQuestion
    name: str
    at: float
    decision: asyncio.Future[HookDecision | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    drawn: str = ""
    ended: float | None = None
    answered: bool = False  # an answering key was pressed
    asked_for: bool = False  # the agent was seen asking since
    calm: bool = False  # and then not asking any more

    @property
    def waits(self) -> bool:
        return self.asked.decides and self.ended is None and not self.decision.done()

    def was_answered_by_key(self, key_at: float) -> bool:
        """`key_at`: when a person last pressed a key. A question whose hook decides ends with its hook instead."""
        return not self.asked.decides and (self.answered or bool(self.drawn and key_at > self.at))


@dataclass(frozen=True)
class UnreportedDialog:
    """The last dialog that the screen showed before any hook reported it: since when, and when it was seen last.
    `reported`: its hook came late. `over`: it has left the screen."""

    question: Question
    since: float
    seen: float
    reported: bool = False
    over: bool = False


class PendingHookQuestions:
    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._run, self._count = uuid.uuid4().hex, 0
        self._heard: list[PendingHookQuestion] = []
        self._asked_at, self._asks = float("-inf"), False
        self._unreported: UnreportedDialog | None = None

    def add(self, asked: HookQuestion, since_key: float = float("inf")) -> PendingHookQuestion:
        """A question of another turn, or one that comes after a key or after the agent went on, means that the earlier
        ones are over."""
        self._count += 1
        for one in self._heard:
            if self._was_abandoned(one, asked, self._now() - since_key):
                self._let_go(one)
        parts = (self._run, str(self._count), asked.turn, asked.tool, asked.detail)
        heard = PendingHookQuestion(asked, hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16], self._now())
        self._heard = [*self._heard, heard][-MAX_QUESTIONS:]
        return heard

    def drop_late(self, asked: HookQuestion) -> bool:
        """Whether the hook says nothing new. It then counts as the one hook of the dialog that was read before it."""
        dialog = self._unreported
        if dialog is None or not self._comes_late(asked, dialog):
            return False
        self._unreported = replace(dialog, reported=True)
        return True

    def _comes_late(self, asked: HookQuestion, dialog: UnreportedDialog) -> bool:
        """Whether the dialog was already read from the screen: wholly if it is still there, anyhow if it is gone."""
        if asked.decides or dialog.reported or not is_about(dialog.question, asked):
            return False
        if dialog.over:
            return self._now() - dialog.seen < LATE_HOOK_S
        return dialog.question.readable and self._now() - dialog.since > HOOK_DELAY_S

    def note_unreported(self, dialog: Question) -> None:
        """The screen shows a dialog that no hook has reported."""
        before, now = self._unreported, self._now()
        same = before is not None and not before.over and before.question.loose == dialog.loose
        self._unreported = (
            replace(before, question=dialog, seen=now) if before and same else UnreportedDialog(dialog, now, now)
        )

    def _was_abandoned(self, one: PendingHookQuestion, asked: HookQuestion, key_at: float) -> bool:
        if one.ended is not None:
            return False
        return one.calm or one.was_answered_by_key(key_at) or one.asked.turn != asked.turn

    def mark_withdrawn(self, name: str, since_key: float) -> None:
        """Its dialog has left the screen. After a key it is over, though the agent may seem to ask a moment longer."""
        for one in self._heard:
            if one.name == name and one.was_answered_by_key(self._now() - since_key):
                self._let_go(one)

    def _let_go(self, one: PendingHookQuestion) -> None:
        self._heard = [other for other in self._heard if other is not one]
        if not one.decision.done():
            one.decision.set_result(None)

    def mark_answered(self, name: str) -> None:
        """A key that answers it was pressed."""
        for one in self._heard:
            one.answered = one.answered or one.name == name

    def mark_ended(self, heard: PendingHookQuestion) -> None:
        """Its hook got an answer, or the agent does not wait for it any more."""
        heard.ended = self._now()

    def observe(self, *, asks: bool) -> None:
        now = self._now()
        self._asked_at, self._asks = now if asks else self._asked_at, asks
        if self._unreported is not None and not asks:
            self._unreported = replace(self._unreported, over=True)
        for one in self._heard:
            one.calm = one.calm or (one.asked_for and not asks)
            one.asked_for = one.asked_for or asks
            if not self._stands(one, now):
                self._let_go(one)

    def _stands(self, one: PendingHookQuestion, now: float) -> bool:
        if one.ended is not None and now - one.ended >= DIALOG_REMAINS_S:
            return False
        patience = GONE_AFTER_S if one.drawn or not one.asked.decides else UNDRAWN_GONE_AFTER_S
        return now - self._asked_at < patience or self._is_expected(one, now)

    def _is_expected(self, one: PendingHookQuestion, now: float) -> bool:
        return not one.drawn and now - one.at < DRAW_TIMEOUT_S

    def look_again(self) -> float | None:
        """When time alone may end one of them. While the agent asks, only a decided one ends so: until then the next
        dialog may look like its rest."""
        if not self._asks:
            return GONE_AFTER_S / 2 if self._heard else None
        ended = [one.ended for one in self._heard if one.ended is not None]
        return max(0.0, min(ended) + DIALOG_REMAINS_S - self._now()) + 0.001 if ended else None

    def is_expecting(self) -> bool:
        """Whether a question is open although nothing on the screen shows it yet."""
        return any(self._is_expected(one, self._now()) for one in self._heard if not one.asked.tentative)

    def candidates(self, drawn_at: float = float("-inf")) -> list[HookCandidate]:
        """A decided question counts only while its own dialog is still on the screen. `drawn_at`: when the current
        dialog appeared."""
        return [
            HookCandidate(one.name, one.asked, one.waits, one.drawn, self._is_fresh(one, drawn_at))
            for one in self._heard
            if one.waits or one.drawn or not one.asked.decides
        ]

    def _is_fresh(self, one: PendingHookQuestion, drawn_at: float) -> bool:
        return not one.answered and (bool(one.drawn) or -HOOK_DELAY_S <= drawn_at - one.at < COMES_WITH_S)

    def mark_drawn(self, name: str, digest: str) -> None:
        """Its dialog is on the screen now, so the question of the dialog before it is over."""
        self._unreported = None if digest else self._unreported
        for one in self._heard:
            if one.name == name:
                one.drawn = digest or one.drawn
        if digest:
            self._heard = [one for one in self._heard if one.asked.decides or one.name == name or not one.drawn]

    def waiting(self, name: str) -> PendingHookQuestion | None:
        return next((one for one in self._heard if one.name == name and one.waits), None)

    def untouched(self, since_key: float) -> bool:
        """Whether no key was pressed since the last question was reported."""
        return bool(self._heard) and self._heard[-1].at > self._now() - since_key
