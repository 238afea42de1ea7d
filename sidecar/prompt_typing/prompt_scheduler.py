"""Keeps all prompts of one agent and decides the next act on the prompt that is due. Pure: observations in, acts
out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum

from gateway.protocol.types.core_types import Activity, Rung
from gateway.protocol.types.delivery_reasons import HoldReason
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.messages.inbox import FINAL_RUNGS
from sidecar.prompt_typing.prompt_states import AgentPrompt, PromptEvent, PromptState
from sidecar.prompt_typing.returned_prompt import ReturnedPrompt
from sidecar.prompt_typing.typing_gate import ComposerContent

REST_S = 1.0  # after an attempt that was stopped
INTERRUPTED_WITHIN_S = 3.0
REACTS_S = 1.0
READS_S = 3.0  # a swallowed Enter leaves no trace on the screen
DROPS_S = 10.0  # a busy machine may show a paste seconds after the agent has read it
STALLED_S = 60.0
PROVEN_BY = (Rung.ACCEPTED, Rung.SEEN)


class PasteStanding(Enum):
    """What happened to the last paste. READY: its text is in the composer, or nothing is there and the agent has
    reacted. ALTERED: the composer shows other text (it came late, differs, or contains a person's keys); it is not a
    draft to stash for the same message. STALLED: the agent has printed nothing since, so an empty composer may be an
    old picture."""

    READY = "ready"
    ALTERED = "altered"
    STALLED = "stalled"


@dataclass(frozen=True)
class Observation:
    """One look at the agent for one prompt. `held`: the gate's hold reason. `shows`: what the composer shows, compared
    with that prompt. `wants_interrupt`: the first message wants the running turn ended. `since_key`, `since_output`:
    seconds since a person's last key and since the agent last printed. `has_read`: the agent is known to have read
    everything that was written to it. `has_unread`: it is known not to have."""

    moment: AgentSnapshot
    now: float
    held: HoldReason | None
    shows: ComposerContent
    wants_interrupt: bool = False
    draft_kept: bool = False
    since_key: float = float("inf")
    since_output: float = 0.0
    has_read: bool = True
    has_unread: bool = False


class PromptAct(Enum):
    """INTERRUPT: end the turn first. HOLD: the prompt waits, for the reason given. HOLD_FIRST: only its first message
    waits. LOOK_AGAIN: the composer does not show the text as it was sent. AWAIT_SIGN: nothing is typed into an agent
    that shows nothing. GIVE_UP: it has shown nothing for so long that the pasted prompt fails; the rest waits. REST: an
    attempt was stopped just now. TYPE: type the prompt."""

    INTERRUPT = "interrupt"
    HOLD = "hold"
    HOLD_FIRST = "hold the first"
    LOOK_AGAIN = "look again"
    AWAIT_SIGN = "await a sign"
    GIVE_UP = "give up"
    REST = "rest"
    TYPE = "type"


@dataclass(frozen=True)
class PromptDecision:
    act: PromptAct
    held: HoldReason | None = None


@dataclass
class AgentPrompts:
    """All prompts of one agent. `typing`: the one that the writer has. `pasted`: the last one pasted, while it is
    PASTED or ABANDONED. `sent`: the submitted ones, by message number. `returned`: a prompt that may be back in the
    composer. `hook_due`: the numbers for which Enter was pressed and no submit hook has come yet."""

    typing: AgentPrompt | None = None
    pasted: AgentPrompt | None = None
    sent: dict[int, AgentPrompt] = field(default_factory=dict)
    returned: ReturnedPrompt | None = None
    hook_due: set[int] = field(default_factory=set)
    _interrupted_at: dict[int, float] = field(default_factory=dict)
    _rests_until: float = 0.0

    # Events

    def begin(self, prompt: AgentPrompt) -> None:
        self.typing = prompt.after(PromptEvent.BEGIN)

    def paste(self, now: float, *, queued_inside: bool) -> None:
        if self.typing:
            pasted = replace(self.typing.after(PromptEvent.PASTE, now), queued_inside=queued_inside)
            self.typing = self.pasted = pasted

    def enter(self, now: float, empty_rows: int = 0) -> None:
        if self.typing:
            prompt = replace(self.typing.after(PromptEvent.ENTER, now), empty_rows=empty_rows)
            self.sent.update(dict.fromkeys(prompt.numbers, prompt))
        self.typing = self.pasted = None

    def enter_again(self, numbers: Iterable[int], now: float, empty_rows: int = 0) -> None:
        for number in self.sent.keys() & set(numbers):
            self.sent[number] = replace(self.sent[number].after(PromptEvent.ENTER, now), empty_rows=empty_rows)

    def stop(self, now: float) -> None:
        """The writer ended before Enter. The pasted text stays where it is."""
        self.typing = None
        self.rest(now)

    def rest(self, now: float) -> None:
        self._rests_until = now + REST_S

    def interrupt(self, number: int, now: float) -> None:
        """A turn is ended for this message."""
        self._interrupted_at[number] = now

    def reach(self, number: int, rung: Rung) -> None:
        """A message has reached this delivery state."""
        if rung in (Rung.HELD, Rung.FAILED):
            self.hook_due.discard(number)
        if rung in FINAL_RUNGS:
            self.end(number)
            self._interrupted_at.pop(number, None)  # tried again, it interrupts again
        elif rung in PROVEN_BY:
            self._prove(number)

    def _prove(self, number: int) -> None:
        pasted = self.pasted
        if pasted and pasted.state is PromptState.PASTED and number in pasted.numbers:
            self.sent.update(dict.fromkeys(pasted.numbers, pasted))  # a person pressed Enter
            self.pasted = None
        if number in self.sent:
            self.sent[number] = self.sent[number].after(PromptEvent.PROVE)

    def end(self, number: int) -> None:
        self.sent.pop(number, None)

    def keep(self, left: AgentPrompt | None, printed_at: float) -> None:
        """Update the pasted prompt to `left`, the messages of it that still wait. After a message was taken back, its
        text differs from what the composer shows. If none is left, it is forgotten once the agent has shown something
        since."""
        if self.pasted is None:
            return
        if left is None:
            dropped = self.pasted.after(PromptEvent.DROP)
            dropped = dropped.after(PromptEvent.REACT) if self._has_reacted(printed_at) else dropped
            self.pasted = None if dropped.state is PromptState.OVER else dropped
        elif left.numbers != self.pasted.numbers:
            self.pasted = replace(self.pasted, numbers=left.numbers, text=left.text)

    def expect_hook(self, numbers: Iterable[int]) -> None:
        """Enter is about to be pressed."""
        self.hook_due.update(numbers)

    def may_return(self, text: str, now: float) -> None:
        self.returned = ReturnedPrompt(text, now)

    def look_for_returned(self, moment: AgentSnapshot, now: float) -> ReturnedPrompt | None:
        self.returned = self.returned and self.returned.seen(moment, now)
        return self.returned

    def row_taken_out(self) -> None:
        if self.returned:
            self.returned = replace(self.returned, rows=self.returned.rows + 1)

    def forget_returned(self) -> None:
        self.returned = None

    def forget_numbers(self) -> None:
        """The numbers now mean other messages. A prompt that the agent returned may still be in its composer."""
        self.typing = self.pasted = None
        self.sent.clear()
        self.hook_due.clear()
        self._interrupted_at.clear()

    # Decisions

    def next_act(self, prompt: AgentPrompt, seen: Observation) -> PromptDecision:
        """What to do with the next prompt. The first rule that applies decides."""
        blocked = self._interruption(prompt, seen) or self._blocked(prompt, seen)
        return blocked or PromptDecision(PromptAct.REST if seen.now < self._rests_until else PromptAct.TYPE)

    def _interruption(self, prompt: AgentPrompt, seen: Observation) -> PromptDecision | None:
        """Interrupt once per message, and only work: an idle agent has nothing to interrupt, and a dialog is not
        answered this way. If the agent still works afterwards, perhaps on what it had queued, the message is typed like
        any urgent one."""
        if not seen.wants_interrupt or seen.moment.verdict.activity is not Activity.BUSY:
            return None
        at = self._interrupted_at.get(prompt.numbers[0])
        if at is None:
            return PromptDecision(PromptAct.INTERRUPT, HoldReason.INTERRUPTING)
        return (
            PromptDecision(PromptAct.HOLD_FIRST, HoldReason.INTERRUPTING)
            if seen.now - at < INTERRUPTED_WITHIN_S
            else None
        )

    def _blocked(self, prompt: AgentPrompt, seen: Observation) -> PromptDecision | None:
        standing = self.standing(prompt, seen)
        if standing is PasteStanding.ALTERED and seen.held in (None, HoldReason.DRAFT):
            return PromptDecision(
                PromptAct.REST if seen.now < self._rests_until else PromptAct.LOOK_AGAIN, HoldReason.DRAFT
            )
        if seen.held:
            return PromptDecision(PromptAct.HOLD, seen.held)
        if self.returned and self.returned.is_shown(seen.moment):
            return PromptDecision(PromptAct.HOLD, HoldReason.DRAFT)
        if standing is PasteStanding.STALLED:
            return PromptDecision(
                PromptAct.GIVE_UP if self._is_deaf(seen.now) else PromptAct.AWAIT_SIGN, HoldReason.STALLED
            )
        if seen.draft_kept and seen.shows is not ComposerContent.OURS:
            return PromptDecision(PromptAct.HOLD, HoldReason.DRAFT)
        return None

    def standing(self, prompt: AgentPrompt, seen: Observation) -> PasteStanding:
        """An agent that has read all keys and shows none of them has dropped them: it was still starting and has
        painted its composer anew. What it paints before it has read them proves nothing: they still come."""
        pasted = self.pasted
        if pasted is None:
            return PasteStanding.READY
        if pasted.state is PromptState.PASTED and not set(pasted.numbers).isdisjoint(prompt.numbers):
            if seen.shows is ComposerContent.OURS:
                return PasteStanding.READY
            if seen.shows is ComposerContent.OTHER:
                return PasteStanding.ALTERED
        if seen.has_unread:
            return PasteStanding.STALLED
        dropped = seen.has_read and seen.now - pasted.at >= DROPS_S
        printed_at = seen.now if dropped else seen.now - seen.since_output
        return PasteStanding.READY if self._has_reacted(printed_at) else PasteStanding.STALLED

    def _has_reacted(self, printed_at: float) -> bool:
        """A frame that was already on its way proves nothing."""
        return self.pasted is not None and printed_at > self.pasted.at + REACTS_S

    def _is_deaf(self, now: float) -> bool:
        return self.pasted is not None and now - self.pasted.at > STALLED_S

    def touched(self, seen: Observation) -> bool:
        """Whether a person has typed since the paste."""
        return self.pasted is not None and seen.since_key < seen.now - self.pasted.at

    @property
    def unsent(self) -> tuple[int, ...]:
        """The messages whose text was pasted but not submitted."""
        return self.pasted.numbers if self.pasted and self.pasted.state is PromptState.PASTED else ()
