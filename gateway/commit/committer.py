"""The committer is the only writer: it queues outcomes, writes them to disk in batches, and reports each commit.

A message is durable before it is acknowledged: requests are answered after the commit (`batch_completion.py`). If a
batch fails, its requesters get an error, and the committer tries the next batch. State in memory that may be ahead of
the disk is read again before the next commit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from gateway.model.rule_outcome import RuleOutcome
from gateway.process_basics.tasks import spawn_vital
from gateway.protocol.errors import GroupChatError, StorageFailed, Unavailable
from gateway.protocol.results import Result
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.push.event_broadcaster import OutgoingEvent
from gateway.statistics.metrics import Metrics
from gateway.store import LogEntry, Store
from gateway.store.log_entries import encode_event

log = structlog.get_logger("gateway.commit.committer")

OnCommitted = Callable[[], None]

MAX_BATCH_EVENTS = 512
RESTORE_INTERVAL_S = 1.0
BROKEN_TEXT = "The gateway has an internal error; see its log."


@dataclass(slots=True)  # not frozen: made for each request, and a frozen one takes four times as long to make
class CommitJob:
    """An encoded outcome on its way to disk. One without events, such as a refusal (with its `error`), only waits for
    the outcomes before it. `tells` are called after its events are pushed, and before those of the next job."""

    outcome: RuleOutcome
    entries: Sequence[LogEntry]
    sheets: Sequence[OutgoingEvent]
    done: asyncio.Future[Any]
    begun: float = field(default_factory=time.perf_counter)
    tells: list[OnCommitted] = field(default_factory=list)
    sure: bool = False
    error: GroupChatError | None = None

    @staticmethod
    def of(outcome: RuleOutcome, done: asyncio.Future[Any]) -> CommitJob:
        """Encode first: an outcome that cannot be encoded fails alone, before it changes any state."""
        entries: list[LogEntry] = []
        sheets: list[OutgoingEvent] = []
        for fact in outcome.events:
            entry, record = encode_event(fact)
            entries.append(entry)
            sheets.append(OutgoingEvent(record, fact.event))
        return CommitJob(outcome, entries, sheets, done)

    def answer(self, result: Result) -> None:
        if self.done.done():
            return
        if self.error is None:
            self.done.set_result(result)
        else:
            self.done.set_exception(self.error)

    def refuse(self, error: GroupChatError) -> None:
        """Fail the job. A `sure` result is answered nevertheless, because it does not depend on the failed commit."""
        if self.sure:
            self.answer(self.outcome.result)
        elif not self.done.done():
            self.done.set_exception(type(error)(error.message, retry_after=1))

    def tell(self) -> None:
        if not self.tells:
            return
        tells, self.tells[:] = list(self.tells), []
        for tell in tells:
            try:
                tell()
            except Exception:
                log.exception("! could not send an answer")


Told = Callable[[Sequence[CommitJob], dict[int, int]], None]


@dataclass(frozen=True)
class CommitHealth:
    """`age`: for how many seconds the oldest outcome has waited for the disk; 0 if none waits."""

    stuck: bool
    age: float
    waiting: int
    last_error: str = ""


class Committer:
    """Writes what the rules decided to the store, batch by batch, and only then answers. `restore` reads the state from
    the store again."""

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        restore: Callable[[], Awaitable[None]],
        *,
        stuck_after: float,
    ) -> None:
        self._store, self._metrics, self._restore = store, metrics, restore
        self._told: Told = lambda batch, seqs: None
        self._stuck_after = stuck_after
        self._pending: list[CommitJob] = []
        self._batch: Sequence[CommitJob] = ()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._doubted = False
        self._last_error = ""

    # life

    def start(self, told: Told, failed: Callable[[BaseException], None]) -> None:
        """Calls `told` with each committed batch, and `failed` if the task ends in any other way than by `stop`."""
        self._told = told
        self._task = spawn_vital(self._run(), "committer", lambda error: self._report_death(error, failed))

    async def stop(self) -> None:
        """Commit the queued jobs, then end. Returns at once if the task has already failed."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    def _report_death(self, error: BaseException, failed: Callable[[BaseException], None]) -> None:
        """Fail all queued jobs, so that nobody waits for an answer that cannot come."""
        self._note(f"the committer ended ({_public_error_text(error)})")
        self._refuse_all(Unavailable(BROKEN_TEXT))
        failed(error)

    # queueing

    def add(self, job: CommitJob) -> None:
        self._pending.append(job)
        self._wake.set()

    def mark_doubtful(self) -> None:
        """Mark that the state in memory may be ahead of the disk."""
        self._doubted = True
        self._wake.set()

    def health(self) -> CommitHealth:
        waiting = [*self._batch, *self._pending[:1]]
        age = time.perf_counter() - waiting[0].begun if waiting else 0.0
        gone = self._task is not None and self._task.done() and not self._stopping
        stuck = gone or self._doubted or age > self._stuck_after
        return CommitHealth(stuck, round(age, 3), len(self._batch) + len(self._pending), self._last_error)

    @property
    def uncommitted(self) -> int:
        return len(self._batch) + len(self._pending)

    def has_deliveries_to(self, names: Collection[str]) -> bool:
        """Whether something is on its way to the disk that begins or moves a delivery to one of these members."""
        jobs = (*self._batch, *self._pending)
        return any(one.member in names for job in jobs for fact in job.outcome.events for one in fact.deliveries)

    @property
    def is_behind(self) -> bool:
        """Whether more jobs wait besides the batch that is being reported."""
        return bool(self._pending)

    def tell_when_committed(self, done: asyncio.Future[Any], tell: OnCommitted) -> bool:
        """Call `tell` when the job of `done` is reported. Returns False if that job no longer waits."""
        job = next((one for one in reversed(self._pending) if one.done is done), None)
        if job is not None:
            job.tells.append(tell)
        return job is not None

    # committing

    async def _run(self) -> None:
        while True:
            if self._doubted:
                await self._restore_until_healthy()
            elif self._pending:
                await self._commit_some()
            elif self._stopping:
                return
            else:
                self._wake.clear()
                await self._wake.wait()

    async def _commit_some(self) -> None:
        self._batch = self._pending[:MAX_BATCH_EVENTS]
        del self._pending[:MAX_BATCH_EVENTS]
        try:
            seqs = await self._append(self._batch)
        except GroupChatError as error:
            await self._give_up(error)
        except Exception as error:
            log.exception("! commit failed unexpectedly")
            await self._give_up(StorageFailed("The store failed; see the gateway's log."), error)
        else:
            self._tell(self._batch, seqs)
        self._batch = ()

    def _tell(self, batch: Sequence[CommitJob], seqs: dict[int, int]) -> None:
        """Report a committed batch. An error here does not undo the commit."""
        try:
            self._told(batch, seqs)
        except Exception as error:
            log.exception("! committed events could not be pushed")
            self._note(f"committed events could not be pushed ({_public_error_text(error)})")
            self.mark_doubtful()
        for job in batch:
            job.answer(job.outcome.result)
            job.tell()

    async def _append(self, batch: Sequence[CommitJob]) -> dict[int, int]:
        entries = [entry for job in batch for entry in job.entries]
        if not entries:
            return {}
        begun = time.perf_counter()
        seqs = await self._store.append(entries)
        self._metrics.commit_seconds.observe(time.perf_counter() - begun)
        return dict(zip((entry.seq for entry in entries), seqs, strict=True))

    async def _give_up(self, error: GroupChatError, cause: Exception | None = None) -> None:
        """Fail this batch and all jobs that were decided on top of it."""
        log.error("! commit failed", code=error.code, error=error.message, jobs=len(self._batch))
        self._note(error.message if cause is None else f"{error.message} ({_public_error_text(cause)})")
        self._metrics.commit_failures.inc()
        await self._restore_state()
        self._refuse_all(error)

    async def _restore_until_healthy(self) -> None:
        """Restore before any commit: jobs decided on doubtful state are not committed."""
        if not await self._restore_state() and not self._stopping:
            self._wake.clear()
            await _wait_for_event(self._wake, RESTORE_INTERVAL_S)
        self._refuse_all(StorageFailed("The gateway is reloading its state. Try again in a moment."))
        self._doubted = self._doubted and not self._stopping

    async def _restore_state(self) -> bool:
        """Restore the state from the store. Returns whether that succeeded."""
        try:
            await self._restore()
        except Exception as error:
            log.exception("! the state cannot be reloaded")
            self._note(f"the state cannot be reloaded ({_public_error_text(error)})")
            self._doubted = True
            return False
        self._doubted = False
        return True

    def _refuse_all(self, error: GroupChatError) -> None:
        failed = [*self._batch, *self._pending]
        self._batch = ()
        self._pending.clear()
        for job in failed:
            job.refuse(error)
            job.tell()

    def _note(self, error: str) -> None:
        self._last_error = f"{iso_from_seconds(time.time())} {error}"


async def _wait_for_event(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _public_error_text(error: BaseException) -> str:
    """The text of an error that anybody may read, without a token: the sentence of our own errors, else only the
    type."""
    return error.message if isinstance(error, GroupChatError) else type(error).__name__
