"""Types one prompt: stash the draft, paste, press the submit key, restore the draft. Each move looks at the screen
anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from gateway.protocol.types.delivery_reasons import HoldReason
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.agents import Adapter
from sidecar.agents.adapter.adapter import CLEAR_ROW
from sidecar.delivery.message_progress import DeliveryProgress
from sidecar.delivery.terminal_writer import TerminalWriter, TypingMove, TypingResult, TypingStage
from sidecar.messages import envelope
from sidecar.messages.duplicate_guard import MessageProgress
from sidecar.prompt_typing.drafts import DraftAction, SecondsSince, StashedDraft, keys_for_action, next_draft_action
from sidecar.prompt_typing.prompt_states import AgentPrompt
from sidecar.prompt_typing.typing_gate import (
    ComposerContent,
    GateInput,
    MoveDecision,
    MovePermission,
    composer_content,
    decide_enter,
    decide_paste,
    decide_stash,
    may_send_kept,
)

PAUSE_AFTER_STASH_S = 0.03
PAUSE_AFTER_ENTER_S = 0.05
REPORT_TIMEOUT_S = 0.3  # typing does not wait longer for a room that is away
log = structlog.get_logger("sidecar.delivery.typist")


class ComposerObserver(Protocol):
    """What the agent's screen shows now. Each call looks anew."""

    def look(self) -> AgentSnapshot: ...

    def since_key(self) -> float: ...

    def since_output(self) -> float: ...

    def has_read(self) -> bool: ...

    def has_unread_keys(self) -> bool: ...

    def in_foreground(self) -> bool: ...

    def mark_entered(self) -> None: ...

    def since_ready(self) -> float: ...


@dataclass(frozen=True)
class TypingAttempt:
    """One prompt to type, and how to look before each move."""

    prompt: AgentPrompt
    facts: Callable[[], GateInput]

    @property
    def text(self) -> str:
        return self.prompt.text

    @property
    def numbers(self) -> tuple[int, ...]:
        return self.prompt.numbers


