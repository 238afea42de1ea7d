"""Carries messages from the inbox to the agent and answers back: asks the decisions, tells writer and outbox.

Knows no terminal, no socket and no clock: they are given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from gateway.protocol.events import Message
from gateway.protocol.nouns import Activity, Composer, Rung
from sidecar import wording
from sidecar.agents import Agent
from sidecar.delivery import (
    TYPING_REST,
    WARM_UP,
    Facts,
    Go,
    Overdue,
    Shows,
    Standing,
    gate,
    may_enter,
    overdue,
    proves,
    rise,
    shows,
)
from sidecar.inbox import Entry, Inbox
from sidecar.replies import replies
from sidecar.room import Outbox
from sidecar.signals import Source, Turn, TurnFact
from sidecar.watch import Moment
from sidecar.writer import Item, Outcome, Stage, Writer

MOST_ATTEMPTS = 5
REST = 1.0
log = structlog.get_logger("sidecar.courier")


class Eyes(Protocol):
    """What is on the agent's screen now, looked at anew."""

    def look(self) -> Moment: ...

    def since_key(self) -> float: ...

    def in_foreground(self) -> bool: ...

    def entered(self) -> None: ...

    def since_ready(self) -> float: ...


@dataclass(frozen=True)
class Me:
    name: str
    agent: Agent
    names: Callable[[], Collection[str]]
    on_change: Callable[[], None]


