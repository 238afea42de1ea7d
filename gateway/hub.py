"""The one place where rules, store and connections meet.

A request becomes a ruling (pure), its facts are committed in batches, and only then is anybody told: the sender that
it is accepted, everybody else what happened. If a commit fails, nobody is told anything but the error, and the state
in memory is read from the store again.

An answer that was decided on facts which are not committed yet waits for them in the same queue. So it never overtakes
an event whose effect it shows, and nobody is told what turns out not to be true.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import structlog

from gateway import asks, loops, members, mode_files, receipts, time_moves
from gateway.aside import Aside
from gateway.client.steady import steady
from gateway.clockwork import Clockwork
from gateway.committer import BROKE, MAX_BATCH, STUCK_AFTER_S, Committer, Job, Tell
from gateway.deadlines import AFTER_FAILURE, Deadlines
from gateway.deliveries import HANDED_OVER, OPEN
from gateway.entries import members_touched, trace_of
from gateway.facts import Clerk, Fact, Ruling
from gateway.floor import Patience
from gateway.house import AWAY_AFTER, House
from gateway.limits import Rate, Throttle
from gateway.metrics import Metrics
from gateway.mode import Mode
from gateway.numbers import Numbers
from gateway.presence import Presence
from gateway.protocol import codec
from gateway.protocol.errors import GroupChatError, Unavailable
from gateway.protocol.events import Closing, Durable, Message
from gateway.protocol.loops import Limits
from gateway.protocol.nouns import Delivery
from gateway.protocol.results import Accepted, Done, Result
from gateway.recall import Recalled, recalled
from gateway.stamps import moment
from gateway.steady_clock import SteadyClock
from gateway.store import Store
from gateway.switchboard import Connection, Renderer, Sheet, Switchboard
from gateway.tokens import ENTROPY_BYTES, in_force
from gateway.trails import Trails

log = structlog.get_logger("gateway.hub")

PING_EVERY = 25.0
WATCHED = ("member", "room")

GUEST_RATE = Rate(10, 1)  # of one client, where a dialect's specification asks for a rate of its own

Clock = Callable[[], float]


@dataclass(frozen=True)
class Settings:
    """What an operator can choose."""

    rate: Rate = field(default_factory=Rate)
    team_digest: str | None = None
    remind_asks: float = asks.REMIND_AFTER
    limits: Limits = field(default_factory=Limits)
    guest_rate: Rate = GUEST_RATE
    patience: Patience = field(default_factory=Patience)
    modes: Mapping[str, Mode] = field(default_factory=mode_files.built_in)
    stuck_after: float = STUCK_AFTER_S


def _parts(sheets: Sequence[Sheet]) -> Iterator[Sequence[Sheet]]:
    """Cut after each event of which somebody is told in other words, which must come before the next event."""
    begin = 0
    for number, sheet in enumerate(sheets, 1):
        if sheet.record.kind in WATCHED:
            yield sheets[begin:number]
            begin = number
    yield sheets[begin:]


class Hub:
    def __init__(
        self,
        store: Store,
        settings: Settings | None = None,
        *,
        clock: Clock | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.store = store
        self.settings = chosen = settings or Settings()
        self.metrics = metrics or Metrics()
        self.house = House(
            remind_after=chosen.remind_asks,
            trails=Trails(chosen.limits),
            patience=chosen.patience,
            modes=chosen.modes,
        )
        self.switchboard = Switchboard(self.house)
        self.strangers: set[asyncio.Transport] = set()  # sockets that have not said hello
        self.throttle = Throttle(self.settings.rate)
        self.buckets = self.throttle.sends
        self.committed_seq = 0
        self.changed_seq = 0  # of the last event decided that changed members, rooms, modes, ...; maybe not committed
        self._clock = clock or SteadyClock(time.time, steady)
        self.started_at = self._clock()
        self._clerk = Clerk()
        self.numbers = Numbers(self._clerk, os.urandom(8).hex())
        self._deadlines = Deadlines(lambda: self.now, self._expire)
        self.clockwork = Clockwork(self.house, self.clerk, self._due, self.started_at)
        self.presence = Presence(self.house, self.switchboard, lambda: self.now, self.in_turn)
        self.tokens_changed: Callable[[], None] = lambda: None  # the next one may now expire sooner
        self.watchers: list[Callable[[Durable], None]] = []  # of all that happens, once it is committed
        self.aside = Aside()
        self.request_log = log.bind()  # once: for each request, an unbound one takes four times as long
        self.broken = asyncio.Event()  # set when the process must end: what it cannot do without has ended
        self.committer = Committer(
            store, self.metrics, self._tell, self._restore, stuck_after=self.settings.stuck_after
        )
        self._pinging: asyncio.TimerHandle | None = None
        self._stopping = False
        self._news = asyncio.Event()
        self._mail: dict[str, asyncio.Event] = {}
        self._renderers: dict[Callable[[House], Renderer], Renderer] = {}
        if isinstance(self._clock, SteadyClock):
            self._clock.moved = self._move_time

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
        self.committer.start(self._break)
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
        self._deadlines.stop()
        self.clockwork.stop()
        await self.committer.stop()

    async def stop(self) -> None:
        await self.drain()
        self.aside.close()
        await self.store.close()

    async def _restore(self) -> None:
        """Memory says what the store says: all of it is read first, so that nobody meets half a state."""
        self._take_over(await recalled(self.store))

    def _take_over(self, found: Recalled) -> None:
        house, loaded = self.house, found.loaded
        house.forget()
        for change in found.changes:
            house.put(change)
        house.id, self.committed_seq, self.changed_seq = loaded.house, loaded.last_seq, loaded.last_seq
        house.queued.update(loaded.queued)
        for event in found.said:
            loops.note(house, event)
        for delivery in found.prompts:
            house.known(delivery)
        time_moves.bring_back(house, self.now)
        self.numbers.begin(max(loaded.last_seq, loaded.given))
        if loaded.next_deadline is not None:
            self._deadlines.expect(loaded.next_deadline)
        if house.asks:
            self._deadlines.expect(self.now)
        for change in found.changes:
            self.clockwork.changed(change)

    # asking

    def clerk(self) -> Clerk:
        return self._clerk.at(self._clock())

    def _move_time(self, step: float) -> None:
        log.warning("! the machine's clock was set", seconds=round(step, 3))
        self.started_at += step
        time_moves.move(self.house, step)
        timed = (*(("floor", one) for one in self.house.floors), *(("decision", one) for one in self.house.decisions))
        self.clockwork.move(step, (*timed, *(("session", one) for one in self.house.sessions)))
        self._deadlines.look_again()
        self.tokens_changed()

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

    def carry_out(self, ruling: Ruling) -> asyncio.Future[Result]:
        """Apply a ruling, queue its facts for the disk, and promise its result for when they are there."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        if self._stopping or self.broken.is_set():
            done.set_exception(Unavailable("The gateway is stopping; try again in a moment.", retry_after=1))
        elif not ruling.facts:
            return self.answer_in_turn(ruling.result)
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
                    self.changed_seq = fact.event.seq
        except Exception:
            log.exception("! a ruling cannot be applied")
            self.committer.doubt()
            done.set_exception(Unavailable(BROKE))
            return
        self.committer.add(job)

    # answering

    @property
    def untold(self) -> int:
        """How many rulings and answers are decided and neither committed and pushed nor given up."""
        return self.committer.untold

    def answer_in_turn(self, result: Any, *, sure: bool = False) -> asyncio.Future[Any]:
        """Promise an answer that was decided on the state as it stands now: at once where all of that is committed and
        pushed, else as soon as it is; and the error where it could not be committed. A result is `sure` where what it
        tells of is committed already: that is told in any case."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if not self.untold:
            done.set_result(result)
        else:
            self.committer.add(replace(Job.of(Ruling(result), done), sure=sure))
        return done

    def refuse_in_turn(self, error: GroupChatError) -> asyncio.Future[Any]:
        """Promise a refusal that was decided on the state as it stands now. Its reason may not be committed yet: it
        is told after that, and is the error of that commit where it fails."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if not self.untold:
            done.set_exception(error)
        else:
            self.committer.add(replace(Job.of(Ruling(Done()), done), error=error))
        return done

    def at_once(self, result: Any) -> asyncio.Future[Any]:
        """Promise an answer that shows nothing of what is still to be committed."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(result)
        return done

    async def settled(self) -> None:
        """All that was decided until now is committed and pushed; or the error with which it was given up."""
        await self.answer_in_turn(Done())

    async def once_settled(self, error: GroupChatError) -> GroupChatError:
        """What a refusal is when its reason is committed: itself, or the error of that commit."""
        try:
            await self.settled()
        except GroupChatError as failed:
            return failed
        return error

    def in_turn(self, tell: Tell) -> None:
        """Write something to streams after the events that were decided before it."""
        done = self.answer_in_turn(Done())
        done.add_done_callback(lambda one: one.exception())  # what is written then is true of what is left
        self.when_told(done, tell)

    def when_told(self, done: asyncio.Future[Any], tell: Tell) -> None:
        """Write the answer that was just promised at its place in the streams: between the events before and after."""
        if not self.committer.tell_with(done, tell):
            tell() if done.done() else done.add_done_callback(lambda _: tell())

    def _foresee(self, fact: Fact) -> None:
        """What later requests must already see. A message's ladders begin only when it is committed: it may turn
        out to be the repetition of an earlier one."""
        for change in fact.changes:
            self.house.put(change)
            self.clockwork.changed(change)
            if change.kind == "ask":
                self._deadlines.expect(self.now)
        loops.note(self.house, fact.event)
        if not isinstance(fact.event, Message):
            self._move_ladders(fact)

    def _move_ladders(self, fact: Fact) -> None:
        if isinstance(fact.event, Message):
            self.house.begin_deliveries(fact.deliveries)
        else:
            for delivery in fact.deliveries:
                self.house.set_delivery(delivery, self.house.ladders.get((delivery.message, delivery.member)))
        names = [delivery.member for delivery in fact.deliveries]
        self.presence.touch(*names)
        self._look_at_turns_of(*names)
        if self._mail:
            for name in (*names, *(fact.ends or ())):
                self._wake_reader(name)

    def _look_at_turns_of(self, *names: str) -> None:
        speaking = self.house.speaking
        for name in names:
            for room in speaking.get(name, ()):
                self.clockwork.expect(("floor", room), 0.0)

    def _due(self, facts: Sequence[Fact]) -> asyncio.Future[Result]:
        return self.carry_out(Ruling(Result(), tuple(facts)))

    # telling what is committed

    def _tell(self, batch: Sequence[Job], seqs: dict[int, int]) -> None:
        """What is read of the state is answered between the events before it and after it. What only says that its own
        event happened is answered after all of the batch, which is so written once to each stream."""
        sheets: list[Sheet] = []
        told: list[Job] = []
        for job in batch:
            new = [sheet for sheet in job.sheets if seqs[sheet.record.seq] == sheet.record.seq]
            sheets += new
            self._settle(job, seqs, is_new=bool(new))
            told.append(job)
            if job.tells and not job.sheets:
                self._publish_and_tell(sheets, told)
                sheets, told = [], []
        self._publish_and_tell(sheets, told)
        if not self.committer.is_behind:
            self.changed_seq = self.committed_seq  # numbers of repetitions are in no log
        if any(change.kind == "token" for job in batch for fact in job.ruling.facts for change in fact.changes):
            self._end_streams()
            self.tokens_changed()
            for name in list(self._mail):
                self._wake_reader(name)

    def _settle(self, job: Job, seqs: dict[int, int], *, is_new: bool) -> None:
        """One that fails takes no other of its batch with it."""
        try:
            if is_new:
                self._begin_ladders(job)
            self._answer(job, seqs)
        except Exception:
            log.exception("! a result could not be told")
            self.committer.doubt()

    def _publish_and_tell(self, sheets: Sequence[Sheet], jobs: Iterable[Job]) -> None:
        self._publish(sheets)
        for job in jobs:
            job.tell()

    def _publish(self, sheets: Sequence[Sheet]) -> None:
        for part in _parts(sheets) if self.watchers else (sheets,):
            if part:
                self.committed_seq = part[-1].record.seq
                self.switchboard.publish(part)
                for sheet in part:
                    self._spread(sheet.event)
        if sheets:
            self._news.set()
            self._news = asyncio.Event()

    def _spread(self, event: Durable) -> None:
        for name in members_touched(event):
            self.touch(name)
        for watch in self.watchers:
            try:
                watch(event)
            except Exception:
                log.exception("! a watcher failed", seq=event.seq)

    def _begin_ladders(self, job: Job) -> None:
        for fact in job.ruling.facts:
            if isinstance(fact.event, Message):
                self._move_ladders(fact)
                if fact.deadline is not None:
                    self._deadlines.expect(fact.deadline)

    def _answer(self, job: Job, seqs: dict[int, int]) -> None:
        result = job.ruling.result
        if isinstance(result, Accepted):
            first = seqs.get(result.seq, result.seq)
            if first != result.seq:
                ladders = tuple(msgspec.structs.replace(one, message=first) for one in result.deliveries)
                result = msgspec.structs.replace(result, seq=first, deliveries=ladders, duplicate=True)
            self.request_log.debug(
                "> accepted", seq=result.seq, trace=trace_of(job.ruling.facts[0].event), duplicate=result.duplicate
            )
            self.metrics.accepted.inc()
            self.metrics.accept_seconds.observe(time.perf_counter() - job.begun)
        job.answer(result)

    # connections

    def renderer(self, make: Callable[[House], Renderer]) -> Renderer:
        """One renderer per wire format, so that its result is shared by all connections of that format."""
        return self._renderers.setdefault(make, make(self.house))

    def enter(self, connection: Connection) -> None:
        if self._pinging is None:
            self._pinging = asyncio.get_running_loop().call_later(PING_EVERY, self._keep_alive)
        self.switchboard.add(connection)
        self.metrics.connections.set(len(self.switchboard))
        self.touch(connection.name)
        self._look_at_turns_of(connection.name)

    def depart(self, connection: Connection) -> None:
        self.switchboard.remove(connection)
        self.metrics.connections.set(len(self.switchboard))
        if connection.closed_as_slow:
            self.metrics.slow_closed.inc()
            log.warning("! closed a connection that did not read", member=connection.name)
        self.house.live[connection.name].lost = self.now
        self._look_at_turns_of(connection.name)
        if connection.name in self.house.asks:
            self._deadlines.expect(self.now)
        self.touch(connection.name)

    def close_connections(self) -> None:
        """Tell every stream that the gateway stops, and end it; clients come back and resume."""
        closing = codec.encode(Closing(Unavailable("The gateway is stopping.", retry_after=1).body()))
        self.switchboard.tell(closing)
        for connection in self.switchboard:
            connection.flush()
            connection.close()
        for transport in self.strangers:
            transport.close()

    def _keep_alive(self) -> None:
        """One timer for all connections, and none when there are none."""
        if self._pinging is not None:
            self._pinging.cancel()
        self._pinging = None
        self.clerk()  # looks at the clock, also where nobody asks anything
        if len(self.switchboard):
            self._pinging = asyncio.get_running_loop().call_later(PING_EVERY, self._keep_alive)
        self._end_streams()
        self.switchboard.keep_alive(AWAY_AFTER)

    def heard(self, name: str) -> None:
        """A member asked something without a stream: it is here."""
        live = self.house.live[name]
        was_away = not live.connections and self.now - live.heard >= AWAY_AFTER
        live.heard = self.now
        if was_away:
            self.touch(name)

    def _end_streams(self) -> None:
        """End the connections whose token holds no longer; whoever has another one comes back and resumes."""
        tokens = self.house.tokens
        for connection in self.switchboard:
            if connection.token and not in_force(tokens, tokens.get(connection.token), self.now):
                connection.close()

    # deadlines

    async def _expire(self, now: float) -> float | None:
        """End what is overdue; the next deadline, if there is one."""
        overdue, ahead = await self.store.overdue(now, MAX_BATCH)
        expired = await asyncio.gather(*map(self._expire_one, overdue))  # so that many go to the disk together
        facts, next_ask = asks.due(self.house, self.clerk(), self.started_at)
        if facts:
            await self.carry_out(Ruling(Result(), facts))
        if not all(expired):
            ahead = now + AFTER_FAILURE
        elif len(overdue) == MAX_BATCH:
            return now
        return min((at for at in (ahead, next_ask) if at is not None), default=None)

    async def _expire_one(self, delivery: Delivery) -> bool:
        """Whether it is done with; one that fails takes no other with it."""
        try:
            await self._expire_delivery(delivery)
        except Exception:
            log.exception("! a delivery could not be expired", message=delivery.message, member=delivery.member)
            return False
        return True

    async def _expire_delivery(self, delivery: Delivery) -> None:
        record = await self.store.one(delivery.message)
        if record is not None:
            event = codec.decode_durable(record.event)
            assert isinstance(event, Message)
            fact = receipts.expire(event, self.house.known(delivery), self.clerk())
            if fact is not None:
                await self.carry_out(Ruling(Result(), (fact,)))

    # telling what is not in the log

    def touch(self, name: str) -> None:
        """Something about this member changed that others see."""
        self.presence.touch(name)

    def mail(self, name: str) -> asyncio.Event:
        """Set when something about the deliveries to or from a member changes."""
        return self._mail.setdefault(name, asyncio.Event())

    def _wake_reader(self, name: str) -> None:
        if (waiting := self._mail.pop(name, None)) is not None:
            waiting.set()

    async def news_after(self, seq: int, seconds: float) -> None:
        """Wait until something later than `seq` is committed, or the time is over."""
        if self.committed_seq <= seq and seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), seconds)

    def observe_delivery(self, standing: tuple[Message, Delivery | None], ruling: Ruling) -> None:
        """Count a delivery when its recipient's side first says that it was taken."""
        message, before = standing
        after = ruling.facts[0].deliveries[0] if ruling.facts and ruling.facts[0].deliveries else None
        if before is None or after is None or before.rung not in OPEN or after.rung not in HANDED_OVER:
            return
        self.metrics.delivered.inc()
        self.metrics.delivery_seconds.observe(max(0.0, self.now - moment(message.timestamp)))
