"""The hub connects rules, store and connections.

A pure rule turns a request into an outcome. The hub commits the events of outcomes in batches, and notifies only after
the commit: the sender gets its answer, all others get the events. If a commit fails, clients get only the error, and
the hub reads its state from the store again.

An answer may rest on events that are not committed yet. It then waits for them in the same queue: it never overtakes an
event whose effect it shows, and no client sees something that a failed commit takes back.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

import structlog

from gateway.access.pairing_codes import PairingCodes
from gateway.access.rate_limit import RateLimiter
from gateway.access.tokens import ENTROPY_BYTES
from gateway.agent_control.terminal_watch_rules import why_no_picture
from gateway.commit.answer_order import Answers
from gateway.commit.apply_entries import apply_entry
from gateway.commit.apply_events import apply_early, move_deliveries
from gateway.commit.batch_completion import BatchCompletion, changed_kinds
from gateway.commit.committer import BROKEN_TEXT, CommitJob, Committer
from gateway.loop_guard.recent_traffic import RecentTraffic
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome
from gateway.model.sequence_numbers import SequenceNumbers
from gateway.model.state import GatewayState
from gateway.process_basics.monotonic_clock import monotonic_s
from gateway.protocol.errors import Unavailable
from gateway.protocol.events import Message
from gateway.protocol.results import Result
from gateway.push.commit_publisher import Publisher, PublishProgress
from gateway.push.event_broadcaster import Broadcaster, OutgoingEvent
from gateway.push.member_streams import Streams
from gateway.push.partial_texts import PartialTexts
from gateway.push.presence import PresenceBroadcaster
from gateway.push.terminal_watchers import TerminalWatchers
from gateway.push.waiting_readers import ReaderSignals
from gateway.recall.meaning_search import MeaningSearch
from gateway.retention.room_trimming import RETENTION_ERRAND, RoomTrimming
from gateway.rooms import members
from gateway.runtime.config import Config
from gateway.runtime.delivery_expiry import DeliveryExpiry
from gateway.runtime.forwarding import FOLLOWING_TEXT, Forwarder, Role
from gateway.runtime.lan_access import LanDoor, NoLanDoor
from gateway.runtime.provider_door import ProviderDoor
from gateway.runtime.snapshot_taking import SnapshotTaking
from gateway.runtime.state_loader import adopt_state, load_state
from gateway.runtime.worker_thread import WorkerThread
from gateway.statistics.metrics import Metrics
from gateway.store import LogEntry, Store, StoredEvent
from gateway.timing import clock_changes
from gateway.timing.scheduler import Scheduler
from gateway.timing.smoothed_wall_clock import SteadyClock

log = structlog.get_logger("gateway.runtime.hub")

Clock = Callable[[], float]
BROKEN_PROCESS_TEXT = (
    "The gateway stopped because an essential task failed; see its log. Accepted messages are on disk. Start the "
    "gateway again."
)


class Hub:
    providers: ProviderDoor | None = None  # without `--jwt`, no token of an identity provider is valid
    vectors: MeaningSearch | None = None  # without `--embed`, `recall` goes by words alone
    snapshots: SnapshotTaking | None = None  # without `--snapshots`, none are taken

    def __init__(
        self,
        store: Store,
        config: Config,
        *,
        team_digest: str | None = None,
        clock: Clock | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.store, self.config, self.team_digest = store, config, team_digest
        self.metrics = metrics or Metrics()
        self.state = GatewayState(chains=RecentTraffic(config.rules.limits))
        self._clock = clock or SteadyClock(time.time, monotonic_s)
        self.started_at = self._clock()
        self._sequencer = RuleContext(settings=config.rules)
        self.numbers = SequenceNumbers(self._sequencer, os.urandom(8).hex())
        self.throttle, self.pairings = RateLimiter(config.rate), PairingCodes()
        self.lan: LanDoor = NoLanDoor()
        self.aside = WorkerThread()
        self.request_log = log.bind()  # bound once: an unbound logger takes four times as long for each request
        self.broken = asyncio.Event()  # set when the process must end, because a task that it needs has ended
        self.broken_text = BROKEN_PROCESS_TEXT
        self.role, self._stopping = Role(), False

        self.progress = PublishProgress()
        self.wakeups = ReaderSignals()
        self.committer = Committer(store, self.metrics, self._restore, stuck_after=config.stuck_after)
        self.answers = Answers(self.committer)
        self.broadcaster = Broadcaster(self.state)
        self.presence = PresenceBroadcaster(self.state, self.broadcaster, lambda: self.now, self.answers.write_in_turn)
        self.streams = Streams(self.state, self.broadcaster, self.metrics, lambda: self.now, self._came_or_left)
        self.partial_texts = PartialTexts(self.broadcaster)
        self.terminals = TerminalWatchers(self.broadcaster, partial(why_no_picture, self.state))
        self.publisher = Publisher(self.broadcaster, self.wakeups, self.progress, self.presence.note_change)
        self._results = BatchCompletion(
            self.committer, self.publisher, self.progress, self.metrics, self._begin_deliveries
        )
        self.scheduler = Scheduler(self.state, self.rule_context, self._due, self.started_at)
        self.trimming = RoomTrimming(store.retention, self.state, self.rule_context, self.carry_out)
        self._add_errands()
        if isinstance(self._clock, SteadyClock):
            self._clock.when_moved(self._shift_times)

    def _add_errands(self) -> None:
        expiry = DeliveryExpiry(self.store, self.state, self.rule_context, self.carry_out)
        self.scheduler.add_errand("delivery", expiry.expire)
        self.scheduler.add_errand(RETENTION_ERRAND, self.trimming.trim)

    # life

    async def start(self) -> None:
        self.store.when_lost(self.end_process)
        await self._restore()
        if self.numbers.began > self.committed_seq + 1:
            log.warning(
                "! the log was restored from a backup; its numbers continue where they were",
                last=self.committed_seq,
                next=self.numbers.began,
            )
        self.state.began = self.now
        if not self.follows:
            self.committer.start(self._tell, self._fail_process)
            await self._begin_deciding()

    @property
    def follows(self) -> bool:
        return self.role.follows

    @property
    def forwarder(self) -> Forwarder | None:
        return self.role.forwarder

    async def take_over(self, begin_waiting: Callable[[], None]) -> None:
        """Decide from now on: the store says that the gateway that did is gone, and all that it decided is here. What
        has waited for a decider is begun before anything else."""
        await self._restore()
        self.role.forwarder = None
        self.committer.start(self._tell, self._fail_process)
        begin_waiting()
        await self._begin_deciding()

    async def _begin_deciding(self) -> None:
        founding = members.initial_events(self.state, self.rule_context())
        if founding:
            await self.carry_out(RuleOutcome(Result(), founding))
        for begin in self.role.begins:
            await begin()
        self.scheduler.schedule(RETENTION_ERRAND)

    def _fail_process(self, error: BaseException) -> None:
        """A task that must not end has ended: end the process, so that the supervisor starts it again."""
        if not self._stopping:
            log.critical("! the committer ended; the gateway cannot go on", error=repr(error))
            self.broken.set()

    def end_process(self, why: str) -> None:
        """The log is written by another gateway now, or is gone: a start begins with what is there. `why` is the middle
        of a sentence."""
        if not self._stopping:
            self.broken_text = f"The gateway stopped because {why}. Start it again."
            self.broken.set()

    async def drain(self) -> None:
        """Refuse new requests; commit and answer the pending ones."""
        self._stopping = True
        self.scheduler.stop()
        await self.trimming.stop()
        await self.committer.stop()

    async def stop(self) -> None:
        await self.drain()
        self.aside.close()
        await self.store.close()

    async def _restore(self) -> None:
        """Replace the state in memory by that of the store. All of it is read first, so that nobody sees half a
        state."""
        found = await load_state(self.store)
        adopt_state(self.state, found, self.now)
        loaded = found.loaded
        self.role.follows = loaded.follows
        self.numbers.run = loaded.run or self.numbers.run
        (self.scheduler.pause if self.follows else self.scheduler.resume)()
        if loaded.last_seq > self.committed_seq:
            self.streams.let_all_resume()  # a commit that was reported as failed is in the log after all
            self.wakeups.wake_all()
        self.progress.restored(loaded.last_seq)
        self.numbers.begin(max(loaded.last_seq, loaded.given))
        if loaded.next_deadline is not None:
            self.scheduler.schedule("delivery", at=loaded.next_deadline)
        for change in found.changes:
            self.scheduler.update_schedule(change)

    # time and numbers

    def rule_context(self) -> RuleContext:
        return self._sequencer.at(self._clock())

    def _shift_times(self, step: float) -> None:
        log.warning("! the machine's clock has changed", seconds=round(step, 3))
        self.started_at += step
        clock_changes.shift_clock(self.state, step)
        self.scheduler.move(step)

    @property
    def now(self) -> float:
        return self.rule_context().now

    def note_client_number(self, store_id: str, known: int) -> None:
        """A client reports the highest number that it has seen of the store with this id."""
        if self.numbers.accept_client_number(store_id == self.state.id, known):
            log.warning(
                "! a client knows later numbers than this log: the log was restored from a backup, and numbers are "
                "skipped",
                known=known,
                next=self._sequencer.last_seq + 1,
            )

    @staticmethod
    def entropy() -> bytes:
        return os.urandom(ENTROPY_BYTES)

    @property
    def committed_seq(self) -> int:
        return self.progress.committed_seq

    # deciding

    def carry_out(self, outcome: RuleOutcome) -> asyncio.Future[Result]:
        """Apply an outcome and queue its events for the disk. The future gets the result once they are committed."""
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        if self._stopping or self.broken.is_set():
            done.set_exception(Unavailable("The gateway is stopping. Try again in a moment.", retry_after=1))
        elif self.follows and outcome.events:
            done.set_exception(Unavailable(FOLLOWING_TEXT))
        elif not outcome.events:
            return self.answers.answer_in_turn(outcome.result)
        else:
            self._queue(outcome, done)
        return done

    def _queue(self, outcome: RuleOutcome, done: asyncio.Future[Result]) -> None:
        try:
            job = CommitJob.of(outcome, done)
        except Exception:
            log.exception("! an event cannot be encoded")
            done.set_exception(Unavailable(BROKEN_TEXT))
            return
        try:
            for fact in outcome.events:
                self._apply_early(fact)
                if fact.changes:
                    self.progress.decided_change(fact.event.seq)
        except Exception:
            log.exception("! an outcome cannot be applied")
            self.committer.mark_doubtful()
            done.set_exception(Unavailable(BROKEN_TEXT))
            return
        self.committer.add(job)

    def _apply_early(self, fact: EventToCommit) -> None:
        apply_early(self.state, fact)
        for change in fact.changes:
            self.scheduler.update_schedule(change)
        if not isinstance(fact.event, Message):
            self._note_moved_deliveries(fact)

    def _begin_deliveries(self, fact: EventToCommit) -> None:
        """Start the deliveries of a committed message."""
        move_deliveries(self.state, fact)
        self._note_moved_deliveries(fact)
        if fact.deadline is not None:
            self.scheduler.schedule("delivery", at=fact.deadline)

    def _note_moved_deliveries(self, fact: EventToCommit) -> None:
        names = [delivery.member for delivery in fact.deliveries]
        self.presence.note_change(*names)
        self._check_turns_of(*names)

    def _check_turns_of(self, *names: str) -> None:
        speaking = self.state.speaking
        for name in names:
            for room in speaking.get(name, ()):
                self.scheduler.schedule("floor", room)

    def note_connections(self, name: str) -> None:
        """A member has connected, here or at another gateway, or a connection of it has ended."""
        self._check_turns_of(name)
        if name in self.state.asks:
            self.scheduler.schedule("ask", name)
        for key in self.state.open_calls_of.get(name, ()):
            self.scheduler.schedule("call", key)
        self.presence.note_change(name)
        self.terminals.sidecar_came_or_left(name)

    def _came_or_left(self, name: str) -> None:
        self.note_connections(name)
        for watch in self.streams.watchers:
            watch(name)

    # commits

    def _tell(self, batch: Sequence[CommitJob], seqs: dict[int, int]) -> None:
        self._results.tell(batch, seqs)
        if self.wakeups.anybody_waits_for_mail:
            facts = (fact for job in batch for fact in job.outcome.events)
            self._wake_readers(
                name for fact in facts for name in (*(one.member for one in fact.deliveries), *(fact.ends or ()))
            )
        self._tell_of_changes(changed_kinds(batch))

    def _wake_readers(self, names: Iterable[str]) -> None:
        """Wake whoever reads an inbox, only after the commit: a reader looks into the store, and one that is woken
        earlier would find nothing there and wait on."""
        for name in names:
            self.wakeups.wake(name)

    def _tell_of_changes(self, kinds: Collection[str]) -> None:
        """End what members may not see any more, now that documents of these kinds have changed."""
        if self.terminals.any_watched and ("membership" in kinds or "member" in kinds):
            self.terminals.end_without_right()
        if "token" in kinds or (self.broadcaster.has_link_readers and "membership" in kinds):
            self.streams.tokens_changed()
            self.scheduler.schedule("token")
            self.wakeups.wake_all()

    def show_decided(self, entries: Sequence[LogEntry]) -> None:
        """Take and push what another gateway has decided: it is in the log, and in this gateway's copy already."""
        sheets = [OutgoingEvent(_stored_event(entry), apply_entry(self.state, entry)) for entry in entries]
        self.presence.note_change(*(one.member for entry in entries for one in entry.deliveries))
        self.publisher.publish(sheets)
        self._wake_readers(
            name for entry in entries for name in (*(one.member for one in entry.deliveries), *(entry.ends or ()))
        )
        self._tell_of_changes({document.kind for entry in entries for document in entry.documents})

    async def wait_for_event_after(self, seq: int, seconds: float) -> None:
        """Wait until an event later than `seq` is committed, or until the timeout."""
        if self.committed_seq <= seq and seconds > 0:
            await self.wakeups.news(seconds)

    # schedule

    def _due(self, facts: Sequence[EventToCommit]) -> asyncio.Future[Result]:
        return self.carry_out(RuleOutcome(Result(), tuple(facts)))


def _stored_event(entry: LogEntry) -> StoredEvent:
    return StoredEvent(entry.seq, entry.kind, entry.room, entry.sender, entry.ends, entry.event)
