"""What comes: opens and checks the messages of events and of answers, and follows the events about keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from gateway.encryption.key_storage.member_memory import SealedNumber
from gateway.encryption.member_client.agent_reports import AgentReports
from gateway.encryption.member_client.chain_watch import ChainWatch
from gateway.encryption.member_client.house_link import HouseLink
from gateway.encryption.member_client.key_exchange import KeyExchange
from gateway.encryption.member_client.message_opening import Opened, ReadingPlace, open_message
from gateway.encryption.member_client.sealed_rooms import SealedRooms
from gateway.encryption.sealed_messages.message_chains import ChainFinding, ChainStep
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import (
    AskEvent,
    KeyEvent,
    MemberView,
    Message,
    PresenceChanged,
    RoomEvent,
    RoomKeyEvent,
    Welcome,
)
from gateway.protocol.requests.message_requests import History
from gateway.protocol.requests.request import Request
from gateway.protocol.results import (
    AskList,
    Inbox,
    MemberKeyRecords,
    MemberList,
    MessageDetail,
    MessageList,
    PinList,
    RoomList,
    Story,
    WaitingList,
)
from gateway.protocol.types.core_types import DEFAULT_ROOM, Ask, Room

LOOK_BACK_MESSAGES = 1000  # how many messages of a writer are read to see whether any is missing
PAGE_MESSAGES = 200


@dataclass
class IncomingMessages:
    """`live_from`: from this number on, this machine sees every message at once. What is missing before it may only not
    have been read yet."""

    link: HouseLink
    rooms: SealedRooms
    exchange: KeyExchange
    reports: AgentReports
    live_from: int

    def __post_init__(self) -> None:
        self.machine, self.chains = self.link.machine, ChainWatch(self.link.memory)

    # events

    async def event(self, event: object) -> object:
        """The event as the reader gets it."""
        match event:
            case Message():
                return (await self._live(event)).message
            case KeyEvent():
                records = (event.record,) if event.record else ()
                revocations = (event.revocation,) if event.revocation else ()
                self.exchange.take([MemberKeyRecords(event.member, records, revocations)])
            case RoomKeyEvent() if event.notice:
                await self.rooms.follow(event.room, event.version, event.notice)
            case RoomEvent() if event.sealed:
                self.rooms.note_sealed(event.room)
            case AskEvent():
                return msgspec.structs.replace(event, ask=self._asked(event.ask))
            case PresenceChanged():
                return msgspec.structs.replace(event, member=self._view(event.member))
            case Welcome():
                return self.welcome(event)
        return event

    def welcome(self, welcome: Welcome) -> Welcome:
        self._note_sealed(welcome.rooms)
        members, asks = tuple(map(self._view, welcome.members)), tuple(map(self._asked, welcome.asks))
        return msgspec.structs.replace(welcome, members=members, asks=asks)

    # messages

    async def _live(self, message: Message) -> Opened:
        opened = await self._opened(message)
        with self.link.memory.noting_together():
            self._note_number(message)
            step = self.chains.step(opened)
        if step.finding is ChainFinding.GAP and step.after < self.live_from:
            await self._look_back(message, step.after)
            step = self.chains.step(opened)
            if step.finding is ChainFinding.GAP and step.missing >= LOOK_BACK_MESSAGES:
                step = ChainStep(ChainFinding.JOINED, step.missing)
        return self.chains.shown(opened, step)

    async def _look_back(self, message: Message, after: int) -> None:
        """Read what this writer wrote while this machine was not connected."""
        for _ in range(LOOK_BACK_MESSAGES // PAGE_MESSAGES):
            request = History(room=message.room, after=after, from_=message.from_, limit=PAGE_MESSAGES)
            try:
                page = await self.link.ask(request, MessageList)
            except GroupChatError:
                return
            for one in page.messages:
                if one.seq < message.seq:
                    self.chains.step(await self._opened(one))
            if not page.more or not page.messages or page.messages[-1].seq >= message.seq:
                return
            after = page.messages[-1].seq

    async def _opened(self, message: Message) -> Opened:
        await self._get_ready(message)
        keyring = self.rooms.keyring(message.room)
        is_sealed = self.rooms.is_known_sealed(message.room)
        place = ReadingPlace(self.link.house, keyring.keys(), is_sealed, keyring.admitted)
        return open_message(message, self.machine, place)

    async def _get_ready(self, message: Message) -> None:
        """Get the keys that the message needs and that are not here yet."""
        if message.sealed is None and message.signed is None:
            return
        try:
            if message.from_ != self.machine.name and self.machine.pins.trust_of(message.from_) is None:
                await self.exchange.fetch_unknown((message.from_,))
            if message.sealed is not None and self._may_have_newer_key(message, message.sealed.room_key):
                await self.rooms.catch_up(message.room)
        except GroupChatError:  # the connection is lost, or this member is not in the room any more
            return

    def _may_have_newer_key(self, message: Message, version: int) -> bool:
        """Whether a notice that is not here yet may be needed: of this version, or one that admits the writer."""
        keyring = self.rooms.keyring(message.room)
        if version:
            return version > keyring.version
        return self.rooms.is_known_sealed(message.room) and message.from_ not in keyring.admitted

    def _note_number(self, message: Message) -> None:
        """An answer to this message goes where it was, and sealed, whatever the gateway says of it by then."""
        is_direct = message.sealed is not None and not message.sealed.room_key
        if message.sealed is not None or self.rooms.is_known_sealed(message.room):
            self.link.memory.note_sealed_message(SealedNumber(message.seq, message.room, is_direct))

    async def page(self, messages: Sequence[Message], *, is_whole: bool) -> tuple[Message, ...]:
        """Messages of an answer. `is_whole`: they are all that was said in a room between the first and the last, so
        what is missing among them is missing."""
        opened = [await self._opened(one) for one in sorted(messages, key=lambda one: one.seq)]
        first = opened[0].message.seq if opened else 0
        shown = {}
        with self.link.memory.noting_together():
            for one in opened:
                self._note_number(one.message)
                self.chains.step(one)
            for one in opened:
                step = self.chains.step(one)
                is_gap = step.finding is ChainFinding.GAP
                if is_gap and not (is_whole and step.after >= first):
                    step = ChainStep(ChainFinding.IN_ORDER)
                shown[one.message.seq] = self.chains.shown(one, step).message
        return tuple([shown[one.seq] for one in messages])

    # answers

    async def result(self, request: Request, result: object) -> object:
        """The answer as the asker gets it."""
        match result:
            case MessageList() | WaitingList() | Inbox():
                is_whole = isinstance(request, History) and not request.from_ and not request.to
                return msgspec.structs.replace(result, messages=await self.page(result.messages, is_whole=is_whole))
            case MessageDetail() | Story():
                (message,) = await self.page((result.message,), is_whole=False)
                return msgspec.structs.replace(result, message=message)
            case PinList():
                return await self._pinned(result)
        return self._views(result)

    async def _pinned(self, result: PinList) -> PinList:
        messages = await self.page([one.message for one in result.pins], is_whole=False)
        pairs = zip(result.pins, messages, strict=True)
        pins = tuple([msgspec.structs.replace(pin, message=message) for pin, message in pairs])
        return msgspec.structs.replace(result, pins=pins)

    def _views(self, result: object) -> object:
        match result:
            case AskList():
                return msgspec.structs.replace(result, asks=tuple(map(self._asked, result.asks)))
            case MemberList():
                return msgspec.structs.replace(result, agents=tuple(map(self._view, result.agents)))
            case RoomList():
                self._note_sealed(result.rooms)
        return result

    def _note_sealed(self, rooms: Iterable[Room]) -> None:
        for room in rooms:
            if room.sealed:
                self.rooms.note_sealed(room.name)

    def _asked(self, ask: Ask) -> Ask:
        return self.reports.open_ask(ask, self.rooms.keyring(ask.sealed.room if ask.sealed else DEFAULT_ROOM))

    def _view(self, view: MemberView) -> MemberView:
        sealed = view.sealed_work
        if sealed is None:
            return view
        work = self.reports.open_work(view.name, sealed, self.rooms.keyring(sealed.room))
        return msgspec.structs.replace(view, work=work) if work else view
