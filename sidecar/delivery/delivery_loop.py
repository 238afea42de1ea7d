"""Carries messages from the inbox to the agent: asks the decisions, tells the hands, and chases proof that stays away.

Knows no terminal, no socket and no clock: they are given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from gateway.protocol.delivery_reasons import Held, held_by
from gateway.protocol.events import Message
from gateway.protocol.types import Activity, Composer, Delivery, Rung
from sidecar.activity.activity import CALM
from sidecar.activity.observer import Moment
from sidecar.delivery.delivery_progress import Ledger, Me, Refused
from sidecar.delivery.plain_turns import Hearing
from sidecar.delivery.prompt_text import PromptText, PromptTexts
from sidecar.delivery.stop_rules import StopOrder
from sidecar.delivery.terminal_writer import Outcome, Stage
from sidecar.delivery.typist import Eyes, Hands, Prompt
from sidecar.messages.catch_up import MOST_WHOLE
from sidecar.messages.duplicate_guard import Done
from sidecar.messages.envelope import same_text
from sidecar.messages.inbox import UNSENT, Entry
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
from sidecar.typing.paste_check import REACTS, STALLED, Now, Pasted, standing

SOON = 0.25
MOST_ATTEMPTS = 5
MOST_ROWS = 100
REST = 1.0
INTERRUPTED_WITHIN = 3.0
HELD_AT_ONCE = 25  # a person's keys come between
READS = 3.0  # a swallowed Enter leaves no trace on the screen, nor does a paste that was dropped
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
        self._texts = PromptTexts(me)
        self._enters: dict[int, int] = {}
        self._pasted = Pasted()
        self._interrupted: dict[int, float] = {}
        self._hearing = Hearing(me.plain, eyes, ledger, now)
        self._comes_back = self._works = False
        self._not_before, self._calm_since = 0.0, float("inf")

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
            self._pasted = Pasted()
            self._texts = PromptTexts(self._me)
            self._enters.clear()
            self._interrupted.clear()
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
            self.ledger.refused = Refused(self._text(company or [newest]), self._now())

    def agent_ended(self, *, comes_back: bool) -> None:
        """`comes_back`: it is started again, with its conversation."""
        self._comes_back = comes_back

    def wake(self) -> None:
        self._wake.set()

    async def something_in_hand(self) -> None:
        """Returns while the agent has a message whose proof is still to come."""
        while not (self.inbox.in_hand() or self._pasted.numbers):
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
        if self.inbox.in_hand() or self._hands.kept or self._pasted.numbers or self.ledger.refused:
            return SOON
        return SOON if any(one.held not in _TOLD for one in self.inbox.waiting()) else None

    async def step(self) -> None:
        for company, in_hand in self._companies():
            facts = self._facts(company)
            for entry in in_hand:
                self._chase(entry, company, facts)
        self._clear_what_was_refused()
        await self._hands.look_after_draft()
        for message in await self._hearing.asked():
            self.inbox.add(Entry(message, since=self._now()))
        self.ledger.expire()
        if parcel := self._parcel():
            await self._serve(parcel)
        self._look_for_more()

    def _clear_what_was_refused(self) -> None:
        """An agent may put a refused prompt back into its composer, where the next one would follow it: it is taken out
        row by row, if nothing but that stands there, and as long as nobody types."""
        refused, moment = self.ledger.refused, self._eyes.look()
        if refused is None or self._now() - refused.at < REST:
            return
        touched = self._eyes.since_key() < self._now() - refused.at
        begins = refused.rows or same_text(moment.reading.text, refused.text)
        if touched or not begins or moment.verdict.composer is not Composer.DRAFT or refused.rows > MOST_ROWS:
            self.ledger.refused = None
        elif moment.verdict.activity in CALM:
            self.ledger.refused = replace(refused, rows=refused.rows + 1)
            self._hands.clear_row()

    def _came_back(self) -> bool:
        """A prompt that nobody wants there stands in the composer."""
        refused, moment = self.ledger.refused, self._eyes.look()
        return refused is not None and (refused.rows > 0 or same_text(moment.reading.text, refused.text))

    def _parcel(self) -> list[Entry]:
        """What was typed and not submitted may stand in the composer still: then only Enter is missing."""
        standing = [one for one in self.inbox.waiting() if one.number in self._pasted.numbers]
        self._pasted = replace(self._pasted, numbers=tuple(one.number for one in standing))
        if not standing and self._pasted.reacted(self._now() - self._eyes.since_output()):
            self._pasted = Pasted()
        return standing if standing and self._shows(standing) is Shows.OURS else self.inbox.parcel()

    def _shows(self, parcel: Sequence[Entry]) -> Shows:
        moment = self._eyes.look()
        return shows(moment, self._text(parcel, moment), self._agent)

    async def _serve(self, parcel: list[Entry]) -> None:
        if self._interrupts_first(parcel[0]):
            self.ledger.hold(parcel[0], Held.INTERRUPTING)
            return
        held, stands = gate(self._facts(parcel), self._text(parcel), self._agent), self._standing(parcel)
        if held in (None, Held.DRAFT) and stands is Now.ALTERED:
            self._wait_for_it(parcel)
        elif held is not None or self._came_back():
            self._hold_all(parcel, held or Held.DRAFT)
        elif stands is Now.STALLED:
            self._wait_for_a_sign(parcel)
        elif self._hands.kept and self._shows(parcel) is not Shows.OURS:
            self._hold_all(parcel, Held.DRAFT)
        elif self._now() >= self._not_before:
            await self._deliver(parcel)

    def _reacted_at(self) -> float:
        """When the agent last showed a sign. One that has read all keys and shows none of them has dropped them: it was
        still getting ready, and painted its composer anew."""
        dropped = self._now() - self._pasted.at >= READS and self._eyes.has_read()
        return self._now() if dropped else self._now() - self._eyes.since_output()

    def _standing(self, parcel: Sequence[Entry]) -> Now:
        printed_at = self._reacted_at()
        if self._pasted.holds(tuple(one.number for one in parcel)):
            return standing(self._pasted, self._shows(parcel), printed_at)
        return Now.STALLED if self._pasted.at and not self._pasted.reacted(printed_at) else Now.READY

    def _wait_for_a_sign(self, parcel: Sequence[Entry]) -> None:
        """Nothing goes into an agent that shows nothing. What was pasted last fails in the end; the rest waits."""
        deaf = self._now() - self._pasted.at > STALLED
        numbers = {one.number for one in parcel}
        for entry in self.inbox.waiting():
            if deaf and entry.number in self._pasted.numbers:
                self.ledger.climb(entry, Rung.FAILED, "it was typed, and the agent has shown nothing since")
            elif entry.number in numbers:
                self.ledger.hold(entry, Held.STALLED)

    def _wait_for_it(self, parcel: Sequence[Entry]) -> None:
        """As long as a person likes, if one has typed since; else a few looks, and then it failed where all can see."""
        touched = self._eyes.since_key() < self._now() - self._pasted.at
        if self._now() < self._not_before:
            return
        self._not_before = self._now() + REST
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

    def _interrupts_first(self, entry: Entry) -> bool:
        """Once per message, and only work: whoever is idle has nothing to interrupt, and a dialog is not answered so.
        What works on after that, with what waited inside the agent perhaps, takes the message as any urgent one."""
        wanted = entry.message.interrupt or (entry.message.urgent and self._me.interrupts)
        if not wanted or self._eyes.look().verdict.activity is not Activity.BUSY:
            return False
        if entry.number not in self._interrupted:
            self._interrupted[entry.number] = self._now()
            if self._interrupt(StopOrder(entry.message.from_, entry.number, alone=False)):
                self.may_come_back()
        return self._now() - self._interrupted[entry.number] < INTERRUPTED_WITHIN

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

    def _text(self, parcel: Sequence[Entry], moment: Moment | None = None) -> str:
        return self._prompt_text(parcel, moment).text

    def _prompt_text(self, parcel: Sequence[Entry], moment: Moment | None = None) -> PromptText:
        bracketed = (moment or self._eyes.look()).picture.bracketed_paste
        return self._texts.of([one.message for one in parcel], bracketed=bracketed, digests=self.inbox.catches_up)

    # Typing

    async def _deliver(self, parcel: Sequence[Entry]) -> None:
        prompt = self._prompt(parcel)
        if held := await self._without_its_files(prompt, self._prompt_text(parcel).files):
            return self._settle(prompt.numbers, Outcome(Stage.NOTHING, held))
        outcome = Outcome(Stage.TYPED, Held.UNKNOWN)
        try:
            outcome = await self._hands.deliver(prompt, lambda stage: self._reached(prompt.numbers, stage))
        finally:
            self._settle(prompt.numbers, outcome)
        return None

    async def _without_its_files(self, prompt: Prompt, files: Mapping[Path, str]) -> Held | None:
        """Why the prompt may not go in, or None: a file is there before a prompt names it. A person's keys do not
        wait for the disk."""
        if not files:
            return None
        if not await asyncio.to_thread(self._me.attached.put, files):
            return Held.FILES
        return Held.TAKEN_BACK if prompt.facts().taken_back else None

    def _prompt(self, parcel: Sequence[Entry]) -> Prompt:
        """Whatever is taken back while it is typed stops the typing."""
        numbers = tuple(one.number for one in parcel)

        def facts() -> Facts:
            return replace(self._facts(parcel), taken_back=any(self.inbox.get(number) is None for number in numbers))

        return Prompt(self._text(parcel), numbers, facts)

    def _reached(self, numbers: Sequence[int], stage: Stage) -> None:
        self.ledger.taken.set()
        for number in numbers:
            if entry := self.inbox.get(number):
                self._reached_by(replace(entry, company=tuple(numbers)), stage)
        if stage is Stage.TYPED:
            self._works = self._agent.proves and is_at_work(self._eyes.look().verdict)
            self._pasted = Pasted(tuple(numbers), self._now())
            mine = [entry for number in numbers if (entry := self.inbox.get(number))]
            joins = any(one.number not in numbers for one in self.inbox.in_hand())
            self._hearing.begins(self._text(mine), joins=joins)
        elif stage is Stage.SUBMITTED:
            self._pasted = Pasted()

    def _reached_by(self, entry: Entry, stage: Stage) -> None:
        if stage is Stage.TYPED:
            self.ledger.climb(entry, Rung.TYPED)
        elif stage is Stage.SUBMITTED:
            entry = self.ledger.climb(entry, Rung.VERIFIED if self._agent.submit.echoes else Rung.UNVERIFIED)
            self._enters[entry.number] = 1
            entry = replace(entry, queued_inside=self._works)
            self.ledger.climb(entry, Rung.SUBMITTED, QUEUED_INSIDE if self._works else "")
            if not (self._agent.proves or self._hearing.wanted):
                self.ledger.unproven(entry.number)

    def _settle(self, numbers: Sequence[int], outcome: Outcome) -> None:
        if outcome.stage >= Stage.SUBMITTED:
            return
        entries = [entry for number in numbers if (entry := self.inbox.get(number)) and entry.rung in UNSENT]
        self._not_before = self._now() + REST
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
        enters = self._enters.get(entry.number, 0)
        worked = entry.worked or entry.cut is not None or entry.rung is Rung.SEEN
        painted = self._eyes.since_output() < now - entry.since - REACTS
        painted = painted or (now - entry.since >= READS and self._eyes.has_read())
        stands = Standing(entry.rung, now - entry.since, enters, now - self._calm_since, worked, painted)
        match overdue(facts, stands, self._text(company, facts.moment), self._agent):
            case Overdue.ENTER:
                self._press_enter_again(entry, company)
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

    def _press_enter_again(self, entry: Entry, company: Sequence[Entry]) -> None:
        """One key for all that stand in the composer."""
        if (
            entry.number == company[0].number
            and self._eyes.since_key() > QUIET
            and self._hands.press_enter(self._prompt(company))
        ):
            for one in company:
                self._enters[one.number] = self._enters.get(one.number, 0) + 1
                self.inbox.put(replace(one, since=self._now()))
