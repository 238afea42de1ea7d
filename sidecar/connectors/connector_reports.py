"""What the room hears of a connector: steps of deliveries, what it is doing, what it has used; and what the journal
keeps of that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import structlog

from gateway.protocol.events import Message
from gateway.protocol.types.agent_conditions import Condition, ConditionKind
from gateway.protocol.types.agent_work import UnseenResult, Work
from gateway.protocol.types.core_types import Activity, Composer, Rung
from sidecar.connection.room_reporter import RoomReporter
from sidecar.connectors.answers.kept_answer import drop_kept_answer
from sidecar.messages.duplicate_guard import MessageProgress
from sidecar.messages.inbox import FINAL_RUNGS
from sidecar.messages.replies import Reply
from sidecar.run_files.delivery_journal import DeliveryJournal
from sidecar.work.daily_token_usage import TokenDay, read_token_day, write_token_day

log = structlog.get_logger("sidecar.connectors.connector_reports")


def time_in_utc() -> datetime:
    return datetime.now(UTC)


@dataclass
class ConnectorReports:
    """`asks` is what it asks, in words: `claude-sonnet-4-5 at Anthropic`."""

    reporter: RoomReporter
    journal: DeliveryJournal
    folder: Path
    asks: str
    clock: Callable[[], datetime] = time_in_utc
    _unseen: UnseenResult = UnseenResult.NOTHING
    _is_limited: bool = False
    _told: asyncio.Event = field(default_factory=asyncio.Event)

    # as the receiver of the reporter's results

    def reported(self, number: int, rung: Rung) -> None:
        if rung in FINAL_RUNGS:
            self.end((number,))
        self._told.set()

    def contested(self, number: int) -> None:
        """The room knows that this message is further than we know."""
        log.warning("the room refused a step", number=number)
        self.end((number,))
        self._told.set()

    async def wait_until_told(self, messages: Sequence[Message]) -> None:
        """Until the room knows how these have ended. Only then may other ones begin: what a crash leaves then belongs
        to one answer."""
        while any(self.reporter.untold(one.seq) for one in messages):
            self._told.clear()
            await self._told.wait()

    def end(self, numbers: Iterable[int]) -> None:
        self.remember(numbers, MessageProgress.OVER)
        if not self.journal.unfinished():
            drop_kept_answer(self.folder)

    def remember(self, numbers: Iterable[int], reached: MessageProgress) -> bool:
        """If this returns False, the request must not be made: it could be made twice."""
        try:
            self.journal.mark(numbers, reached)
        except OSError as error:
            log.error("the journal cannot be written", error=str(error))
            return False
        return True

    # deliveries

    def step(self, messages: Iterable[Message], rung: Rung, reason: str = "") -> None:
        for one in messages:
            log.info("step", number=one.seq, rung=str(rung), reason=reason)
            self.reporter.step(one.seq, rung, reason)

    def post(self, replies: Sequence[Reply], tokens: int) -> None:
        for number, reply in enumerate(replies):
            self.reporter.post_reply(replace(reply, tokens=tokens) if number == 0 else reply)
        self._unseen = UnseenResult.ROOM if replies else self._unseen

    # what it is doing

    def introduce(self) -> None:
        """After each welcome: the gateway keeps none of this."""
        self.idle()

    def busy(self, note: str = "") -> None:
        self._unseen = UnseenResult.NOTHING
        self.reporter.activity(Activity.BUSY, Composer.EMPTY, note or f"asks {self.asks}")

    def idle(self) -> None:
        self.reporter.activity(Activity.IDLE, Composer.EMPTY, f"ready to ask {self.asks}")

    def limited(self, why: str, until: datetime) -> None:
        """Asked again at that time."""
        self._is_limited = True
        self.reporter.condition(Condition(ConditionKind.LIMITED, why, until.isoformat()))
        self.busy(why)

    def login_needed(self, why: str) -> None:
        self._is_limited = True
        self.reporter.condition(Condition(ConditionKind.LOGIN, why))

    def unlimited(self) -> None:
        if self._is_limited:
            self._is_limited = False
            self.reporter.condition(None)

    def used(self, tokens: int) -> None:
        """Count the tokens of a turn to those of today, and tell both."""
        today = self.clock().astimezone().date().isoformat()
        before = read_token_day(self.folder)
        day = TokenDay(today, tokens + (before.tokens if before.day == today else 0))
        if tokens:
            write_token_day(self.folder, day)
        self.reporter.work(Work(turn_tokens=tokens, day_tokens=day.tokens), self._unseen)
