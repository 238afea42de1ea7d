"""Brings what waits at the gateway into the inbox: what an earlier run had begun, then page by page what is next.

Work of its own, beside everything else: while it waits for the gateway, orders and urgent messages are heard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.protocol.events import Message
from gateway.protocol.results import DeliveryList, MessageDetail, WaitingList
from gateway.protocol.types import Delivery, Rung
from sidecar.delivery.delivery_loop import DeliveryLoop
from sidecar.messages.duplicate_guard import MessageProgress
from sidecar.messages.recovery import (
    TAKEN_RUNGS,
    TURN_LOST_TEXT,
    TURN_UNKNOWN_TEXT,
    Recovery,
    TurnOutcome,
    decide_recovery,
)

PAGE_DELIVERIES = 100


class DeliveryReader(Protocol):
    """As `sidecar.connection.room_reporter.RoomReporter` is."""

    async def fetch(self, number: int) -> MessageDetail | None: ...

    async def begun_after(self, number: int) -> DeliveryList: ...

    async def waiting_after(self, number: int, limit: int) -> WaitingList: ...


@dataclass(frozen=True)
class EarlierRun:
    """What an earlier run left: what its transcript tells of each message (None: it is not at hand), how far the
    journal says that each came, and which had not come to their end."""

    outcomes: Mapping[int, TurnOutcome] | None = None
    reached: Callable[[int], MessageProgress | None] = lambda number: None
    unfinished: Sequence[int] = ()


class Backlog:
    """`_turn` counts the welcomes: what was asked before the newest one may be of another house, and counts no more."""

    def __init__(self, name: str, delivery_loop: DeliveryLoop, reading: DeliveryReader, past: EarlierRun) -> None:
        self._name, self._delivery_loop, self._reading, self._past = name, delivery_loop, reading, past
        self._inbox = delivery_loop.inbox
        self._turn = self._taken_up = 0
        self._gone: set[int] = set()

    def begin(self, *, moved: bool) -> None:
        """At each welcome: what is open and unknown here came while nobody was there, or an earlier run left it so. In
        another house its numbers mean nothing."""
        if moved:
            self._past = replace(self._past, outcomes=None, unfinished=())
        self._turn += 1
        self._delivery_loop.expect_more()

    def gone(self, number: int) -> None:
        """It waits no longer, though a page that is on its way may still hold it."""
        self._gone.add(number)

    async def run(self) -> None:
        while True:
            if self._taken_up == self._turn:
                await self._delivery_loop.wants_more.wait()
            await self.catch_up()

    async def catch_up(self) -> None:
        """Until the inbox has enough, or there is no more. A welcome that comes meanwhile begins this anew."""
        self._delivery_loop.wants_more.clear()
        turn = self._turn
        if self._taken_up != turn:
            await self._take_up(turn)
            if turn != self._turn:
                return
            self._taken_up = turn
        await self._fill(turn)

    # What an earlier run had begun

    async def _take_up(self, turn: int) -> None:
        begun = {one.message: one for one in await self._begun()}
        for number in self._past.unfinished:
            if number not in begun and (standing := await self._standing(number)):
                begun[number] = standing
        for number in sorted(begun):
            if turn == self._turn and number not in self._inbox.known:
                await self._resume(begun[number], turn)
        if turn == self._turn:
            self._past = replace(self._past, unfinished=())

    async def _begun(self) -> list[Delivery]:
        found: list[Delivery] = []
        more = True
        while more:
            page = await self._reading.begun_after(found[-1].message if found else 0)
            found += page.deliveries
            more = page.more and bool(page.deliveries)
        return found

    async def _standing(self, number: int) -> Delivery | None:
        """Where the room believes a message to stand that the agent took in."""
        detail = await self._reading.fetch(number)
        ladders = detail.deliveries if detail else ()
        return next((one for one in ladders if one.member == self._name and one.rung in TAKEN_RUNGS), None)

    # What is next

    async def _fill(self, turn: int) -> None:
        inbox = self._inbox
        while inbox.wants_more and turn == self._turn:
            self._gone.clear()
            after, room = inbox.next_page_position()
            page = await self._reading.waiting_after(after, min(PAGE_DELIVERIES, room))
            for delivery, message in zip(page.deliveries, page.messages, strict=True):
                if turn == self._turn and message.seq not in inbox.known and message.seq not in self._gone:
                    await self._resume(delivery, turn, message)
            if turn == self._turn:
                inbox.page_was_read(page.messages, page.more, page.waiting)
                self._delivery_loop.changed()

    # What becomes of each

    async def _resume(self, delivery: Delivery, turn: int, message: Message | None = None) -> None:
        """An answer that was given, with nobody there to bring it, is said with all messages of its turn, so that it is
        the same reply as before, should it have been posted already."""
        outcome = (self._past.outcomes or {}).get(delivery.message)
        known = self._past.outcomes is not None
        what = decide_recovery(delivery.rung, self._past.reached(delivery.message), outcome, known=known)
        numbers = outcome.numbers if outcome and what is Recovery.ANSWERED else (delivery.message,)
        if what is Recovery.ANSWERED or (what is Recovery.AGAIN and message is None):
            found = [detail.message for one in numbers if (detail := await self._reading.fetch(one))]
        else:
            found = [message] if message else []
        if turn == self._turn and delivery.message not in self._inbox.known:
            self._settle(delivery, what, outcome, found)

    def _settle(
        self, delivery: Delivery, what: Recovery, outcome: TurnOutcome | None, messages: Sequence[Message]
    ) -> None:
        match what:
            case Recovery.AGAIN:
                for message in messages:
                    self._delivery_loop.adopt_waiting(message, delivery)
            case Recovery.OVER:
                self._inbox.known.add(delivery.message)
            case Recovery.ANSWERED if outcome:
                self._delivery_loop.progress.mark_answered_before(delivery.message, messages, outcome.answer)
            case _:
                why = outcome.why or TURN_LOST_TEXT if outcome else TURN_UNKNOWN_TEXT
                self._delivery_loop.progress.mark_over(delivery.message, Rung.FAILED, why)
