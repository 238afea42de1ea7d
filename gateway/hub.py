"""The one place where rules, store and connections meet.

A request becomes a ruling (pure), its facts are committed in batches, and only then is anybody told: the sender that
it is accepted, everybody else what happened. If a commit fails, nobody is told anything but the error, and the state
in memory is read from the store again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from gateway import asks, loops, members, mode_files, receipts
from gateway.clockwork import Clockwork
from gateway.deadlines import Deadlines
from gateway.deliveries import HANDED_OVER, OPEN
from gateway.entries import members_touched, trace_of, written
from gateway.floor import Patience
from gateway.house import AWAY_AFTER, KINDS, Change, Clerk, Fact, House, Ruling, moment
from gateway.limits import Buckets, Rate
from gateway.metrics import Metrics
from gateway.mode import Mode
from gateway.presence import Presence
from gateway.protocol import codec
from gateway.protocol.errors import GroupChatError, StorageFailed, Unavailable
from gateway.protocol.events import Closing, Durable, Message
from gateway.protocol.loops import Limits
from gateway.protocol.nouns import Delivery
from gateway.protocol.results import Accepted, Result
from gateway.recall import recall
from gateway.store import Document, Entry, Store
from gateway.switchboard import Connection, Renderer, Sheet, Switchboard
from gateway.tokens import ENTROPY_BYTES, holds
from gateway.trails import Trails

log = structlog.get_logger("gateway.hub")

MAX_BATCH = 512
PASSING = ("floor", "brake")  # of another version: a mode that ends is better than a gateway that does not start
PING_EVERY = 25.0

GUEST_RATE = Rate(10, 1)  # of one client, where a dialect's specification asks for a rate of its own

Clock = Callable[[], float]


@dataclass
class Job:
    """A ruling on its way to the disk."""

    ruling: Ruling
    done: asyncio.Future[Result]
    begun: float
    sheets: list[Sheet] = field(default_factory=list)


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


def _change_of(document: Document) -> Change | None:
    try:
        return Change(document.kind, document.key, codec.decode(KINDS[document.kind], document.body or b""))
    except GroupChatError as error:
        if document.kind not in PASSING:
            raise
        log.warning("! given up: it cannot be read", kind=document.kind, key=document.key, error=error.message)
        return None


class Hub:
    def __init__(
        self,
        store: Store,
        settings: Settings | None = None,
        *,
        clock: Clock = time.time,
        metrics: Metrics | None = None,
    ) -> None:
        self.store = store
        self.settings = settings or Settings()
        self.metrics = metrics or Metrics()
        chosen = self.settings
        self.house = House(
            remind_after=chosen.remind_asks,
            trails=Trails(chosen.limits),
            patience=chosen.patience,
            modes=chosen.modes,
        )
        self.switchboard = Switchboard(self.house)
        self.strangers: set[asyncio.Transport] = set()  # sockets that have not said hello
        self.buckets = Buckets(self.settings.rate)
        self.committed_seq = 0
        self.started_at = clock()
        self._clock = clock
        self._clerk = Clerk()
        self._deadlines = Deadlines(lambda: self.now, self._expire)
        self.clockwork = Clockwork(self.house, self.clerk, self._due, self.started_at)
        self.presence = Presence(self.house, self.switchboard, lambda: self.now)
        self.watchers: list[Callable[[Durable], None]] = []  # of all that happens, once it is committed
        self._pending: list[Job] = []
        self._wake = asyncio.Event()
        self._committer: asyncio.Task[None] | None = None
        self._stopping = False
        self._news = asyncio.Event()
        self._mail: dict[str, asyncio.Event] = {}
        self._renderers: dict[Callable[[House], Renderer], Renderer] = {}

    # life

    async def start(self) -> None:
        await self._restore()
        self._committer = asyncio.get_running_loop().create_task(self._commit_forever(), name="committer")
        founding = members.first_facts(self.house, self.clerk())
        if founding:
            await self.carry_out(Ruling(Result(), founding))

    async def drain(self) -> None:
        """Refuse what comes, commit and answer what was asked."""
        self._stopping = True
        self._wake.set()
        self._deadlines.stop()
        self.clockwork.stop()
        if self._committer is not None:
            await self._committer

    async def stop(self) -> None:
        await self.drain()
        await self.store.close()

    async def _restore(self) -> None:
        loaded = await self.store.load()
        house = self.house
        house.forget()
        for change in filter(None, map(_change_of, loaded.documents)):
            house.put(change)
        house.id, self.committed_seq = loaded.house, loaded.last_seq
        house.queued.update(loaded.queued)
        await recall(self.store, house, loaded.last_seq)
        if loaded.next_deadline is not None:
            self._deadlines.expect(loaded.next_deadline)
        if house.asks:
            self._deadlines.expect(self.now)
        self._clerk.last_seq = max(self._clerk.last_seq, loaded.last_seq)
        for document in loaded.documents:
            self.clockwork.changed(Change(document.kind, document.key, None))
        for floor in list(house.floors.values()):
            for prompt in floor.prompts:
                if (stored := await self.store.delivery(prompt, floor.speaker)) is not None:
                    house.known(stored)

    # asking

    def clerk(self) -> Clerk:
        return self._clerk.at(self._clock())

    @property
    def now(self) -> float:
        return self.clerk().now

    @staticmethod
    def entropy() -> bytes:
        return os.urandom(ENTROPY_BYTES)

    def carry_out(self, ruling: Ruling) -> asyncio.Future[Result]:
        """Apply a ruling, queue its facts for the disk, and promise its result for when they are there."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        if self._stopping:
            done.set_exception(Unavailable("The gateway is stopping; try again in a moment.", retry_after=1))
        elif not ruling.facts:
            done.set_result(ruling.result)
        else:
            for fact in ruling.facts:
                self._foresee(fact)
            self._pending.append(Job(ruling, done, time.perf_counter()))
            self._wake.set()
        return done

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
        for delivery in fact.deliveries:
            self.house.set_delivery(delivery, self.house.ladders.get((delivery.message, delivery.member)))
            self.touch(delivery.member)
            self._wake_reader(delivery.member)
            self._look_at_turns_of(delivery.member)
        for name in fact.ends or ():
            self._wake_reader(name)

    def _look_at_turns_of(self, name: str) -> None:
        for room in self.house.speaking.get(name, ()):
            self.clockwork.expect(("floor", room), 0.0)

    def _due(self, facts: Sequence[Fact]) -> asyncio.Future[Result]:
        return self.carry_out(Ruling(Result(), tuple(facts)))

    # committing

    async def _commit_forever(self) -> None:
        while True:
            if not self._pending:
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            batch = self._pending[:MAX_BATCH]
            del self._pending[:MAX_BATCH]
            await self._commit(batch)

    async def _commit(self, batch: Sequence[Job]) -> None:
        entries: list[Entry] = []
        for job in batch:
            for fact in job.ruling.facts:
                entry, record = written(fact)
                entries.append(entry)
                job.sheets.append(Sheet(record, fact.event))
        begun = time.perf_counter()
        try:
            seqs = await self.store.append(entries)
        except GroupChatError as error:
            await self._give_up(batch, error)
            return
        except Exception:
            log.exception("! commit broke")
            await self._give_up(batch, StorageFailed("The store broke; the gateway's log says how."))
            return
        self.metrics.commit_seconds.observe(time.perf_counter() - begun)
        self._tell(batch, dict(zip((entry.seq for entry in entries), seqs, strict=True)))

    def _tell(self, batch: Sequence[Job], seqs: dict[int, int]) -> None:
        sheets: list[Sheet] = []
        for job in batch:
            new = [sheet for sheet in job.sheets if seqs[sheet.record.seq] == sheet.record.seq]
            sheets.extend(new)
            if new:
                self._begin_ladders(job)
            self._answer(job, seqs)
        if sheets:
            self.committed_seq = sheets[-1].record.seq
            self.switchboard.publish(sheets)
            for sheet in sheets:
                self._spread(sheet.event)
            self._news.set()
            self._news = asyncio.Event()
        if any(change.kind == "token" for job in batch for fact in job.ruling.facts for change in fact.changes):
            self._end_streams()
            for name in list(self._mail):
                self._wake_reader(name)

    def _spread(self, event: Durable) -> None:
        for name in members_touched(event):
            self.touch(name)
        for watch in self.watchers:
            asyncio.get_running_loop().call_soon(watch, event)

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
            log.debug(
                "> accepted", seq=result.seq, trace=trace_of(job.ruling.facts[0].event), duplicate=result.duplicate
            )
            self.metrics.accepted.inc()
            self.metrics.accept_seconds.observe(time.perf_counter() - job.begun)
        if not job.done.done():
            job.done.set_result(result)

    async def _give_up(self, batch: Sequence[Job], error: GroupChatError) -> None:
        """Nothing of this batch, nor of what was decided on top of it, is true."""
        log.error("! commit failed", code=error.code, error=error.message, jobs=len(batch))
        self.metrics.commit_failures.inc()
        failed = list(batch)
        try:
            await self._restore()
        except GroupChatError as again:
            log.error("! the store cannot be read either", error=again.message)
        failed += self._pending
        self._pending.clear()
        for job in failed:
            if not job.done.done():
                job.done.set_exception(type(error)(error.message, retry_after=1))

    # connections

    def renderer(self, make: Callable[[House], Renderer]) -> Renderer:
        """One renderer per wire format, so that its result is shared by all connections of that format."""
        return self._renderers.setdefault(make, make(self.house))

    def enter(self, connection: Connection) -> None:
        if not len(self.switchboard):
            asyncio.get_running_loop().call_later(PING_EVERY, self._keep_alive)
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
        self._end_streams()
        self.switchboard.keep_alive(AWAY_AFTER)
        if len(self.switchboard):
            asyncio.get_running_loop().call_later(PING_EVERY, self._keep_alive)

    def heard(self, name: str) -> None:
        """A member asked something without a stream: it is here."""
        live = self.house.live[name]
        was_away = not live.connections and self.now - live.heard >= AWAY_AFTER
        live.heard = self.now
        if was_away:
            self.touch(name)

    def _end_streams(self) -> None:
        """End the connections whose token holds no longer; whoever has another one comes back and resumes."""
        for connection in self.switchboard:
            if connection.token and not holds(self.house.tokens.get(connection.token), self.now):
                connection.close()

    # deadlines

    async def _expire(self, now: float) -> float | None:
        """End what is overdue; the next deadline, if there is one."""
        overdue, ahead = await self.store.overdue(now, MAX_BATCH)
        for delivery in overdue:
            await self._expire_one(self.house.known(delivery))
        facts, next_ask = asks.due(self.house, self.clerk(), self.started_at)
        if facts:
            await self.carry_out(Ruling(Result(), facts))
        if len(overdue) == MAX_BATCH:
            return now
        return min((at for at in (ahead, next_ask) if at is not None), default=None)

    async def _expire_one(self, delivery: Delivery) -> None:
        record = await self.store.one(delivery.message)
        if record is not None:
            event = codec.decode_durable(record.event)
            assert isinstance(event, Message)
            fact = receipts.expire(event, delivery, self.clerk())
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
