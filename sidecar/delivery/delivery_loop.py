"""Carries messages from the inbox to the agent: it looks at the agent, asks what to do next, and does it.

It knows no terminal, no socket and no clock: they are passed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import structlog

from gateway.protocol.events import Message
from gateway.protocol.types.core_types import Composer, Delivery, Rung
from gateway.protocol.types.delivery_reasons import HoldReason, hold_reason_of
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.delivery.message_progress import DeliveryConfig, DeliveryProgress
from sidecar.delivery.plain_program_listener import PlainProgramListener
from sidecar.delivery.prompt_on_screen import PromptView
from sidecar.delivery.stop_rules import StopOrder
from sidecar.delivery.submission_watch import SubmissionWatch
from sidecar.delivery.terminal_writer import TypingResult, TypingStage
from sidecar.delivery.typist import ComposerObserver, TypingAttempt, Typist
from sidecar.evidence.turn_evidence import TurnFact
from sidecar.messages.backlog_digest import MAX_WHOLE_MESSAGES
from sidecar.messages.duplicate_guard import MessageProgress
from sidecar.messages.inbox import UNSENT_RUNGS, WAITING, InboxEntry
from sidecar.messages.sealed_turns import why_not_typed
from sidecar.prompt_typing.prompt_scheduler import PromptAct
from sidecar.prompt_typing.prompt_states import AgentPrompt
from sidecar.prompt_typing.proof_rules import ENTER_RETRY_DELAY_S, is_at_work, is_worked_on
from sidecar.prompt_typing.returned_prompt import ReturnedPromptAction, clearing
from sidecar.prompt_typing.typing_gate import QUEUED_BY_AGENT_TEXT, ComposerContent, composer_content

PROMPT_CHECK_DELAY_S = 0.25
SUBMIT_CHECK_DELAY_S = 0.1
MAX_ATTEMPTS = 5
LATE_ENTRY_S = 10.0
GO_ON_TEXT = "Your usage limit is over. Go on with what you were doing, and answer what you were asked."
MAX_HELD_PER_STEP = 25  # so that a person's keys are handled in between
_REPORTED_HOLDS = (
    HoldReason.BUSY,
    HoldReason.ASKING,
    HoldReason.PAUSED,
    HoldReason.OFFLINE,
    HoldReason.LIMITED,
    HoldReason.LOGIN,
)  # an event tells when one of these ends
log = structlog.get_logger("sidecar.delivery.delivery_loop")


class DeliveryLoop:
    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        me: DeliveryConfig,
        observer: ComposerObserver,
        typist: Typist,
        progress: DeliveryProgress,
        now: Callable[[], float],
        interrupt: Callable[[StopOrder], bool],
    ) -> None:
        """`interrupt` ends the agent's turn and returns whether it pressed the key for that."""
        self._me, self._agent, self._interrupt = me, me.agent, interrupt
        self._observer, self._typist, self._now = observer, typist, now
        self.progress, self.inbox = progress, progress.inbox
        self._wake = asyncio.Event()
        self.wants_more = asyncio.Event()
        self._prompts = progress.prompts
        self._view = PromptView(me, observer, typist, progress, now)
        self._proofs = SubmissionWatch(me, observer, typist, progress, self._view, now)
        self._hearing = PlainProgramListener(me.plain, observer, progress, now)

    # Events in

    def receive(self, message: Message) -> None:
        """Queue a message. A message that is far from its turn stays at the gateway and is fetched when it comes
        near."""
        entry = InboxEntry(message, since=self._now())
        if message.seq in self.inbox.known or self._refuse(message):
            return
        if self.inbox.is_far(entry):
            self.inbox.defer(entry)
            self._fetch_more()
            self._me.on_change()
        elif self.inbox.add(entry):
            log.info("received", number=message.seq, sender=message.from_)
            self.inbox.drop_far_messages()
            self.wake()

    def add_notice(self, notice: str) -> None:
        """Add this to the next message for the agent."""
        self._view.add_notice(notice)

    def expect_more(self) -> None:
        """The gateway may have messages that are not in the inbox."""
        self.inbox.expect_more()
        self.wants_more.set()

    def adopt_waiting(self, message: Message, delivery: Delivery) -> None:
        """Queue a message that already waited before this run. The room knows why it waits."""
        if self._refuse(message):
            return
        waits = delivery.rung is Rung.HELD
        entry = (
            InboxEntry(message, delivery.rung, delivery.reason, hold_reason_of(delivery.reason))
            if waits
            else InboxEntry(message)
        )
        if self.inbox.add(replace(entry, since=self._now())):
            log.info("adopted", number=message.seq, sender=message.from_)
            self.wake()

    def _refuse(self, message: Message) -> bool:
        """Nothing is typed that its writer did not write. The room learns why."""
        why = why_not_typed(self._me.name, message, self._me.is_sealed_room)
        if why:
            self.progress.mark_over(message.seq, Rung.FAILED, why)
            log.warning("a message is not typed", number=message.seq, why=why)
        return bool(why)

    def changed(self) -> None:
        """Tell whoever shows the number of waiting messages."""
        self._me.on_change()

    def _fetch_more(self) -> None:
        if self.inbox.wants_more:
            self.wants_more.set()

    def drop(self, number: int) -> None:
        if number not in self.inbox.known:
            self.inbox.beyond = max(0, self.inbox.beyond - 1)
            self._me.on_change()
            return
        self.progress.drop(number)
        self.wake()

    def retry(self, message: Message) -> None:
        """A person orders this message again. What was known about its number is dropped, unless the agent has it in
        hand."""
        if any(one.number == message.seq and one.rung not in UNSENT_RUNGS for one in self.inbox.in_hand()):
            return
        if self._refuse(message):
            return
        self.progress.remember((message.seq,), MessageProgress.RELEASED)
        self.inbox.again(InboxEntry(message, since=self._now()))
        self.wake()

    def move(self, store: str, run: str = "", began: int = 0) -> bool:
        """Switch to the store of this welcome. Returns whether it is another store, or one restored from a backup: its
        numbers mean other messages."""
        moved = self.progress.move(store, run, began)
        if moved:
            self._view.forget_texts()
        return moved

    def pause(self, paused: bool) -> None:
        self.inbox.paused = paused
        self.wake()

    def lift_limit(self) -> None:
        """A person says that the vendor lets the agent go on."""
        self._me.block.lift()
        self.wake()

    def fact(self, fact: TurnFact) -> None:
        """Take in what a hook or a transcript line says."""
        self.progress.fact(fact)
        self.wake()

    def expect_returned_prompt(self) -> None:
        """Called when the room ends a turn, possibly before the agent has answered. Some agents then put the prompt
        back into the composer, where nobody wants it."""
        hand = [one for one in self.inbox.in_hand() if is_worked_on(one)]
        if hand:
            newest = max(hand, key=lambda one: one.accepted)
            company = [one for number in newest.company if (one := self.inbox.get(number))]
            text = (self._prompts.sent.get(newest.number) or self._view.compose(company or [newest])).text
            self._prompts.may_return(text, self._now())

    def agent_ended(self, *, comes_back: bool) -> None:
        """`comes_back`: the agent is started again with its conversation."""
        self._proofs.agent_ended(comes_back=comes_back)

    def wake(self) -> None:
        self._wake.set()

    async def wait_while_in_hand(self) -> None:
        """Return while the agent has a message that is not proven yet."""
        while not (self._active() or self._prompts.unsent):
            self.progress.taken.clear()
            await self.progress.taken.wait()

    def _active(self) -> bool:
        """Whether the agent has a message for which something may still be seen or read. While a limit keeps it from
        going on, nothing is; only the transcript repeats the refusal a moment later."""
        heard_since = self._now() - LATE_ENTRY_S
        if self._me.block.hold() is not HoldReason.LIMITED:
            return bool(self.inbox.in_hand())
        return any(one.limited is None or one.limited > heard_since for one in self.inbox.in_hand())

    # The loop

    async def run(self) -> None:
        while True:
            self._wake.clear()
            await self.step()
            await asyncio.sleep(0)  # let other tasks run before the next step
            try:
                async with asyncio.timeout(self._patience()):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _patience(self) -> float | None:
        """The loop polls only while the agent has something in hand, or while a hold reason has no event that ends
        it."""
        if self._awaits_submit():
            return SUBMIT_CHECK_DELAY_S
        if self._active() or self._typist.kept or self._prompts.unsent or self._prompts.returned:
            return PROMPT_CHECK_DELAY_S
        return PROMPT_CHECK_DELAY_S if any(one.held not in _REPORTED_HOLDS for one in self.inbox.waiting()) else None

    def _awaits_submit(self) -> bool:
        """Whether Enter was pressed just now. Some agents begin a new row instead, of which no event tells."""
        soon = self._now() - ENTER_RETRY_DELAY_S
        return any(one.rung is Rung.SUBMITTED and one.since > soon for one in self.inbox.in_hand())

    async def step(self) -> None:
        self._proofs.look()
        self._clear_what_was_returned()
        await self._typist.look_after_draft()
        for message in await self._hearing.asked():
            self.inbox.add(InboxEntry(message, since=self._now()))
        self.progress.expire()
        if not await self._go_on_after_limit() and (prompt := self._next_prompt()):
            await self._serve(prompt)
        self._fetch_more()

    def _clear_what_was_returned(self) -> None:
        """An agent may put a prompt back into its composer. It is cleared, or the next prompt would be appended to
        it."""
        moment = self._observer.look()
        returned = self._prompts.look_for_returned(moment, self._now())
        if returned is None:
            return
        match clearing(returned, moment, self._observer.since_key(), self._now()):
            case ReturnedPromptAction.FORGET:
                self._prompts.forget_returned()
            case ReturnedPromptAction.TAKE_OUT_ROW:
                self._prompts.row_taken_out()
                self._typist.clear_row()

    def _next_prompt(self) -> AgentPrompt | None:
        """A prompt that was pasted but not submitted may still be in the composer. Then only Enter is missing."""
        moment = self._observer.look()
        self._prompts.keep(self._left_of_pasted(moment), self._now() - self._observer.since_output())
        pasted = self._prompts.pasted
        if (
            self._prompts.unsent
            and pasted
            and composer_content(moment, pasted.text, self._agent) is ComposerContent.OURS
        ):
            return pasted
        parcel = self._provable_parcel(moment)
        return self._view.compose(parcel, moment) if parcel else None

    def _provable_parcel(self, moment: AgentSnapshot) -> Sequence[InboxEntry]:
        """Where lines are joined, only the first envelope begins a line, so nothing would prove a second message."""
        parcel = self.inbox.parcel()
        joined = not moment.picture.bracketed_paste
        return parcel[:1] if joined and self._agent.proves else parcel

    def _left_of_pasted(self, moment: AgentSnapshot) -> AgentPrompt | None:
        """The pasted prompt without the messages that do not wait any more."""
        unsent = self._prompts.unsent
        waiting = [one for one in self._view.entries(unsent) if one.rung in WAITING]
        if not waiting:
            return None
        return self._prompts.pasted if len(waiting) == len(unsent) else self._view.compose(waiting, moment)

    async def _serve(self, prompt: AgentPrompt) -> None:
        parcel = self._view.entries(prompt.numbers)
        seen = self._view.observe(prompt, parcel)
        command = self._prompts.next_act(prompt, seen)
        match command.act:
            case PromptAct.INTERRUPT:
                self._interrupt_for(parcel[0])
            case PromptAct.HOLD_FIRST:
                self.progress.hold(parcel[0], HoldReason.INTERRUPTING)
            case PromptAct.HOLD:
                self._hold_all(parcel, command.held or HoldReason.UNKNOWN)
            case PromptAct.LOOK_AGAIN:
                self._look_again_at(parcel, touched=self._prompts.touched(seen))
            case PromptAct.AWAIT_SIGN | PromptAct.GIVE_UP:
                self._await_sign(parcel, gives_up=command.act is PromptAct.GIVE_UP)
            case PromptAct.TYPE:
                await self._type(prompt)

    def _interrupt_for(self, entry: InboxEntry) -> None:
        """The interrupt key may make the agent put the prompt of that turn back into the composer."""
        self._prompts.interrupt(entry.number, self._now())
        if self._interrupt(StopOrder(entry.message.from_, entry.number, alone=False)):
            self.expect_returned_prompt()
        self.progress.hold(entry, HoldReason.INTERRUPTING)

    def _await_sign(self, parcel: Sequence[InboxEntry], *, gives_up: bool) -> None:
        """Nothing is typed into an agent that shows nothing. In the end the prompt that was pasted last fails; the rest
        waits."""
        failed = self._view.entries(self._prompts.unsent) if gives_up else []
        for entry in failed:
            self.progress.record_rung(entry, Rung.FAILED, "it was typed, and the agent has shown nothing since")
        for entry in parcel:
            if entry not in failed:
                self.progress.hold(entry, HoldReason.STALLED)

    def _look_again_at(self, parcel: Sequence[InboxEntry], *, touched: bool) -> None:
        """If a person has typed since the paste, look as often as needed. Otherwise the message fails visibly after a
        few looks."""
        self._prompts.rest(self._now())
        for entry in parcel:
            tried = entry if touched else replace(entry, attempts=entry.attempts + 1)
            self.inbox.put(tried)
            if tried.attempts >= MAX_ATTEMPTS:
                self.progress.record_rung(tried, Rung.FAILED, "it is in the composer, but changed")
            else:
                self.progress.hold(tried, HoldReason.DRAFT)

    def _hold_all(self, parcel: Sequence[InboxEntry], held: HoldReason) -> None:
        """Report the hold reason: for the first messages at each change, for all others once, a few per step."""
        first = {one.number for one in parcel[:MAX_WHOLE_MESSAGES]}
        others = 0
        for entry in self.inbox.waiting():
            if entry.number not in first:
                if entry.rung is not Rung.QUEUED:
                    continue
                others += 1
                if others > MAX_HELD_PER_STEP:
                    return self.wake()
            paused = self.inbox.paused and not entry.message.urgent
            self.progress.hold(entry, HoldReason.PAUSED if paused else held)
        return None

    # Typing

    async def _go_on_after_limit(self) -> bool:
        """The model has messages in its conversation whose turn a usage limit refused. When the limit has ended, the
        agent is told to go on. Returns whether that was typed."""
        kept = [one for one in self.inbox.in_hand() if one.limited is not None]
        if not kept or self._me.block.hold() is HoldReason.LIMITED or self.inbox.paused:
            return False
        facts = partial(self._view.facts, kept)
        prompt = AgentPrompt((), f"[system -> {self._me.name}] {GO_ON_TEXT}", {})
        outcome = await self._typist.deliver(TypingAttempt(prompt, facts), lambda stage: None)
        if outcome.stage >= TypingStage.SUBMITTED:
            for entry in kept:
                self.inbox.put(replace(entry, limited=None, since=self._now(), worked=False))
            self.progress.taken.set()
        return outcome.stage is not TypingStage.NOTHING

    async def _type(self, prompt: AgentPrompt) -> None:
        attempt = self._view.attempt(prompt)
        if held := await self._missing_files_reason(attempt):
            return self._settle(prompt.numbers, TypingResult(TypingStage.NOTHING, held))
        outcome = TypingResult(TypingStage.TYPED, HoldReason.UNKNOWN)
        self._me.sealed_turn.note_typing([one.message for one in self._view.entries(prompt.numbers)])
        self._prompts.begin(prompt)
        try:
            outcome = await self._typist.deliver(attempt, self._reached)
        finally:
            self._settle(prompt.numbers, outcome)
        return None

    async def _missing_files_reason(self, attempt: TypingAttempt) -> HoldReason | None:
        """Why the prompt may not be typed, or None. Its files are written before the prompt names them, in a thread,
        because a person's keys must not wait for the disk."""
        if not attempt.prompt.files:
            return None
        if not await asyncio.to_thread(self._me.attached.put, attempt.prompt.files):
            return HoldReason.FILES
        return HoldReason.TAKEN_BACK if attempt.facts().taken_back else None

    def _reached(self, stage: TypingStage) -> None:
        """The writer has sent a move to the agent."""
        self.progress.taken.set()
        prompt = self._prompts.typing
        if prompt is None:
            return
        if stage is TypingStage.TYPED:
            self._pasted(prompt)
        elif stage is TypingStage.SUBMITTED:
            self._prompts.enter(self._now(), self._observer.look().reading.empty_rows)
            self._view.mark_submitted(prompt)
            for entry in self._view.entries(prompt.numbers):
                self._submitted(replace(entry, company=prompt.numbers, queued_inside=prompt.queued_inside))

    def _pasted(self, prompt: AgentPrompt) -> None:
        works = self._agent.proves and is_at_work(self._observer.look().verdict)
        self._prompts.paste(self._now(), queued_inside=works)
        for entry in self._view.entries(prompt.numbers):
            self.progress.record_rung(replace(entry, company=prompt.numbers), Rung.TYPED)
        joins = any(one.number not in prompt.numbers for one in self.inbox.in_hand())
        self._hearing.begins(prompt.text, joins=joins)

    def _submitted(self, entry: InboxEntry) -> None:
        entry = self.progress.record_rung(entry, Rung.VERIFIED if self._agent.submit.echoes else Rung.UNVERIFIED)
        self.progress.record_rung(entry, Rung.SUBMITTED, QUEUED_BY_AGENT_TEXT if entry.queued_inside else "")
        if not (self._agent.proves or self._hearing.wanted):
            self.progress.mark_unproven(entry.number)

    def _settle(self, numbers: Sequence[int], outcome: TypingResult) -> None:
        if outcome.stage >= TypingStage.SUBMITTED:
            return
        entries = [entry for number in numbers if (entry := self.inbox.get(number)) and entry.rung in UNSENT_RUNGS]
        self._prompts.stop(self._now())
        if outcome.stage is TypingStage.TYPED:
            entries = [replace(one, attempts=one.attempts + 1) for one in entries]
        for entry in entries:
            if entry.attempts >= MAX_ATTEMPTS and self._composer_is_empty():
                self.progress.record_rung(
                    entry, Rung.FAILED, "typed several times, but it never appeared in the composer"
                )
            else:
                self.progress.hold(entry, outcome.held or HoldReason.UNKNOWN)

    def _composer_is_empty(self) -> bool:
        return self._observer.look().verdict.composer is Composer.EMPTY
