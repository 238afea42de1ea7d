"""Compares a prompt with the agent's screen: its text, and the input for the gate and for the next act. Each call looks
anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.delivery.message_progress import DeliveryConfig, DeliveryProgress
from sidecar.delivery.prompt_text import PromptTexts
from sidecar.delivery.typist import ComposerObserver, TypingAttempt, Typist
from sidecar.messages.inbox import InboxEntry
from sidecar.messages.quiet_notices import QuietNotices
from sidecar.prompt_typing.prompt_scheduler import Observation
from sidecar.prompt_typing.prompt_states import AgentPrompt
from sidecar.prompt_typing.typing_gate import (
    GateInput,
    composer_content,
    hold_reason_for,
)


class PromptView:
    def __init__(
        self,
        me: DeliveryConfig,
        observer: ComposerObserver,
        typist: Typist,
        progress: DeliveryProgress,
        now: Callable[[], float],
    ) -> None:
        self._me, self._agent, self._observer, self._typist, self._now = me, me.agent, observer, typist, now
        self._progress = progress
        self._notices = QuietNotices()
        self._texts = PromptTexts(me, self._notices)

    def forget_texts(self) -> None:
        """Forget all texts, because the numbers now mean other messages."""
        self._texts = PromptTexts(self._me, self._notices)

    def add_notice(self, notice: str) -> None:
        """What the agent should know without being woken. The text of a prompt that is being typed does not change."""
        self._notices.add(notice)
        if not (self._progress.prompts.typing or self._progress.prompts.pasted):
            self.forget_texts()

    def mark_submitted(self, prompt: AgentPrompt) -> None:
        self._texts.mark_submitted(prompt.text)

    def entries(self, numbers: Sequence[int]) -> list[InboxEntry]:
        return [entry for number in numbers if (entry := self._progress.inbox.get(number))]

    def compose(self, parcel: Sequence[InboxEntry], moment: AgentSnapshot | None = None) -> AgentPrompt:
        bracketed = (moment or self._observer.look()).picture.bracketed_paste
        made = self._texts.of(
            [one.message for one in parcel], bracketed=bracketed, digests=self._progress.inbox.catches_up
        )
        return AgentPrompt(tuple(one.number for one in parcel), made.text, made.files)

    def observe(self, prompt: AgentPrompt, parcel: Sequence[InboxEntry]) -> Observation:
        facts, first = self.facts(parcel), parcel[0].message
        return Observation(
            facts.moment,
            self._now(),
            hold_reason_for(facts, prompt.text, self._agent),
            composer_content(facts.moment, prompt.text, self._agent),
            wants_interrupt=first.interrupt or (first.urgent and self._me.interrupts),
            draft_kept=self._typist.kept is not None,
            since_key=facts.since_key,
            since_output=self._observer.since_output(),
            has_read=self._progress.prompts.pasted is not None and self._observer.has_read(),
            has_unread=self._progress.prompts.pasted is not None and self._observer.has_unread_keys(),
        )

    def facts(self, parcel: Sequence[InboxEntry]) -> GateInput:
        numbers = {one.number for one in parcel}
        others = [one for one in self._progress.inbox.in_hand() if one.number not in numbers]
        return GateInput(
            self._observer.look(),
            parcel[0].message.urgent,
            self._progress.inbox.paused,
            bool(others),
            self._observer.since_key(),
            self._observer.in_foreground(),
            self._observer.since_ready(),
            blocked=self._me.block.hold(),
        )

    def attempt(self, prompt: AgentPrompt) -> TypingAttempt:
        """Typing stops when one of the messages is taken back meanwhile."""
        parcel = self.entries(prompt.numbers)

        def facts() -> GateInput:
            gone = any(self._progress.inbox.get(number) is None for number in prompt.numbers)
            return replace(self.facts(parcel), taken_back=gone)

        return TypingAttempt(prompt, facts)
