"""The one place where rules, store and connections meet.

A request becomes a ruling (pure), its facts are committed in batches, and only then is anybody told: the sender that
it is accepted, everybody else what happened. If a commit fails, nobody is told anything but the error, and the state
in memory is read from the store again.

An answer that was decided on facts which are not committed yet waits for them in the same queue. So it never overtakes
an event whose effect it shows, and nobody is told what turns out not to be true.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence

import structlog

from gateway.access.rate_limit import Throttle
from gateway.access.tokens import ENTROPY_BYTES
from gateway.client.process.monotonic_clock import steady
from gateway.commit.answers import Answers
from gateway.commit.apply_facts import foresee, move_ladders
from gateway.commit.batch_results import BatchResults, changes_tokens
from gateway.commit.committer import BROKE, Committer, Job
from gateway.loop_guard.causal_chains import Trails
from gateway.model.log_events import Clerk, Fact, Ruling
from gateway.model.sequence_numbers import Numbers
from gateway.model.state import House
from gateway.protocol.errors import Unavailable
from gateway.protocol.events import Message
from gateway.protocol.results import Result
from gateway.push.broadcaster import Switchboard
from gateway.push.metrics import Metrics
from gateway.push.presence import Presence
from gateway.push.publisher import Progress, Publisher
from gateway.push.streams import Streams
from gateway.push.wakeups import Wakeups
from gateway.rooms import members
from gateway.runtime.config import Config
from gateway.runtime.delivery_expiry import DeliveryExpiry
from gateway.runtime.state_loader import recalled, take_over
from gateway.runtime.worker_thread import Aside
from gateway.store import Store
from gateway.timing import clock_changes
from gateway.timing.scheduler import Scheduler
from gateway.timing.steady_clock import SteadyClock

log = structlog.get_logger("gateway.runtime.hub")

Clock = Callable[[], float]


class Hub:
    def __init__(
        self,
        store: Store,
        config: Config,
        *,
        team_digest: str | None = None,
        clock: Clock | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.store = store
        self.config, self.team_digest = config, team_digest
        self.metrics = metrics or Metrics()
        self.house = House(trails=Trails(config.rules.limits))
        self._clock = clock or SteadyClock(time.time, steady)
        self.started_at = self._clock()
        self._clerk = Clerk(settings=config.rules)
        self.numbers = Numbers(self._clerk, os.urandom(8).hex())
        self.throttle = Throttle(config.rate)
        self.aside = Aside()
        self.request_log = log.bind()  # once: for each request, an unbound one takes four times as long
        self.broken = asyncio.Event()  # set when the process must end: what it cannot do without has ended
        self._stopping = False

        self.progress = Progress()
        self.wakeups = Wakeups()
        self.committer = Committer(store, self.metrics, self._restore, stuck_after=config.stuck_after)
        self.answers = Answers(self.committer)
        self.switchboard = Switchboard(self.house)
        self.presence = Presence(self.house, self.switchboard, lambda: self.now, self.answers.write_in_turn)
        self.streams = Streams(self.house, self.switchboard, self.metrics, lambda: self.now, self._came_or_left)
        self.publisher = Publisher(self.switchboard, self.wakeups, self.progress, self.presence.touch)
        self._results = BatchResults(self.committer, self.publisher, self.progress, self.metrics, self._begin_ladders)
        self.scheduler = Scheduler(self.house, self.clerk, self._due, self.started_at)
        self.scheduler.add_errand("delivery", DeliveryExpiry(store, self.house, self.clerk, self.carry_out).expire)
        if isinstance(self._clock, SteadyClock):
            self._clock.when_moved(self._move_time)

    # life

    async def start(self) -> None:
        await self._restore()
        if self.numbers.began > self.committed_seq + 1:
            log.warning(
                "! the log was put back from a backup; its numbers go on where they were",
                last=self.committed_seq,
                next=self.numbers.began,
            )
        self.house.began = self.now
        self.committer.start(self._tell, self._break)
        founding = members.first_facts(self.house, self.clerk())
        if founding:
            await self.carry_out(Ruling(Result(), founding))

    def _break(self, error: BaseException) -> None:
        """Something ended that must not: the process has to end too, and to be started again."""
        if not self._stopping:
            log.critical("! the committer ended; the gateway cannot go on", error=repr(error))
            self.broken.set()

    async def drain(self) -> None:
        """Refuse what comes, commit and answer what was asked."""
        self._stopping = True
        self.scheduler.stop()
        await self.committer.stop()

    async def stop(self) -> None:
        await self.drain()
        self.aside.close()
        await self.store.close()

    async def _restore(self) -> None:
        """Memory says what the store says: all of it is read first, so that nobody meets half a state."""
        found = await recalled(self.store)
        take_over(self.house, found, self.now)
        loaded = found.loaded
        self.progress.restored(loaded.last_seq)
        self.numbers.begin(max(loaded.last_seq, loaded.given))
        if loaded.next_deadline is not None:
            self.scheduler.expect("delivery", at=loaded.next_deadline)
        for change in found.changes:
            self.scheduler.changed(change)

    # time and numbers

    def clerk(self) -> Clerk:
        return self._clerk.at(self._clock())

    def _move_time(self, step: float) -> None:
        log.warning("! the machine's clock was set", seconds=round(step, 3))
        self.started_at += step
        clock_changes.move(self.house, step)
        self.scheduler.move(step)

    @property
    def now(self) -> float:
        return self.clerk().now

    def remembered(self, house: str, known: int) -> None:
        """A client tells the highest number that it remembers of a house."""
        if self.numbers.believe(house == self.house.id, known):
            log.warning(
                "! a client remembers more than this log holds: it was put back from a backup, and numbers are skipped",
                known=known,
                next=self._clerk.last_seq + 1,
            )

    @staticmethod
    def entropy() -> bytes:
        return os.urandom(ENTROPY_BYTES)

    @property
    def committed_seq(self) -> int:
        return self.progress.committed_seq

    # deciding

    def carry_out(self, ruling: Ruling) -> asyncio.Future[Result]:
        """Apply a ruling, queue its facts for the disk, and promise its result for when they are there."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        if self._stopping or self.broken.is_set():
            done.set_exception(Unavailable("The gateway is stopping; try again in a moment.", retry_after=1))
        elif not ruling.facts:
            return self.answers.answer_in_turn(ruling.result)
        else:
            self._queue(ruling, done)
        return done

    def _queue(self, ruling: Ruling, done: asyncio.Future[Result]) -> None:
        try:
            job = Job.of(ruling, done)
        except Exception:
            log.exception("! an event cannot be encoded")
            done.set_exception(Unavailable(BROKE))
            return
        try:
            for fact in ruling.facts:
                self._foresee(fact)
                if fact.changes:
                    self.progress.decided_change(fact.event.seq)
        except Exception:
            log.exception("! a ruling cannot be applied")
            self.committer.doubt()
            done.set_exception(Unavailable(BROKE))
            return
        self.committer.add(job)

    def _foresee(self, fact: Fact) -> None:
        foresee(self.house, fact)
        for change in fact.changes:
            self.scheduler.changed(change)
        if not isinstance(fact.event, Message):
            self._ladders_moved(fact)

    def _begin_ladders(self, fact: Fact) -> None:
        """Of a message that is committed."""
        move_ladders(self.house, fact)
        self._ladders_moved(fact)
        if fact.deadline is not None:
            self.scheduler.expect("delivery", at=fact.deadline)

    def _ladders_moved(self, fact: Fact) -> None:
        names = [delivery.member for delivery in fact.deliveries]
        self.presence.touch(*names)
        self._look_at_turns_of(*names)
        if self.wakeups.anybody_waits_for_mail:
            for name in (*names, *(fact.ends or ())):
                self.wakeups.wake(name)

    def _look_at_turns_of(self, *names: str) -> None:
        speaking = self.house.speaking
        for name in names:
            for room in speaking.get(name, ()):
                self.scheduler.expect("floor", room)

    def _came_or_left(self, name: str) -> None:
        self._look_at_turns_of(name)
        if name in self.house.asks:
            self.scheduler.expect("ask", name)
        self.presence.touch(name)

    # what is committed

    def _tell(self, batch: Sequence[Job], seqs: dict[int, int]) -> None:
        self._results.tell(batch, seqs)
        if changes_tokens(batch):
            self.streams.tokens_changed()
            self.scheduler.expect("token")
            self.wakeups.wake_all()

    async def news_after(self, seq: int, seconds: float) -> None:
        """Wait until something later than `seq` is committed, or the time is over."""
        if self.committed_seq <= seq and seconds > 0:
            await self.wakeups.news(seconds)

    # what is due

    def _due(self, facts: Sequence[Fact]) -> asyncio.Future[Result]:
        return self.carry_out(Ruling(Result(), tuple(facts)))
