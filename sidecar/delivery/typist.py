"""Types one prompt: puts a draft away, pastes, presses the submit key, brings the draft back. Each move looks anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from gateway.protocol.delivery_reasons import Held
from sidecar.activity.observer import Moment
from sidecar.agents import Agent
from sidecar.agents.adapter.adapter import CLEAR_ROW
from sidecar.delivery.delivery_progress import Ledger
from sidecar.delivery.terminal_writer import Move, Outcome, Stage, Writer
from sidecar.messages import envelope
from sidecar.messages.duplicate_guard import Done
from sidecar.typing.drafts import Ages, Due, Kept, due, keys_for
from sidecar.typing.gate import Facts, Go, Permission, Shows, may_enter, may_paste, may_stash, shows
from sidecar.typing.prompt_states import Prompt

AFTER_STASH = 0.03
AFTER_ENTER = 0.05
HEARD_WITHIN = 0.3  # a room that is away holds up nothing
log = structlog.get_logger("sidecar.delivery.typist")


class Eyes(Protocol):
    """What is on the agent's screen now, looked at anew."""

    def look(self) -> Moment: ...

    def since_key(self) -> float: ...

    def since_output(self) -> float: ...

    def has_read(self) -> bool: ...

    def in_foreground(self) -> bool: ...

    def entered(self) -> None: ...

    def since_ready(self) -> float: ...


@dataclass(frozen=True)
class Attempt:
    """To type one prompt, and how to look before each move."""

    prompt: Prompt
    facts: Callable[[], Facts]

    @property
    def text(self) -> str:
        return self.prompt.text

    @property
    def numbers(self) -> tuple[int, ...]:
        return self.prompt.numbers


class Hands:
    def __init__(self, agent: Agent, eyes: Eyes, writer: Writer, ledger: Ledger, now: Callable[[], float]) -> None:
        self._agent, self._eyes, self._writer, self._ledger, self._now = agent, eyes, writer, ledger, now
        self.kept: Kept | None = None
        self._pasted_at, self._shown_at = float("-inf"), float("inf")

    async def deliver(self, attempt: Attempt, on_stage: Callable[[Stage], None]) -> Outcome:
        if not self._ledger.remember(attempt.numbers, Done.TYPING):
            return Outcome(Stage.NOTHING, Held.JOURNAL)
        return await self._writer.put(self._moves(attempt), lambda stage: self._reached(stage, on_stage))

    def _moves(self, attempt: Attempt) -> list[Move]:
        moment, agent, stash = self._eyes.look(), self._agent, self._agent.stash
        shown = shows(moment, attempt.text, agent)
        enter = Move(Stage.SUBMITTED, agent.submit.key, lambda: self._may_enter(attempt), AFTER_ENTER)
        if shown is Shows.OURS:
            return [enter, *self._back()]
        bracketed = moment.picture.bracketed_paste
        stashing = shown is Shows.OTHER and stash is not None
        paste = Move(
            Stage.TYPED,
            envelope.pasted(attempt.text, bracketed),
            lambda: may_paste(attempt.facts(), attempt.text, agent, emptied=stashing),
        )
        if not stashing or stash is None:
            return [paste, enter]
        return [
            Move(Stage.STASHED, stash.put, lambda: self._may_stash(attempt), AFTER_STASH),
            paste,
            enter,
            *self._back(),
        ]

    def _may_stash(self, attempt: Attempt) -> Permission:
        may = may_stash(attempt.facts(), attempt.text, self._agent)
        if may.go is Go.NOW:
            self.kept = Kept(self._eyes.look().reading.text, self._now())
        return may

    def _may_enter(self, attempt: Attempt) -> Permission:
        may = self._settled(may_enter(attempt.facts(), attempt.text, self._agent))
        if may.go is not Go.NOW:
            return may
        if self._ledger.untold(attempt.numbers) and self._now() < self._pasted_at + HEARD_WITHIN:
            return Permission(Go.WAIT, Held.UNTOLD)
        if not self._ledger.remember(attempt.numbers, Done.SUBMITTING):
            return Permission(Go.STOP, Held.JOURNAL)
        self._ledger.prompts.expect_hook(attempt.numbers)
        return may

    def _settled(self, may: Permission) -> Permission:
        """An Enter that comes too early is taken for a part of the paste."""
        now, submit = self._now(), self._agent.submit
        self._shown_at = min(self._shown_at, now) if may.go is Go.NOW else float("inf")
        early = now < max(self._pasted_at + submit.pause, self._shown_at + submit.shown) - 1e-6
        return Permission(Go.WAIT, Held.SETTLING) if may.go is Go.NOW and early else may

    def _reached(self, stage: Stage, on_stage: Callable[[Stage], None]) -> None:
        if stage is Stage.TYPED:
            self._pasted_at, self._shown_at = self._now(), float("inf")
        elif stage is Stage.SUBMITTED:
            self._eyes.entered()
        self._kept_through(stage)
        on_stage(stage)

    def _kept_through(self, stage: Stage) -> None:
        if self.kept and stage is Stage.SUBMITTED:
            self.kept = replace(self.kept, submitted=True, since=self._now())
        elif self.kept and stage is Stage.RESTORED:
            self.kept = replace(self.kept, tries=self.kept.tries + 1, since=self._now())

    def clear_row(self) -> None:
        self._writer.answer(CLEAR_ROW)

    def press_enter(self, attempt: Attempt) -> bool:
        """Once more, where the text is proven to stand in the composer still."""
        ready = may_enter(attempt.facts(), attempt.text, self._agent).go is Go.NOW
        if self._writer.typing or not ready or not self._ledger.remember(attempt.numbers, Done.SUBMITTING):
            return False
        self._ledger.prompts.expect_hook(attempt.numbers)
        self._writer.answer(self._agent.submit.key)
        return True

    # A person's draft

    def _back(self) -> list[Move]:
        """Right after the submit, where the agent does not bring the draft back by itself."""
        stash = self._agent.stash
        if stash is None or not stash.back:
            return []
        pause = self._agent.submit.pause
        return [Move(Stage.RESTORED, self._keys(Due.BACK), lambda: self._may_restore(Due.BACK), pause)]

    def _keys(self, what: Due) -> bytes:
        kept = self.kept or Kept(self._eyes.look().reading.text, 0.0)
        return keys_for(what, kept, self._agent, bracketed=self._eyes.look().picture.bracketed_paste)

    def _due(self, kept: Kept) -> Due:
        moment, eyes = self._eyes.look(), self._eyes
        return due(kept, moment, self._agent, Ages(self._now() - kept.since, eyes.since_key(), eyes.since_output()))

    def _may_restore(self, what: Due) -> Permission:
        if self.kept is None:
            return Permission(Go.STOP, Held.NO_DRAFT)
        found = self._due(self.kept)
        if found is what:
            return Permission(Go.NOW)
        return Permission(Go.STOP if found is Due.DONE else Go.WAIT, Held.DRAFT)

    async def look_after_draft(self) -> None:
        """Until it is back: a dialog may have come between, or the message was not submitted after all."""
        if self.kept is None or self._writer.typing:
            return
        what = self._due(self.kept)
        if what is Due.DONE:
            log.info("the draft is left to the person", shown=self._eyes.look().verdict.composer.value)
            self.kept = None
        elif what in (Due.BACK, Due.UNDO):
            move = Move(Stage.RESTORED, self._keys(what), lambda: self._may_restore(what), self._agent.submit.pause)
            await self._writer.put([move], self._kept_through)