class Typist:
    def __init__(
        self,
        agent: Adapter,
        observer: ComposerObserver,
        writer: TerminalWriter,
        progress: DeliveryProgress,
        now: Callable[[], float],
    ) -> None:
        self._agent, self._observer, self._writer, self._progress, self._now = agent, observer, writer, progress, now
        self.kept: StashedDraft | None = None
        self._pasted_at, self._shown_at = float("-inf"), float("inf")

    async def deliver(self, attempt: TypingAttempt, on_stage: Callable[[TypingStage], None]) -> TypingResult:
        if not self._progress.remember(attempt.numbers, MessageProgress.TYPING):
            return TypingResult(TypingStage.NOTHING, HoldReason.JOURNAL)
        return await self._writer.put(self._typing_moves(attempt), lambda stage: self._reached(stage, on_stage))

    def _typing_moves(self, attempt: TypingAttempt) -> list[TypingMove]:
        moment, agent, stash = self._observer.look(), self._agent, self._agent.stash
        shown = composer_content(moment, attempt.text, agent)
        enter = TypingMove(
            TypingStage.SUBMITTED, agent.submit.key, lambda: self._may_enter(attempt), PAUSE_AFTER_ENTER_S
        )
        if shown is ComposerContent.OURS:
            return [enter, *self._back()]
        bracketed = moment.picture.bracketed_paste
        stashing = shown is ComposerContent.OTHER and stash is not None
        paste = TypingMove(
            TypingStage.TYPED,
            envelope.paste_bytes(attempt.text, bracketed),
            lambda: decide_paste(attempt.facts(), attempt.text, agent, emptied=stashing),
        )
        if not stashing or stash is None:
            return [paste, enter]
        return [
            TypingMove(TypingStage.STASHED, stash.put, lambda: self._may_stash(attempt), PAUSE_AFTER_STASH_S),
            paste,
            enter,
            *self._back(),
        ]

    def _may_stash(self, attempt: TypingAttempt) -> MovePermission:
        may = decide_stash(attempt.facts(), attempt.text, self._agent)
        if may.go is MoveDecision.NOW:
            self.kept = StashedDraft(self._observer.look().reading.text, self._now())
        return may

    def _may_enter(self, attempt: TypingAttempt) -> MovePermission:
        may = self._settled(decide_enter(attempt.facts(), attempt.text, self._agent))
        if may.go is not MoveDecision.NOW:
            return may
        if self._progress.untold(attempt.numbers) and self._now() < self._pasted_at + REPORT_TIMEOUT_S:
            return MovePermission(MoveDecision.WAIT, HoldReason.UNTOLD)
        if not self._progress.remember(attempt.numbers, MessageProgress.SUBMITTING):
            return MovePermission(MoveDecision.STOP, HoldReason.JOURNAL)
        self._progress.prompts.expect_hook(attempt.numbers)
        return may

    def _settled(self, may: MovePermission) -> MovePermission:
        """Wait until the paste has settled: an Enter that comes too early is read as part of the paste."""
        now, submit = self._now(), self._agent.submit
        self._shown_at = min(self._shown_at, now) if may.go is MoveDecision.NOW else float("inf")
        wait = max(self._pasted_at + submit.pause, self._shown_at + submit.shown) - now
        if may.go is not MoveDecision.NOW or wait <= 1e-6:
            return may
        return MovePermission(MoveDecision.WAIT, HoldReason.SETTLING, wait)

    def _reached(self, stage: TypingStage, on_stage: Callable[[TypingStage], None]) -> None:
        if stage is TypingStage.TYPED:
            self._pasted_at, self._shown_at = self._now(), float("inf")
        elif stage is TypingStage.SUBMITTED:
            self._observer.mark_entered()
        self._draft_survives(stage)
        on_stage(stage)

    def _draft_survives(self, stage: TypingStage) -> None:
        if self.kept and stage is TypingStage.SUBMITTED:
            self.kept = replace(self.kept, submitted=True, since=self._now())
        elif self.kept and stage is TypingStage.RESTORED:
            self.kept = replace(self.kept, tries=self.kept.tries + 1, since=self._now())

    def clear_row(self) -> None:
        self._writer.answer(CLEAR_ROW)

    def press_enter(self, attempt: TypingAttempt) -> bool:
        """Press Enter once more, if the screen proves that the text is still in the composer, or that the agent keeps
        it inside until then."""
        facts = attempt.facts()
        ready = decide_enter(facts, attempt.text, self._agent).go is MoveDecision.NOW or may_send_kept(facts)
        if self._writer.typing or not ready or not self._progress.remember(attempt.numbers, MessageProgress.SUBMITTING):
            return False
        self._progress.prompts.expect_hook(attempt.numbers)
        self._writer.answer(self._agent.submit.key)
        return True

    # A person's draft

    def _back(self) -> list[TypingMove]:
        """Restore the draft right after the submit, if the agent does not do it by itself."""
        stash = self._agent.stash
        if stash is None or not stash.back:
            return []
        pause = self._agent.submit.pause
        return [
            TypingMove(
                TypingStage.RESTORED, self._keys(DraftAction.BACK), lambda: self._may_restore(DraftAction.BACK), pause
            )
        ]

    def _keys(self, what: DraftAction) -> bytes:
        kept = self.kept or StashedDraft(self._observer.look().reading.text, 0.0)
        return keys_for_action(what, kept, self._agent, bracketed=self._observer.look().picture.bracketed_paste)

    def _due(self, kept: StashedDraft) -> DraftAction:
        moment, observer = self._observer.look(), self._observer
        return next_draft_action(
            kept,
            moment,
            self._agent,
            SecondsSince(self._now() - kept.since, observer.since_key(), observer.since_output()),
        )

    def _may_restore(self, what: DraftAction) -> MovePermission:
        if self.kept is None:
            return MovePermission(MoveDecision.STOP, HoldReason.NO_DRAFT)
        found = self._due(self.kept)
        if found is what:
            return MovePermission(MoveDecision.NOW)
        return MovePermission(MoveDecision.STOP if found is DraftAction.DONE else MoveDecision.WAIT, HoldReason.DRAFT)

    async def look_after_draft(self) -> None:
        """Work on the stashed draft until it is restored. A dialog may have come up, or the message may not have been
        submitted."""
        if self.kept is None or self._writer.typing:
            return
        what = self._due(self.kept)
        if what is DraftAction.DONE:
            log.info("the draft is left to the person", shown=self._observer.look().verdict.composer.value)
            self.kept = None
        elif what in (DraftAction.BACK, DraftAction.UNDO):
            move = TypingMove(
                TypingStage.RESTORED, self._keys(what), lambda: self._may_restore(what), self._agent.submit.pause
            )
            await self._writer.put([move], self._draft_survives)