class Courier:
    def __init__(self, me: Me, eyes: Eyes, writer: Writer, outbox: Outbox, now: Callable[[], float]) -> None:
        self._me, self._agent = me, me.agent
        self._eyes, self._writer, self._outbox, self._now = eyes, writer, outbox, now
        self.inbox = Inbox()
        self.shares = me.agent.shares
        self._wake, self._taken = asyncio.Event(), asyncio.Event()
        self._enters: dict[int, int] = {}
        self._not_before, self._calm_since = 0.0, float("inf")

    # What comes in

    def receive(self, message: Message) -> None:
        if self.inbox.add(Entry(message, since=self._now())):
            log.info("received", number=message.seq, sender=message.from_)
            self.wake()

    def drop(self, number: int) -> None:
        """Taken back or expired: gone, unless the agent already has it."""
        entry = self.inbox.get(number)
        if entry and entry in self.inbox.waiting():
            self.inbox.put(entry.at(Rung.CANCELLED, "", self._now()))
            self._me.on_change()
            self.wake()

    def lost(self, number: int) -> None:
        """An earlier run of the agent took it in and died before the answer: only a person orders it again."""
        self.inbox.known.add(number)
        self._outbox.step(number, Rung.FAILED, "turn lost: the agent was restarted before it answered")

    def retry(self, message: Message) -> None:
        self.inbox.again(Entry(message, since=self._now()))
        self.wake()

    def pause(self, paused: bool) -> None:
        self.inbox.paused = paused
        self.wake()

    def fact(self, fact: TurnFact) -> None:
        """A hook or a transcript line."""
        for entry in [self._recorded(one, fact) for one in self.inbox.in_hand()]:
            if fact.source is Source.TRANSCRIPT and not entry.recorded:
                continue
            step = rise(entry.number, entry.rung, entry.turn, fact)
            if step is None:
                self._remember(entry, fact)
                continue
            if step.rung is Rung.ANSWERED:
                self._answered(entry, step.text)
            words = fact.text if fact.kind is Turn.MODEL else ""
            self._climb(replace(entry, turn=step.turn or entry.turn, words=words), step.rung, step.reason)
        self.wake()

    def _recorded(self, entry: Entry, fact: TurnFact) -> Entry:
        """A transcript is read late: what stands in it before our prompt belongs to an earlier turn."""
        if fact.source is Source.TRANSCRIPT and proves(entry.number, fact):
            entry = replace(entry, recorded=True)
            self.inbox.put(entry)
        return entry

    def _remember(self, entry: Entry, fact: TurnFact) -> None:
        """What the model said last, should the hook that tells the answer stay away."""
        if fact.kind is Turn.MODEL and fact.text and entry.rung is Rung.SEEN:
            self.inbox.put(replace(entry, words=fact.text))

    def wake(self) -> None:
        self._wake.set()

    async def something_in_hand(self) -> None:
        """Returns while the agent has a message whose proof is still to come."""
        while not self.inbox.in_hand():
            self._taken.clear()
            await self._taken.wait()

    # The loop

    async def run(self) -> None:
        while True:
            self._wake.clear()
            await self.step()
            try:
                async with asyncio.timeout(self._patience()):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _patience(self) -> float | None:
        """Time alone matters while something is in the agent's hands, or a person's keys or a failed try rest."""
        if self.inbox.in_hand():
            return 0.25
        young = self._eyes.since_ready() < WARM_UP or self._eyes.since_key() < TYPING_REST
        resting = young or self._now() < self._not_before
        return 0.25 if resting and self.inbox.next() else None

    async def step(self) -> None:
        for entry in self.inbox.in_hand():
            self._chase(entry)
        if first := self.inbox.next():
            await self._serve(first)

    async def _serve(self, entry: Entry) -> None:
        held = gate(self._facts(entry), self._text(entry), self._agent)
        if held is not None:
            self._hold(entry, held)
        elif self._now() >= self._not_before:
            await self._deliver(entry)

    def _facts(self, entry: Entry) -> Facts:
        others = [one for one in self.inbox.in_hand() if one.number != entry.number]
        return Facts(
            self._eyes.look(),
            entry.message.urgent,
            self.inbox.paused,
            bool(others),
            self._eyes.since_key(),
            self._eyes.in_foreground(),
            self._eyes.since_ready(),
        )

    def _text(self, entry: Entry) -> str:
        message = entry.message
        text = wording.envelope(message.from_, self._me.name, message.seq, message.content)
        if not self._eyes.look().picture.bracketed_paste:
            text = wording.one_line(text)
        return self._agent.finish(text)

    def _hold(self, entry: Entry, reason: str) -> None:
        if (entry.rung, entry.reason) != (Rung.HELD, reason):
            self._climb(entry, Rung.HELD, reason)

    def _climb(self, entry: Entry, rung: Rung, reason: str = "") -> Entry:
        entry = entry.at(rung, reason, self._now())
        self.inbox.put(entry)
        self._outbox.step(entry.number, rung, reason)
        self._me.on_change()
        log.info("step", number=entry.number, rung=str(rung), reason=reason)
        return entry

    # Typing

    async def _deliver(self, entry: Entry) -> None:
        text = self._text(entry)
        moment = self._eyes.look()
        there = shows(moment, text, self._agent) is Shows.OURS
        item = Item(
            paste=b"" if there else wording.pasted(text, moment.picture.bracketed_paste),
            pause=self._agent.submit.pause,
            submit=self._agent.submit.key,
            may_paste=lambda: gate(self._facts(entry), text, self._agent),
            may_enter=lambda: may_enter(self._facts(entry), text, self._agent),
            on_stage=lambda stage: self._reached(entry.number, stage),
        )
        self._settle(entry.number, await self._writer.put(item))

    def _reached(self, number: int, stage: Stage) -> None:
        entry = self.inbox.entries[number]
        self._taken.set()
        if stage is Stage.TYPED:
            self._climb(entry, Rung.TYPED)
            return
        self._eyes.entered()
        entry = self._climb(entry, Rung.VERIFIED if self._agent.submit.echoes else Rung.UNVERIFIED)
        self._enters[number] = 1
        self._climb(entry, Rung.SUBMITTED)
        if not self._agent.proves:
            del self.inbox.entries[number]

    def _settle(self, number: int, outcome: Outcome) -> None:
        entry = self.inbox.get(number)
        if entry is None or outcome.stage is Stage.SUBMITTED:
            return
        if outcome.stage is Stage.NOTHING:
            self._hold(entry, outcome.reason)
            return
        self._not_before = self._now() + REST
        entry = replace(entry, attempts=entry.attempts + 1)
        if entry.attempts >= MOST_ATTEMPTS and self._composer_is_empty():
            self._climb(entry, Rung.FAILED, "typed several times, but it never appeared in the composer")
        else:
            self._climb(entry, Rung.HELD, outcome.reason or "unknown")

    def _composer_is_empty(self) -> bool:
        return self._eyes.look().verdict.composer is Composer.EMPTY

    # Proof

    def _chase(self, entry: Entry) -> None:
        facts = self._facts(entry)
        now, calm = self._now(), facts.moment.verdict.activity in (Activity.IDLE, Activity.ERROR)
        self._calm_since = min(self._calm_since, now) if calm else float("inf")
        enters = self._enters.get(entry.number, 0)
        stands = Standing(entry.rung, now - entry.since, enters, now - self._calm_since)
        if facts.moment.verdict.activity is Activity.GONE:
            self._climb(entry, Rung.FAILED, "turn lost: the agent has exited")
            return
        match overdue(facts, stands, self._text(entry), self._agent):
            case Overdue.ENTER:
                self._press_enter_again(entry, facts)
            case Overdue.SILENT if entry.words and facts.moment.verdict.activity is Activity.IDLE:
                self._answered(entry, entry.words)
                self._climb(entry, Rung.ANSWERED, "transcript")
            case Overdue.LOST | Overdue.SILENT | Overdue.UNPROVEN as why:
                self._climb(entry, Rung.FAILED, why)

    def _press_enter_again(self, entry: Entry, facts: Facts) -> None:
        if not self._writer.typing and facts.since_key > 1 and self._may_enter(entry):
            self._enters[entry.number] = self._enters.get(entry.number, 0) + 1
            self._writer.answer(self._agent.submit.key)
            self.inbox.put(replace(entry, since=self._now()))

    def _may_enter(self, entry: Entry) -> bool:
        return may_enter(self._facts(entry), self._text(entry), self._agent)[0] is Go.ENTER

    def _answered(self, entry: Entry, answer: str) -> None:
        if self.shares:
            for reply in replies(self._me.name, entry.message, answer, self._me.names()):
                self._outbox.say(reply)
