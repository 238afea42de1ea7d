"""Watches submitted messages until they are proven: presses Enter again if it was swallowed, and reports failures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gateway.protocol.types.core_types import Activity, Rung
from gateway.protocol.types.delivery_reasons import HoldReason
from sidecar.activity.activity_verdict import CALM_ACTIVITIES
from sidecar.delivery.message_progress import DeliveryConfig, DeliveryProgress
from sidecar.delivery.prompt_on_screen import PromptView
from sidecar.delivery.typist import ComposerObserver, Typist
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.messages.inbox import InboxEntry
from sidecar.messages.recovery import TAKEN_RUNGS
from sidecar.prompt_typing.prompt_scheduler import REACTS_S, READS_S
from sidecar.prompt_typing.prompt_states import AgentPrompt
from sidecar.prompt_typing.proof_rules import (
    ENTER_RETRY_DELAY_S,
    QUIET_FOR_S,
    OverdueAction,
    ProofState,
    is_at_work,
    overdue_action,
)
from sidecar.prompt_typing.typing_gate import GateInput


@dataclass(frozen=True)
class PromptInHand:
    """`entries`: the messages of one prompt that are still known. `in_hand`: those of them that the agent has."""

    entries: Sequence[InboxEntry]
    in_hand: Sequence[InboxEntry]


class SubmissionWatch:
    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        me: DeliveryConfig,
        observer: ComposerObserver,
        typist: Typist,
        progress: DeliveryProgress,
        view: PromptView,
        now: Callable[[], float],
    ) -> None:
        self._agent, self._observer, self._typist, self._view, self._now = me.agent, observer, typist, view, now
        self._progress, self._prompts, self._reports = progress, progress.prompts, me.reports
        self._comes_back = False
        self._calm_since = float("inf")
        self._entered_at = float("-inf")

    def agent_ended(self, *, comes_back: bool) -> None:
        """`comes_back`: the agent is started again with its conversation."""
        self._comes_back = comes_back

    def look(self) -> None:
        """Look once per prompt, for all of its messages."""
        for prompt in self._prompts_in_hand():
            facts = self._view.facts(prompt.entries)
            for entry in prompt.in_hand:
                self._chase_proof(entry, prompt.entries, facts)

    def _prompts_in_hand(self) -> list[PromptInHand]:
        found: dict[tuple[int, ...], list[InboxEntry]] = {}
        for entry in self._progress.inbox.in_hand():
            found.setdefault(entry.company or (entry.number,), []).append(entry)
        return [PromptInHand(self._view.entries(numbers), in_hand) for numbers, in_hand in found.items()]

    def _chase_proof(self, entry: InboxEntry, company: Sequence[InboxEntry], facts: GateInput) -> None:
        if entry.limited is not None and facts.moment.verdict.activity is not Activity.GONE:
            return
        now, calm = self._now(), facts.moment.verdict.activity in CALM_ACTIVITIES
        self._calm_since = min(self._calm_since, now) if calm else float("inf")
        if facts.moment.verdict.activity is Activity.GONE:
            self._handle_agent_gone(entry)
            return
        if not entry.worked and entry.rung in TAKEN_RUNGS and is_at_work(facts.moment.verdict):
            entry = replace(entry, worked=True)
            self._progress.inbox.put(entry)
        prompt = self._prompts.sent.get(entry.number) or self._view.compose(company, facts.moment)
        worked = entry.worked or entry.cut is not None or entry.rung is Rung.SEEN
        painted = self._observer.since_output() < now - entry.since - REACTS_S
        painted = painted or (now - entry.since >= READS_S and self._observer.has_read())
        broke = prompt.enters > 0 and facts.moment.reading.empty_rows > prompt.empty_rows
        stands = ProofState(
            entry.rung, now - entry.since, prompt.enters, now - self._calm_since, worked, painted, broke
        )
        match overdue_action(facts, stands, prompt.text, self._agent):
            case OverdueAction.ENTER:
                self._press_enter_again(entry, company, prompt)
            case OverdueAction.SILENT if (
                entry.words and not entry.cut and facts.moment.verdict.activity is Activity.IDLE
            ):
                self._progress.fact(TurnFact(TurnFactKind.ENDED, "", entry.turn, EvidenceSource.TRANSCRIPT))
            case OverdueAction.LOST | OverdueAction.SILENT | OverdueAction.UNPROVEN as why:
                self._progress.record_rung(entry, Rung.FAILED, self._reason_of(why, entry))

    def _reason_of(self, why: OverdueAction, entry: InboxEntry) -> str:
        if why is OverdueAction.SILENT and entry.cut:
            return entry.cut.reason
        missing = self._reports.missing_proof(entry.since) if why is OverdueAction.UNPROVEN else ""
        return f"{why}: {missing}" if missing else why

    def _handle_agent_gone(self, entry: InboxEntry) -> None:
        """A message that was not submitted waits again. If the agent comes back, its transcript decides about the
        others; if not, they have failed."""
        if entry.rung in (Rung.TYPED, Rung.VERIFIED, Rung.UNVERIFIED):
            self._progress.hold(entry, HoldReason.OFFLINE)
        elif not self._comes_back:
            self._progress.record_rung(entry, Rung.FAILED, "turn lost: the agent has exited")

    def _press_enter_again(self, entry: InboxEntry, company: Sequence[InboxEntry], prompt: AgentPrompt) -> None:
        """Press Enter once for all messages in the composer, and once for all prompts that the agent keeps inside."""
        if (
            entry.number == company[0].number
            and not (self._sends_kept() and self._now() - self._entered_at < ENTER_RETRY_DELAY_S)
            and self._observer.since_key() > QUIET_FOR_S
            and self._typist.press_enter(self._view.attempt(prompt))
        ):
            self._entered_at = self._now()
            self._prompts.enter_again(prompt.numbers, self._entered_at, self._observer.look().reading.empty_rows)
            for one in company:
                self._progress.inbox.put(replace(one, since=self._now()))

    def _sends_kept(self) -> bool:
        """Whether the next Enter sends all prompts that the agent keeps inside."""
        return self._observer.look().reading.keeps_prompts
