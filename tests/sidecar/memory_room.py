"""A room in memory that behaves like the gateway's client, with the gateway's own rules for delivery states."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from gateway.model.deliveries.delivery_states import OPEN_RUNGS, WAITING_RUNGS, apply_steps, rank
from gateway.protocol.errors import UnknownMessage
from gateway.protocol.events import Control, ControlAction, MemberView, Message, Welcome
from gateway.protocol.requests.agent_requests import SetActivity
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.message_requests import Deliveries, History, Report, Send, Show, Waiting
from gateway.protocol.requests.mode_requests import GetMode
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Accepted, DeliveryList, Done, MessageDetail, MessageList, ModeStanding, WaitingList
from gateway.protocol.types.core_types import (
    DEFAULT_ROOM,
    Delivery,
    FloorView,
    Member,
    MemberKind,
    MessageKind,
    Rung,
    Step,
)

T = TypeVar("T")
WHEN = "2026-11-21T10:00:00.000Z"


class NoProgress:
    """Remembers what it hears of reports."""

    def __init__(self) -> None:
        self.told: list[Rung] = []
        self.refused: list[int] = []

    def reported(self, number: int, rung: Rung) -> None:
        self.told.append(rung)

    def contested(self, number: int) -> None:
        self.refused.append(number)


class FewRooms:
    """The same names in all rooms; those in `closed` are by invitation."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.closed: set[str] = set()

    def names_in(self, room: str) -> tuple[str, ...]:
        return self.names

    def is_open(self, room: str) -> bool:
        return room not in self.closed


class MemoryRoom:
    def __init__(self, me: str, others: tuple[str, ...] = ("alice", "bob")) -> None:
        self.me, self.others = me, others
        self.seq = 0
        self.messages: dict[int, Message] = {}
        self.deliveries: dict[int, Delivery] = {}
        self.steps: dict[int, list[Step]] = {}
        self.sent: list[Send] = []
        self.activities: list[SetActivity] = []
        self.asked: list[Request] = []
        self.page = 1000
        self.store_id = ""
        self._events: asyncio.Queue[Any] = asyncio.Queue()

    # What a test does

    def say(
        self,
        text: str,
        sender: str = "alice",
        *,
        direct: bool = True,
        at: str = WHEN,
        room: str = DEFAULT_ROOM,
        **fields: Any,
    ) -> int:
        """A message for the agent; its number."""
        self.seq += 1
        message = Message(
            seq=self.seq,
            id=f"m{self.seq}",
            room=room,
            from_=sender,
            to=(f"@{self.me}",) if direct else (),
            kind=MessageKind.CHAT,
            content=text,
            timestamp=at,
            recipients=(self.me,) if direct else (),
            deliveries=(self.me,),
            **fields,
        )
        self.messages[self.seq] = message
        self.deliveries[self.seq] = Delivery(self.seq, self.me)
        self._events.put_nowait(message)
        return self.seq

    def order(self, action: ControlAction, timestamp: str = "", **fields: Any) -> None:
        self.seq += 1
        self._events.put_nowait(Control(self.seq, action, "alice", (self.me,), timestamp, **fields))

    def tell(self, event: object) -> None:
        self._events.put_nowait(event)

    def reconnect(self) -> None:
        self._events.put_nowait(self.welcome)

    def rungs(self, number: int) -> list[str]:
        return [str(step.rung) for step in self.steps.get(number, [])]

    def reasons(self, number: int) -> list[str]:
        return [step.reason for step in self.steps.get(number, [])]

    @property
    def activity(self) -> str:
        return str(self.activities[-1].activity) if self.activities else ""

    @property
    def replies(self) -> dict[int | None, str]:
        return {one.reply_to: one.content for one in self.sent}

    # What a client does

    @property
    def welcome(self) -> Welcome:
        page = self._open(0, self.page)
        members = [MemberView(name, MemberKind.HUMAN) for name in self.others]
        members.append(MemberView(self.me, MemberKind.AGENT))
        me = Member(self.me, MemberKind.AGENT)
        return Welcome(1, me, (), tuple(members), self.seq, page.deliveries, more=page.more, store_id=self.store_id)

    def _waiting(self, after: int, limit: int) -> WaitingList:
        def place(number: int) -> tuple[int, int]:
            message = self.messages[number]
            return rank(message.urgent, message.priority), number

        all_of_them = sorted(place(one.message) for one in self.deliveries.values() if one.rung in WAITING_RUNGS)
        found = [number for _, number in all_of_them if not after or place(number) > place(after)]
        ladders = tuple(self.deliveries[number] for number in found[:limit])
        messages = tuple(self.messages[number] for number in found[:limit])
        return WaitingList(messages, ladders, more=len(found) > limit, waiting=len(all_of_them))

    def _open(self, after: int, limit: int, *, begun: bool = False) -> DeliveryList:
        rungs = OPEN_RUNGS - WAITING_RUNGS if begun else OPEN_RUNGS
        found = [one for one in self.deliveries.values() if one.rung in rungs and one.message > after]
        return DeliveryList(tuple(found[:limit]), more=len(found) > limit)

    async def send(self, content: str, **fields: Any) -> Accepted:
        if all(one.id != fields.get("id") for one in self.sent):
            self.sent.append(Send(content=content, **fields))
            self.seq += 1
        return Accepted(self.seq)

    async def request(self, request: Request, result_type: type[T]) -> T:
        self.asked.append(request)
        result = self._answer(request)
        assert isinstance(result, result_type)
        return result

    def _answer(self, request: Request) -> object:
        match request:
            case Report():
                steps = request.steps
                self.deliveries[request.message] = apply_steps(self.deliveries[request.message], steps)
                self.steps.setdefault(request.message, []).extend(steps)
            case SetActivity():
                self.activities.append(request)
            case Deliveries() | Waiting():
                return self._listed(request)
            case History():
                found = [one for one in self.messages.values() if request.room in (None, one.room)]
                return MessageList(tuple(reversed(found[-request.limit :])))
            case GetMode():
                return ModeStanding(FloorView("debate", phase="turns", round=1, rounds=2, speaker="ann"))
            case Show():
                if request.message not in self.messages:
                    raise UnknownMessage(f"There is no message {request.message}.")
                return MessageDetail(self.messages[request.message], (self.deliveries[request.message],))
        return Done(self.seq if isinstance(request, OpenAsk) else None)

    def _listed(self, request: Deliveries | Waiting) -> DeliveryList | WaitingList:
        limit = min(request.limit, self.page)
        if isinstance(request, Waiting):
            return self._waiting(request.after, limit)
        return self._open(request.after, limit, begun=request.begun)

    async def events(self) -> AsyncIterator[Any]:
        while True:
            yield await self._events.get()
