"""Pushes committed events to the streams in order, and tracks how far the log has been pushed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import structlog

from gateway.protocol.events import Durable
from gateway.push.event_broadcaster import Broadcaster, OutgoingEvent
from gateway.push.waiting_readers import ReaderSignals
from gateway.store.log_entries import touched_members

log = structlog.get_logger("gateway.push.commit_publisher")

BROADCAST_KINDS = ("member", "room")


class PublishProgress:
    """`committed_seq`: the last event that is committed and pushed. `changed_seq`: the last event decided that changes
    members, rooms, modes and the like; it may not be committed yet."""

    def __init__(self) -> None:
        self.committed_seq = 0
        self.changed_seq = 0

    def restored(self, seq: int) -> None:
        self.committed_seq = self.changed_seq = seq

    def decided_change(self, seq: int) -> None:
        self.changed_seq = seq

    def committed(self, seq: int) -> None:
        self.committed_seq = seq

    def caught_up(self) -> None:
        """Nothing waits for the disk. (The numbers of repeated messages are not in the log.)"""
        self.changed_seq = self.committed_seq


class Publisher:
    """It calls `touched` with each member whose state an event changes."""

    def __init__(
        self,
        broadcaster: Broadcaster,
        wakeups: ReaderSignals,
        progress: PublishProgress,
        touched: Callable[[str], None],
    ) -> None:
        self._broadcaster, self._wakeups, self._progress, self._touched = broadcaster, wakeups, progress, touched
        self.watchers: list[Callable[[Durable], None]] = []  # called with every committed event

    def publish(self, sheets: Sequence[OutgoingEvent]) -> None:
        for part in _split_by_notices(sheets) if self.watchers else (sheets,):
            if part:
                self._progress.committed(part[-1].record.seq)
                self._broadcaster.publish(part)
                for sheet in part:
                    self._broadcast(sheet.event)
        if sheets:
            self._wakeups.announce_news()

    def _broadcast(self, event: Durable) -> None:
        for name in touched_members(event):
            self._touched(name)
        for watch in self.watchers:
            try:
                watch(event)
            except Exception:
                log.exception("! a watcher failed", seq=event.seq)


def _split_by_notices(sheets: Sequence[OutgoingEvent]) -> Iterator[Sequence[OutgoingEvent]]:
    """Split after each event that some connections get as another frame, which must come before the next event."""
    begin = 0
    for number, sheet in enumerate(sheets, 1):
        if sheet.record.kind in BROADCAST_KINDS:
            yield sheets[begin:number]
            begin = number
    yield sheets[begin:]
