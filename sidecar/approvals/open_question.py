"""Looks for an open question: what the screen shows now, combined with what hooks have reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.protocol.types.core_types import Activity
from sidecar.activity.agent_observer import AgentObserver, AgentSnapshot
from sidecar.approvals.approval_inputs_and_effects import DialogSighting
from sidecar.approvals.questions.dialog_parser import read_question
from sidecar.approvals.questions.pending_hook_questions import PendingHookQuestions
from sidecar.approvals.questions.question_matching import MatchedQuestion, match_question


class DialogObserver(Protocol):
    """What `sidecar.activity.observation_loop.ObservationLoop` offers for dialogs."""

    def look(self) -> AgentSnapshot: ...

    def since_key(self) -> float: ...

    def has_unread_keys(self) -> bool: ...

    def mark_answered(self) -> None: ...

    def soon(self, seconds: float) -> None: ...

    @property
    def watch(self) -> AgentObserver: ...


class DialogReader:
    """`hook_questions` learns which of them has its dialog on the screen."""

    def __init__(
        self, observer: DialogObserver, hook_questions: PendingHookQuestions, now: Callable[[], float]
    ) -> None:
        self._observer, self._hook_questions, self._now = observer, hook_questions, now
        self._drawn: str | None = None
        self._drawn_at = float("-inf")

    def look(self) -> DialogSighting:
        """A new look at the agent."""
        return self.read(self._observer.look())

    def read(self, moment: AgentSnapshot) -> DialogSighting:
        since_key = self._observer.since_key()
        found = self._find(moment, since_key)
        if found.told:
            self._hook_questions.mark_drawn(found.told.name, found.drawn)
        return DialogSighting(found.question, since_key, moment.picture.columns)

    def _find(self, moment: AgentSnapshot, since_key: float) -> MatchedQuestion:
        dialog, options = moment.verdict.dialog, self._observer.watch.rules.options
        asks = moment.verdict.activity is Activity.ASKING
        self._hook_questions.observe(asks=asks)
        hints = tuple(text for one in self._hook_questions.candidates() for text in one.asked.texts)
        screen = read_question(dialog, options, hints) if dialog and options else None
        self._note_drawn(screen.digest if screen else None)
        told = self._hook_questions.candidates(self._drawn_at)
        asks = asks or self._hook_questions.is_expecting()
        found = match_question(screen, told, asks=asks, untouched=self._hook_questions.untouched(since_key))
        if screen is not None and found.told is None:
            self._hook_questions.note_unreported(screen)
        return found

    def _note_drawn(self, digest: str | None) -> None:
        if digest != self._drawn:
            self._drawn, self._drawn_at = digest, self._now()
