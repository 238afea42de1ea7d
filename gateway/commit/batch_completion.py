"""After the commit of a batch: pushes its events, and answers each request in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import msgspec
import structlog

from gateway.commit.committer import CommitJob, Committer
from gateway.model.rule_outcome import EventToCommit
from gateway.protocol.events import Message, Receipt
from gateway.protocol.results import Accepted
from gateway.push.commit_publisher import Publisher, PublishProgress
from gateway.push.event_broadcaster import OutgoingEvent
from gateway.statistics.metrics import Metrics
from gateway.store.log_entries import trace_of_event

log = structlog.get_logger("gateway.commit.batch_completion")


class BatchCompletion:
    """`begin` begins the deliveries of a message that is new in the log."""

    def __init__(
        self,
        committer: Committer,
        publisher: Publisher,
        progress: PublishProgress,
        metrics: Metrics,
        begin: Callable[[EventToCommit], None],
    ) -> None:
        self._committer, self._publisher, self._progress, self._metrics = committer, publisher, progress, metrics
        self._begin = begin
        self._log = log.bind()  # bound once: an unbound logger takes four times as long for each request

    def tell(self, batch: Sequence[CommitJob], seqs: dict[int, int]) -> None:
        """Answers that show state go out between the events before and after them. Answers that only confirm their own
        event go out after the whole batch, so that the batch is written once to each stream."""
        sheets: list[OutgoingEvent] = []
        told: list[CommitJob] = []
        for job in batch:
            new = [sheet for sheet in job.sheets if seqs[sheet.record.seq] == sheet.record.seq]
            sheets += new
            self._settle(job, seqs, is_new=bool(new))
            told.append(job)
            if job.tells and not job.sheets:
                self._publish_and_tell(sheets, told)
                sheets, told = [], []
        self._publish_and_tell(sheets, told)
        if not self._committer.is_behind:
            self._progress.caught_up()

    def _settle(self, job: CommitJob, seqs: dict[int, int], *, is_new: bool) -> None:
        """One job that fails does not stop the others of its batch."""
        try:
            if is_new:
                self._begin_deliveries(job, seqs)
                self._count(job, seqs)
            self._answer(job, seqs)
        except Exception:
            log.exception("! could not send a result")
            self._committer.mark_doubtful()

    def _begin_deliveries(self, job: CommitJob, seqs: dict[int, int]) -> None:
        """Of a repeated message nothing begins, also if something else of its outcome is new."""
        for fact in job.outcome.events:
            if isinstance(fact.event, Message) and seqs[fact.event.seq] == fact.event.seq:
                self._begin(fact)

    def _count(self, job: CommitJob, seqs: dict[int, int]) -> None:
        for fact in job.outcome.events:
            event = fact.event
            if isinstance(event, Message) and seqs[event.seq] == event.seq:
                self._metrics.note_sent(event.from_)
            elif isinstance(event, Receipt) and fact.end is not None:
                self._metrics.note_end(event.member, fact.end)

    def _publish_and_tell(self, sheets: Sequence[OutgoingEvent], jobs: Iterable[CommitJob]) -> None:
        self._publisher.publish(sheets)
        for job in jobs:
            job.tell()

    def _answer(self, job: CommitJob, seqs: dict[int, int]) -> None:
        result = job.outcome.result
        if isinstance(result, Accepted):
            first = seqs.get(result.seq, result.seq)
            if first != result.seq:
                deliveries = tuple(msgspec.structs.replace(one, message=first) for one in result.deliveries)
                result = msgspec.structs.replace(result, seq=first, deliveries=deliveries, duplicate=True)
            self._log.debug(
                "> accepted",
                seq=result.seq,
                trace=trace_of_event(job.outcome.events[0].event),
                duplicate=result.duplicate,
            )
            self._metrics.accepted.inc()
            self._metrics.accept_seconds.observe(time.perf_counter() - job.begun)
        job.answer(result)


def changed_kinds(batch: Iterable[CommitJob]) -> set[str]:
    """The kinds of the documents that a batch changes."""
    return {change.kind for job in batch for fact in job.outcome.events for change in fact.changes}
