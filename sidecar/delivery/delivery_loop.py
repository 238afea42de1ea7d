"""Carries messages from the inbox to the agent: asks the decisions, tells the hands, and chases proof that stays away.

Knows no terminal, no socket and no clock: they are given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from gateway.protocol.delivery_reasons import Held, held_by
from gateway.protocol.events import Message
from gateway.protocol.types import Activity, Composer, Delivery, Rung
from sidecar.activity.activity import CALM
from sidecar.activity.observer import Moment
from sidecar.delivery.delivery_progress import Ledger, Me
from sidecar.delivery.plain_turns import Hearing
from sidecar.delivery.prompt_text import PromptTexts
from sidecar.delivery.stop_rules import StopOrder
from sidecar.delivery.terminal_writer import Outcome, Stage
from sidecar.delivery.typist import Attempt, Eyes, Hands
from sidecar.messages.catch_up import MOST_WHOLE
from sidecar.messages.duplicate_guard import Done
from sidecar.messages.inbox import UNSENT, WAITING, Entry
from sidecar.messages.recovery import TAKEN
from sidecar.screen.evidence import Source, Turn, TurnFact
from sidecar.typing.gate import (
    QUEUED_INSIDE,
    QUIET,
    Facts,
    Overdue,
    Shows,
    Standing,
    gate,
    is_at_work,
    is_worked_on,
    overdue,
    shows,
)
from sidecar.typing.prompt_states import Prompt
from sidecar.typing.prompts import REACTS_S, READS_S, Act, Observation
from sidecar.typing.returned_prompt import Clearing, clearing

SOON = 0.25
MOST_ATTEMPTS = 5
HELD_AT_ONCE = 25  # a person's keys come between
_TOLD = (Held.BUSY, Held.ASKING, Held.PAUSED, Held.OFFLINE)  # the end of these is an event
log = structlog.get_logger("sidecar.delivery.delivery_loop")


class Courier:
    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        me: Me,
        eyes: Eyes,
        hands: Hands,
        ledger: Ledger,
        now: Callable[[], float],
        interrupt: Callable[[StopOrder], bool],
    ) -> None:
        """`interrupt` ends the agent's turn, and says whether it pressed the key for that."""
        self._me, self._agent, self._interrupt = me, me.agent, interrupt
        self._eyes, self._hands, self._now = eyes, hands, now
        self.ledger, self.inbox = ledger, ledger.inbox
        self._wake = asyncio.Event()
        self.wants_more = asyncio.Event()
        self._prompts = ledger.prompts
        self._texts = PromptTexts(me)
        self._hearing = Hearing(me.plain, eyes, ledger, now)
        self._comes_back = False
        self._calm_since = float("inf")

    # What comes in

    def receive(self, message: Message) -> None:
        """What is far from its turn is left to the gateway, and fetched when it comes near."""
        entry = Entry(message, since=self._now())
        if message.seq not in self.inbox.known and self.inbox.is_far(entry):
            self.inbox.defer(entry)
            self._look_for_more()
            self._me.on_change()
        elif self.inbox.add(entry):
            log.info("received", number=message.seq, sender=message.from_)
            self.inbox.make_room()
            self.wake()

    def expect_more(self) -> None:
        """The gateway may have messages that are not here."""
        self.inbox.expect_more()
        self.wants_more.set()

    def take_up(self, message: Message, delivery: Delivery) -> None:
        """It waited before we came: why it does is known to the room."""
        waits = delivery.rung is Rung.HELD
        entry = Entry(message, delivery.rung, delivery.reason, held_by(delivery.reason)) if waits else Entry(message)
        if self.inbox.add(replace(entry, since=self._now())):
            log.info("taken up", number=message.seq, sender=message.from_)
            self.wake()

    def changed(self) -> None:
        """How many wait is shown."""
        self._me.on_change()

    def _look_for_more(self) -> None:
        if self.inbox.wants_more:
            self.wants_more.set()

    def drop(self, number: int) -> None:
        if number not in self.inbox.known:
            self.inbox.beyond = max(0, self.inbox.beyond - 1)
            self._me.on_change()
            return
        self.ledger.drop(number)
        self.wake()

    def retry(self, message: Message) -> None:
        """A person's order: what was known of this number counts no more, unless the agent has it right now."""
        if any(one.number == message.seq and one.rung not in UNSENT for one in self.inbox.in_hand()):
            return
        self.ledger.remember((message.seq,), Done.RELEASED)
        self.inbox.again(Entry(message, since=self._now()))
        self.wake()

    def move(self, house: str, run: str = "", began: int = 0) -> bool:
        """Whether this is another house than before, or one put back from a backup: its numbers mean other messages."""
        moved = self.ledger.move(house, run, began)
        if moved:
            self._texts = PromptTexts(self._me)
        return moved

    def pause(self, paused: bool) -> None:
        self.inbox.paused = paused
        self.wake()

    def fact(self, fact: TurnFact) -> None:
        """A hook or a transcript line."""
        self.ledger.fact(fact)
        self.wake()

    def may_come_back(self) -> None:
        """A turn is ended from the room before the agent has said anything, perhaps: some put the prompt back into the
        composer then, where nobody asked for it."""
        hand = [one for one in self.inbox.in_hand() if is_worked_on(one)]
        if hand:
            newest = max(hand, key=lambda one: one.accepted)
            company = [one for number in newest.company if (one := self.inbox.get(number))]
            text = (self._prompts.sent.get(newest.number) or self._compose(company or [newest])).text
            self._prompts.may_return(text, self._now())

    def agent_ended(self, *, comes_back: bool) -> None:
        """`comes_back`: it is started again, with its conversation."""
        self._comes_back = comes_back

    def wake(self) -> None:
        self._wake.set()

    async def something_in_hand(self) -> None:
        """Returns while the agent has a message whose proof is still to come."""
        while not (self.inbox.in_hand() or self._prompts.unsent):
            self.ledger.taken.clear()
            await self.ledger.taken.wait()

    # The loop

    async def run(self) -> None:
        while True:
            self._wake.clear()
            await self.step()
            await asyncio.sleep(0)  # a step that follows at once lets everything else have its turn first
            try:
                async with asyncio.timeout(self._patience()):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _patience(self) -> float | None:
        """Time alone matters while something is in the agent's hands, and for what no event will tell the end of."""
        if self.inbox.in_hand() or self._hands.kept or self._prompts.unsent or self._prompts.returned:
            return SOON
        return SOON if any(one.held not in _TOLD for one in self.inbox.waiting()) else None

    async def step(self) -> None:
        for company, in_hand in self._companies():
            facts = self._facts(company)
            for entry in in_hand:
                self._chase(entry, company, facts)
        self._clear_what_was_returned()
        await self._hands.look_after_draft()
        for message in await self._hearing.asked():
            self.inbox.add(Entry(message, since=self._now()))
        self.ledger.expire()
        if prompt := self._next_prompt():
            await self._serve(prompt)
        self._look_for_more()

    def _clear_what_was_returned(self) -> None:
        """An agent may put a prompt back into its composer, where the next one would follow it."""
        returned, moment = self._prompts.returned, self._eyes.look()
        if returned is None:
            return
        match clearing(returned, moment, self._eyes.since_key(), self._now()):
            case Clearing.FORGET:
                self._prompts.forget_returned()
            case Clearing.TAKE_OUT_ROW:
                self._prompts.row_taken_out()
                self._hands.clear_row()

    def _next_prompt(self) -> Prompt | None:
        """What was pasted and not submitted may stand in the composer still: then only Enter is missing."""
        moment = self._eyes.look()
        self._prompts.keep(self._left_of_pasted(moment), self._now() - self._eyes.since_output())
        pasted = self._prompts.pasted
        if self._prompts.unsent and pasted and shows(moment, pasted.text, self._agent) is Shows.OURS:
            return pasted
        parcel = self.inbox.parcel()
        return self._compose(parcel, moment) if parcel else None

    def _left_of_pasted(self, moment: Moment) -> Prompt | None:
        """Without those of its messages that wait no longer."""
        unsent = self._prompts.unsent
        waiting = [one for one in self._entries(unsent) if one.rung in WAITING]
        if not waiting:
            return None
        return self._prompts.pasted if len(waiting) == len(unsent) else self._compose(waiting, moment)

    def _entries(self, numbers: Sequence[int]) -> list[Entry]:
        return [entry for number in numbers if (entry := self.inbox.get(number))]

    def _compose(self, parcel: Sequence[Entry], moment: Moment | None = None) -> Prompt:
        bracketed = (moment or self._eyes.look()).picture.bracketed_paste
        made = self._texts.of([one.message for one in parcel], bracketed=bracketed, digests=self.inbox.catches_up)
        return Prompt(tuple(one.number for one in parcel), made.text, made.files)

    async def _serve(self, prompt: Prompt) -> None:
        parcel = self._entries(prompt.numbers)
        seen = self._observe(prompt, parcel)
        command = self._prompts.next_act(prompt, seen)
        match command.act:
            case Act.INTERRUPT:
                self._interrupt_for(parcel[0])
            case Act.HOLD_FIRST:
                self.ledger.hold(parcel[0], Held.INTERRUPTING)
            case Act.HOLD:
                self._hold_all(parcel, command.held or Held.UNKNOWN)
            case Act.LOOK_AGAIN:
                self._look_again_at(parcel, touched=self._prompts.touched(seen))
            case Act.AWAIT_SIGN | Act.GIVE_UP:
                self._await_sign(parcel, gives_up=command.act is Act.GIVE_UP)
            case Act.TYPE:
                await self._type(prompt)

    def _observe(self, prompt: Prompt, parcel: Sequence[Entry]) -> Observation:
        facts, first = self._facts(parcel), parcel[0].message
        return Observation(
            facts.moment,
            self._now(),
            gate(facts, prompt.text, self._agent),
            shows(facts.moment, prompt.text, self._agent),
            wants_interrupt=first.interrupt or (first.urgent and self._me.interrupts),
            draft_kept=self._hands.kept is not None,
            since_key=facts.since_key,
            since_output=self._eyes.since_output(),
            has_read=self._prompts.pasted is not None and self._eyes.has_read(),
        )

    def _interrupt_for(self, entry: Entry) -> None:
        """Its key may make the agent put the prompt of that turn back into the composer."""
        self._prompts.interrupt(entry.number, self._now())
        if self._interrupt(StopOrder(entry.message.from_, entry.number, alone=False)):
            self.may_come_back()
        self.ledger.hold(entry, Held.INTERRUPTING)

    def _await_sign(self, parcel: Sequence[Entry], *, gives_up: bool) -> None:
        """Nothing goes into an agent that shows nothing. What was pasted last fails in the end; the rest waits."""
        failed = self._entries(self._prompts.unsent) if gives_up else []
        for entry in failed:
            self.ledger.climb(entry, Rung.FAILED, "it was typed, and the agent has shown nothing since")
        for entry in parcel:
            if entry not in failed:
                self.ledger.hold(entry, Held.STALLED)

    def _look_again_at(self, parcel: Sequence[Entry], *, touched: bool) -> None:
        """As long as a person likes, if one has typed since; else a few looks, and then it failed where all can see."""
        self._prompts.rest(self._now())
        for entry in parcel:
            tried = entry if touched else replace(entry, attempts=entry.attempts + 1)
            self.inbox.put(tried)
            if tried.attempts >= MOST_ATTEMPTS:
                self.ledger.climb(tried, Rung.FAILED, "it stands in the composer, but not as it was sent")
            else:
                self.ledger.hold(tried, Held.DRAFT)

    def _hold_all(self, parcel: Sequence[Entry], held: Held) -> None:
        """The first ones at each change of the reason, all others once, and of these a few at a time."""
        first = {one.number for one in parcel[:MOST_WHOLE]}
        others = 0
        for entry in self.inbox.waiting():
            if entry.number not in first:
                if entry.rung is not Rung.QUEUED:
                    continue
                others += 1
                if others > HELD_AT_ONCE:
                    return self.wake()
            paused = self.inbox.paused and not entry.message.urgent
            self.ledger.hold(entry, Held.PAUSED if paused else held)
        return None

    def _facts(self, parcel: Sequence[Entry]) -> Facts:
        numbers = {one.number for one in parcel}
        others = [one for one in self.inbox.in_hand() if one.number not in numbers]
        return Facts(
            self._eyes.look(),
            parcel[0].message.urgent,
            self.inbox.paused,
            bool(others),
            self._eyes.since_key(),
            self._eyes.in_foreground(),
            self._eyes.since_ready(),
        )

    # Typing

    async def _type(self, prompt: Prompt) -> None:
        attempt = self._attempt(prompt)
        if held := await self._without_its_files(attempt):
            return self._settle(prompt.numbers, Outcome(Stage.NOTHING, held))
        outcome = Outcome(Stage.TYPED, Held.UNKNOWN)
        self._prompts.begin(prompt)
        try:
            outcome = await self._hands.deliver(attempt, self._reached)
        finally:
            self._settle(prompt.numbers, outcome)
        return None

    async def _without_its_files(self, attempt: Attempt) -> Held | None:
        """Why the prompt may not go in, or None: a file is there before a prompt names it. A person's keys do not
        wait for the disk."""
        if not attempt.prompt.files:
            return None
        if not await asyncio.to_thread(self._me.attached.put, attempt.prompt.files):
            return Held.FILES
        return Held.TAKEN_BACK if attempt.facts().taken_back else None

    def _attempt(self, prompt: Prompt) -> Attempt:
        """Whatever is taken back while it is typed stops the typing."""
        parcel = self._entries(prompt.numbers)

        def facts() -> Facts:
            gone = any(self.inbox.get(number) is None for number in prompt.numbers)
            return replace(self._facts(parcel), taken_back=gone)

        return Attempt(prompt, facts)

    def _reached(self, stage: Stage) -> None:
        """A move of the writer's is on its way to the agent."""
        self.ledger.taken.set()
        prompt = self._prompts.typing
        if prompt is None:
            return
        if stage is Stage.TYPED:
            self._pasted(prompt)
        elif stage is Stage.SUBMITTED:
            self._prompts.enter(self._now())
            for entry in self._entries(prompt.numbers):
                self._submitted(replace(entry, company=prompt.numbers, queued_inside=prompt.queued_inside))

    def _pasted(self, prompt: Prompt) -> None:
        works = self._agent.proves and is_at_work(self._eyes.look().verdict)
        self._prompts.paste(self._now(), queued_inside=works)
        for entry in self._entries(prompt.numbers):
            self.ledger.climb(replace(entry, company=prompt.numbers), Rung.TYPED)
        joins = any(one.number not in prompt.numbers for one in self.inbox.in_hand())
        self._hearing.begins(prompt.text, joins=joins)

    def _submitted(self, entry: Entry) -> None:
        entry = self.ledger.climb(entry, Rung.VERIFIED if self._agent.submit.echoes else Rung.UNVERIFIED)
        self.ledger.climb(entry, Rung.SUBMITTED, QUEUED_INSIDE if entry.queued_inside else "")
        if not (self._agent.proves or self._hearing.wanted):
            self.ledger.unproven(entry.number)

    def _settle(self, numbers: Sequence[int], outcome: Outcome) -> None:
        if outcome.stage >= Stage.SUBMITTED:
            return
        entries = [entry for number in numbers if (entry := self.inbox.get(number)) and entry.rung in UNSENT]
        self._prompts.stop(self._now())
        if outcome.stage is Stage.TYPED:
            entries = [replace(one, attempts=one.attempts + 1) for one in entries]
        for entry in entries:
            if entry.attempts >= MOST_ATTEMPTS and self._composer_is_empty():
                self.ledger.climb(entry, Rung.FAILED, "typed several times, but it never appeared in the composer")
            else:
                self.ledger.hold(entry, outcome.held or Held.UNKNOWN)

    def _composer_is_empty(self) -> bool:
        return self._eyes.look().verdict.composer is Composer.EMPTY

    # Proof

    def _companies(self) -> list[tuple[list[Entry], list[Entry]]]:
        """What is in the agent's hands, with all that went in as the same prompt: one look serves for all of it."""
        found: dict[tuple[int, ...], list[Entry]] = {}
        for entry in self.inbox.in_hand():
            found.setdefault(entry.company or (entry.number,), []).append(entry)
        present = self.inbox.get
        return [([one for each in numbers if (one := present(each))], mine) for numbers, mine in found.items()]

    def _chase(self, entry: Entry, company: Sequence[Entry], facts: Facts) -> None:
        now, calm = self._now(), facts.moment.verdict.activity in CALM
        self._calm_since = min(self._calm_since, now) if calm else float("inf")
        if facts.moment.verdict.activity is Activity.GONE:
            self._left_by_agent(entry)
            return
        if not entry.worked and entry.rung in TAKEN and is_at_work(facts.moment.verdict):
            entry = replace(entry, worked=True)
            self.inbox.put(entry)
        prompt = self._prompts.sent.get(entry.number) or self._compose(company, facts.moment)
        worked = entry.worked or entry.cut is not None or entry.rung is Rung.SEEN
        painted = self._eyes.since_output() < now - entry.since - REACTS_S
        painted = painted or (now - entry.since >= READS_S and self._eyes.has_read())
        stands = Standing(entry.rung, now - entry.since, prompt.enters, now - self._calm_since, worked, painted)
        match overdue(facts, stands, prompt.text, self._agent):
            case Overdue.ENTER:
                self._press_enter_again(entry, company, prompt)
            case Overdue.SILENT if entry.cut:
                self.ledger.climb(entry, Rung.FAILED, entry.cut.reason)
            case Overdue.SILENT if entry.words and facts.moment.verdict.activity is Activity.IDLE:
                self.fact(TurnFact(Turn.ENDED, "", entry.turn, Source.TRANSCRIPT))
            case Overdue.LOST | Overdue.SILENT | Overdue.UNPROVEN as why:
                self.ledger.climb(entry, Rung.FAILED, why)

    def _left_by_agent(self, entry: Entry) -> None:
        """What was not submitted goes nowhere. Of the rest its next life decides, if there is one: its transcript
        tells."""
        if entry.rung in (Rung.TYPED, Rung.VERIFIED, Rung.UNVERIFIED):
            self.ledger.hold(entry, Held.OFFLINE)
        elif not self._comes_back:
            self.ledger.climb(entry, Rung.FAILED, "turn lost: the agent has exited")

    def _press_enter_again(self, entry: Entry, company: Sequence[Entry], prompt: Prompt) -> None:
        """One key for all that stand in the composer."""
        if (
            entry.number == company[0].number
            and self._eyes.since_key() > QUIET
            and self._hands.press_enter(self._attempt(prompt))
        ):
            self._prompts.enter_again(prompt.numbers, self._now())
            for one in company:
                self.inbox.put(replace(one, since=self._now()))
