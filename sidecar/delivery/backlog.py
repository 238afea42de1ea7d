"""Fetches what waits at the gateway: first the messages that an earlier run began, then the next ones page by page.

It runs as a task of its own, so that orders and urgent messages are handled while it waits for the gateway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.protocol.events import Message
from gateway.protocol.results import DeliveryList, MessageDetail, WaitingList
from gateway.protocol.types.core_types import Delivery, Rung
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
    """What `sidecar.connection.room_reporter.RoomReporter` offers for reading."""

    async def fetch(self, number: int) -> MessageDetail | None: ...

    async def begun_after(self, number: int) -> DeliveryList: ...

    async def waiting_after(self, number: int, limit: int) -> WaitingList: ...


@dataclass(frozen=True)
class EarlierRun:
    """What an earlier run left. `outcomes`: what its transcript says about each message (None: there is no transcript).
    `reached`: how far each message came, from the journal. `unfinished`: the messages that had not come to an end."""

    outcomes: Mapping[int, TurnOutcome] | None = None
    reached: Callable[[int], MessageProgress | None] = lambda number: None
    unfinished: Sequence[int] = ()


class Backlog:
    """Takes up the messages that were open when the sidecar connected. `_welcomes` counts the connections: an answer to
    a question that was asked before the newest welcome may come from another store, so it is ignored."""

    def __init__(self, name: str, delivery_loop: DeliveryLoop, reading: DeliveryReader, past: EarlierRun) -> None:
        self._name, self._delivery_loop, self._reading, self._past = name, delivery_loop, reading, past
        self._inbox = delivery_loop.inbox
        self._welcomes = self._taken_up = 0
        self._gone: set[int] = set()

    def begin(self, *, moved: bool) -> None:
        """Called at each welcome. Messages that are open and unknown here arrived while the sidecar was away, or were
        left by an earlier run. When the store is another one (`moved`), the numbers of the earlier run mean nothing."""
        if moved:
            self._past = replace(self._past, outcomes=None, unfinished=())
        self._welcomes += 1
        self._delivery_loop.expect_more()

    def gone(self, number: int) -> None:
        """The message does not wait any more, although a page that is being fetched may still contain it."""
        self._gone.add(number)

    async def run(self) -> None:
        while True:
            if self._taken_up == self._welcomes:
                await self._delivery_loop.wants_more.wait()
            await self.fetch_all()

    async def fetch_all(self) -> None:
        """Fetch until the inbox has enough or nothing is left. A welcome that arrives meanwhile starts this again."""
        self._delivery_loop.wants_more.clear()
        turn = self._welcomes
        if self._taken_up != turn:
            await self._take_up(turn)
            if turn != self._welcomes:
                return
            self._taken_up = turn
        await self._fill(turn)

    # Messages that an earlier run began

    async def _take_up(self, turn: int) -> None:
        begun = {one.message: one for one in await self._begun()}
        for number in self._past.unfinished:
            if number not in begun and (standing := await self._standing(number)):
                begun[number] = standing
        for number in sorted(begun):
            if turn == self._welcomes and number not in self._inbox.known:
                await self._resume(begun[number], turn)
        if turn == self._welcomes:
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
        """The state in the room of a message that the agent accepted."""
        detail = await self._reading.fetch(number)
        ladders = detail.deliveries if detail else ()
        return next((one for one in ladders if one.member == self._name and one.rung in TAKEN_RUNGS), None)

    # The next pages

    async def _fill(self, turn: int) -> None:
        inbox = self._inbox
        while inbox.wants_more and turn == self._welcomes:
            self._gone.clear()
            after, room = inbox.next_page_position()
            page = await self._reading.waiting_after(after, min(PAGE_DELIVERIES, room))
            for delivery, message in zip(page.deliveries, page.messages, strict=True):
                if turn == self._welcomes and message.seq not in inbox.known and message.seq not in self._gone:
                    await self._resume(delivery, turn, message)
            if turn == self._welcomes:
                inbox.page_was_read(page.messages, page.more, page.waiting)
                self._delivery_loop.changed()

    # What happens to each message

    async def _resume(self, delivery: Delivery, turn: int, message: Message | None = None) -> None:
        """Decide what happens to a message. If an earlier run got an answer but could not post it, the reply is posted
        with all messages of that turn: it is then the same reply as before, in case it was already posted."""
        outcome = (self._past.outcomes or {}).get(delivery.message)
        known = self._past.outcomes is not None
        what = decide_recovery(delivery.rung, self._past.reached(delivery.message), outcome, known=known)
        numbers = outcome.numbers if outcome and what is Recovery.ANSWERED else (delivery.message,)
        if what is Recovery.ANSWERED or (what is Recovery.AGAIN and message is None):
            found = [detail.message for one in numbers if (detail := await self._reading.fetch(one))]
        else:
            found = [message] if message else []
        if turn == self._welcomes and delivery.message not in self._inbox.known:
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
