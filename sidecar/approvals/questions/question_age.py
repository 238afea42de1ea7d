"""How long the screen has shown a question, and whether that is long enough to tell the room. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sidecar.approvals.questions.dialog_parser import Question

SETTLE_S = 0.25
SETTLE_UNREADABLE_S = 1.5
SETTLE_TOLD_BY_HOOK_S = 0.1


@dataclass(frozen=True)
class ShownQuestion:
    """What the screen shows, perhaps nothing. `since`: since when it is this question; `unchanged`: since when it can
    be answered in the same ways. `told` is always what the room was told last."""

    question: Question | None = None
    since: float = 0.0
    unchanged: float = 0.0

    def after(self, question: Question | None, now: float) -> ShownQuestion:
        """After another look."""
        since = self.since if _digest(question) == _digest(self.question) else now
        unchanged = self.unchanged if _answers(question) == _answers(self.question) else now
        return ShownQuestion(question, since, unchanged)

    def is_told(self, told: Question | None) -> bool:
        """Whether it is the question that the room was told."""
        return _digest(self.question) == _digest(told)

    def has_settled(self, told: Question | None, now: float) -> bool:
        return now - self._begin(told) >= self._settle_s(told)

    def has_other_answers(self, told: Question | None) -> bool:
        return _answers(self.question) != _answers(told)

    def due(self, told: Question | None, now: float) -> float | None:
        """In how many seconds time alone makes a difference."""
        if self.is_told(told) and not self.has_other_answers(told):
            return None
        return max(0.0, self._begin(told) + self._settle_s(told) - now) + 0.001

    def _begin(self, told: Question | None) -> float:
        return self.unchanged if self.is_told(told) else self.since

    def _settle_s(self, told: Question | None) -> float:
        """A dialog without readable options is usually still being drawn. A question reported by a hook is announced
        soon, however it is drawn; its options follow when they do not change any more."""
        shown = self.question
        if shown is not None and shown.told and not (shown.choices and self.is_told(told)):
            return SETTLE_TOLD_BY_HOOK_S
        return SETTLE_S if shown is None or shown.choices else SETTLE_UNREADABLE_S


def _digest(question: Question | None) -> str | None:
    return question.digest if question else None


def _answers(question: Question | None) -> tuple[object, ...] | None:
    return question.answers if question else None
