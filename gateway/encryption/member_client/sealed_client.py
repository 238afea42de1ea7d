"""The client of a member with keys: like the plain client, but what leaves is sealed or signed, and what comes is
opened and checked. Everything is decided elsewhere in this folder; here is only the order of things.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import msgspec

from gateway.client.client import Client, ClientEvent, StoreChanged
from gateway.client.discovery.endpoint import Endpoint
from gateway.client.message_ids import new_id
from gateway.client.timeouts import NO_LIMIT_S
from gateway.encryption.key_storage.member_memory import MemberMemory, storage_errors
from gateway.encryption.member_client.agent_reports import AgentReports, SealFor
from gateway.encryption.member_client.checked_messages import NoticeLimit, SealingNotice
from gateway.encryption.member_client.house_link import HouseLink
from gateway.encryption.member_client.incoming_messages import IncomingMessages
from gateway.encryption.member_client.key_exchange import KeyExchange
from gateway.encryption.member_client.member_machine import MemberMachine
from gateway.encryption.member_client.message_opening import unchecked
from gateway.encryption.member_client.outgoing_messages import OutgoingMessages
from gateway.encryption.member_client.sealed_rooms import SealedRooms
from gateway.encryption.member_keys.key_records import KeyRecord
from gateway.encryption.member_keys.pinned_keys import require_usable
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.encryption.room_keys.admissions import Admission, sign_admission
from gateway.encryption.sealed_messages.base64_values import text_of_value
from gateway.encryption.sealed_messages.letter_facts import addresses_of
from gateway.protocol.errors import GroupChatError, StaleRoomKey, TimedOut, Unavailable
from gateway.protocol.events import Control, Welcome
from gateway.protocol.requests.approval_requests import AnswerAsk, OpenAsk
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Send, Show
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import AdmitToRoomKey, CreateRoom, Invite, SetRoomKey
from gateway.protocol.results import Accepted, Done, MessageDetail
from gateway.protocol.types.agent_work import Work
from gateway.protocol.types.core_types import DEFAULT_ROOM, MessageKind, bare_name, canonical_room_name

R = TypeVar("R")
MAX_KEPT_NOTICES = 1000
_OTHER_LOG = (
    "THIS GATEWAY SHOWS ANOTHER LOG THAN BEFORE. It began anew or runs from a copy, or it pretends to. Nothing that "
    "was sealed for the former one counts here; rooms that were sealed stay sealed. Ask whoever runs it."
)
_SHORTER_LOG = (
    "THE LOG OF THIS GATEWAY ENDS BEFORE MESSAGES THAT WERE READ HERE. It was restored from a backup, or hides them. "
    "Ask whoever runs it."
)
_NO_MEMORY = "What this machine remembers of the keys of this chat could not be opened."
log = logging.getLogger("gateway.encryption")
_TRIES = 4
_RETRY_PAUSE_S = 0.1


@dataclass(frozen=True)
class _Session:
    """What belongs to the connection with one log."""

    link: HouseLink
    exchange: KeyExchange
    rooms: SealedRooms
    reports: AgentReports
    incoming: IncomingMessages
    outgoing: OutgoingMessages


class SealedClient(Client):
    """`unlock` gives the keys of the member that the token belongs to; None if this machine has none: then this is a
    plain client. It is asked once, after the first welcome, and may ask a person for a passphrase."""

    def __init__(
        self,
        endpoint: Endpoint,
        hello: Hello | None = None,
        *,
        unlock: Callable[[str], MemberMachine | None],
        **options: Any,
    ) -> None:
        super().__init__(endpoint, hello, **options)
        self._unlock = unlock
        self._session: _Session | None = None
        self._limit = NoticeLimit()
        self.machine: MemberMachine | None = None
        self.notices: deque[SealingNotice] = deque(maxlen=MAX_KEPT_NOTICES)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            with storage_errors():
                self.machine = self._unlock(self.welcome.you.name)
                if self.machine is not None:
                    await self._greet(self.welcome)
                    assert self._session is not None
                    self.welcome = self._session.incoming.welcome(self.welcome)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        self._forget_session()

    # requests and events

    async def request(
        self, request: Request, kind: type[R], *, timeout: float | None = None, store_id: str | None = None
    ) -> R:
        """As the plain client; a message of ours is sealed or signed first, and messages that come are opened. The
        limit counts for all that sealing asks of the gateway, too."""
        session = self._session
        if session is None:
            await self._refuse_without_session(request)
            return await super().request(request, kind, timeout=timeout, store_id=store_id)
        with storage_errors():
            if isinstance(request, Send) and not _is_ready(request):
                return cast(
                    "R", await self._post_within(timeout, partial(self._post, session, _with_id(request), store_id))
                )
            if isinstance(request, AnswerAsk):
                request = session.reports.sign_answer(request)
            result = await super().request(request, kind, timeout=timeout, store_id=store_id)
            return cast("R", await session.incoming.result(request, result))

    async def _refuse_without_session(self, request: Request) -> None:
        """A member with a key sends nothing in plain because its memory of this chat, or the key, was not opened."""
        if self.machine is not None and isinstance(request, Send | AnswerAsk):
            raise SealingRefused(
                SealingFault.DAMAGED,
                "What this machine remembers of the keys of this chat could not be opened. Nothing was sent.",
            )
        if isinstance(request, Send) and request.sealed is None and request.reply_to is not None:
            answered = (await self._plain_request(Show(message=request.reply_to), MessageDetail)).message
            if answered.sealed is not None:
                raise SealingRefused(
                    SealingFault.NO_OWN_KEY,
                    "This answers a sealed message, and your key is not open here. Nothing was sent.",
                )

    async def events(self) -> AsyncIterator[ClientEvent | SealingNotice]:  # type: ignore[override]
        """As the plain client, with opened messages, and with notices about keys."""
        async for event in super().events():
            yield cast("ClientEvent", await self._shown(event)) if self.machine is not None else event

    async def _shown(self, event: object) -> object:
        """The event as the reader gets it. Whatever one event holds, the next one is read, and nothing is shown that
        was not checked."""
        try:
            with storage_errors():
                if isinstance(event, Welcome):
                    await self._greet(event)
                if self._session is None:
                    return unchecked(event, _NO_MEMORY)
                return await self._session.incoming.event(event)
        except Exception as error:
            log.exception("an event could not be checked")
            why = error.message if isinstance(error, GroupChatError) else f"{type(error).__name__}: {error}"
            self._tell(SealingNotice(f"Something that came could not be checked. {why}", loud=True))
            return unchecked(event, why)

    async def _plain_request(self, request: Request, kind: type[R]) -> R:
        return await super().request(request, kind)

    async def _send_wire(self, request: Send, house: str) -> Accepted:
        return await super().request(request, Accepted, store_id=house)

    # what a person does

    async def send_sealed(self, request: Send, *, timeout: float | None = None) -> Accepted:
        """Send a direct message sealed to the members that it names, or refuse: it never leaves in plain text."""
        session = self._required_session()
        return await self._post_within(timeout, partial(self._post_direct, session, _with_id(request)))

    async def _post_direct(self, session: _Session, request: Send) -> Accepted:
        return await session.outgoing.post_direct(request, await self._room_of(session, request))

    async def create_sealed_room(self, room: str) -> Done:
        """Create a room, and make its first key."""
        session = self._required_session()
        name = canonical_room_name(room)
        done = await self._plain_request(CreateRoom(room=name, invite_only=True, sealed=True), Done)
        session.rooms.note_sealed(name)
        await self.rotate_room_key(name)
        return done

    async def rotate_room_key(self, room: str) -> bool:
        """Make the next key of a sealed room now, if one is due; otherwise the next message would."""
        session = self._required_session()
        for _ in range(_TRIES):
            new_key = await session.outgoing.next_key(room)
            if new_key is None:
                return False
            try:
                await self._plain_request(SetRoomKey(room=room, version=new_key.version, notice=new_key.notice), Done)
            except StaleRoomKey:
                continue
            await session.rooms.take(room, new_key.notice)
            return True
        raise Unavailable(f"Others change the key of #{room} at the same time. Try again.")

    async def admit(self, room: str, member: str, *, may_admit: bool = False) -> Done:
        """Invite a member to a sealed room, and sign that it may have the room's key."""
        session, me = self._required_session(), self._required_machine()
        name, room = bare_name(member), canonical_room_name(room)
        await session.exchange.fetch_unknown((name,))
        record = require_usable(me.pins.pins().get(name), name)
        for _ in range(_TRIES):
            done = await self._admit_once(session, room, record, may_admit=may_admit)
            entry = session.rooms.keyring(room).entry_of(name)
            if entry is not None and entry.may_admit >= may_admit:
                return done
        raise Unavailable(f"Others change the key of #{room} at the same time: {name} is not admitted. Try again.")

    async def _admit_once(self, session: _Session, room: str, record: KeyRecord, *, may_admit: bool) -> Done:
        """An admission follows one version of the key: what waits comes first, and another key in between ends it."""
        me = self._required_machine()
        await self.rotate_room_key(room)
        keyring = session.rooms.keyring(room)
        own = keyring.entry_of(me.name)
        if own is None or not own.may_admit:
            raise SealingRefused(SealingFault.NOT_ADMITTED, f"You may not admit members to #{room}.")
        done = await self._plain_request(Invite(room=room, member=record.name), Done)
        by = me.newest.record
        admission = Admission(
            session.link.house, room, record.name, record.fingerprint, may_admit, keyring.version, by.name, by.version
        )
        signed = text_of_value(sign_admission(admission, me.newest))
        await self._plain_request(AdmitToRoomKey(room=room, member=record.name, admission=signed), Done)
        await self.rotate_room_key(room)
        return done

    def is_sealed_room(self, room: str) -> bool:
        """Whether this machine knows the room as sealed."""
        return self._session is not None and self._session.rooms.is_known_sealed(room)

    def readers_of(self, room: str) -> tuple[str, ...]:
        """Who has the current key of a sealed room, as far as this machine has accepted it."""
        latest = self._session.rooms.keyring(room).latest if self._session else None
        return tuple(latest.entries) if latest else ()

    # what an agent's sidecar does

    def seal_ask(self, ask: OpenAsk, room: str, readers: Sequence[str] = ()) -> OpenAsk:
        """The question of an agent that works in a sealed room, readable to its members alone; with `readers`, to
        those, as an agent that works on a sealed direct message needs."""
        session = self._required_session()
        return session.reports.seal_ask(ask, self._seal_for(session, room, readers))

    def seal_work(self, work: Work, room: str, readers: Sequence[str] = ()) -> Work:
        """What an agent is at, readable to the same."""
        session = self._required_session()
        return session.reports.seal_work(work, self._seal_for(session, room, readers))

    def _seal_for(self, session: _Session, room: str, readers: Sequence[str]) -> SealFor:
        pins = self._required_machine().pins.pins()
        return SealFor(session.rooms.keyring(room), {name: require_usable(pins.get(name), name) for name in readers})

    def check_answer(self, order: Control, digest: str, room: str, readers: Sequence[str] = ()) -> None:
        """Refuse an answer to a sealed question that none of its readers has signed for exactly this question."""
        session = self._required_session()
        session.reports.check_answer(order, digest, room, readers or self.readers_of(room))

    # connecting

    async def _greet(self, welcome: Welcome) -> None:
        """After each connection, before anything of it is used: the keys of all, and of the rooms."""
        session = self._session_of(welcome)
        for room in welcome.rooms:
            if room.sealed:
                session.rooms.note_sealed(room.name)
        try:
            await session.exchange.greet()
        except GroupChatError as error:
            self._tell(SealingNotice(f"The keys of members could not be compared: {error.message}", loud=True))
        for room in welcome.rooms:
            if room.sealed and welcome.you.name in room.members:
                await self._catch_up(session, room.name)

    async def _catch_up(self, session: _Session, room: str) -> None:
        try:
            await session.rooms.catch_up(room)
        except GroupChatError as error:
            self._tell(SealingNotice(f"The keys of #{room} could not be compared: {error.message}", room=room))

    def _session_of(self, welcome: Welcome) -> _Session:
        if self._session is not None and self._session.link.house == welcome.store_id:
            return self._session
        self._forget_session()
        self._session = self._begin_session(welcome)
        return self._session

    def _begin_session(self, welcome: Welcome) -> _Session:
        machine, house = self._required_machine(), welcome.store_id
        link = HouseLink(machine, self._remember(machine, welcome), house, self._plain_request, self._tell)
        exchange = KeyExchange(link)
        rooms, reports = SealedRooms(link, exchange), AgentReports(machine, link.memory, house)
        live_from = min(self._since or 0, welcome.last_seq)
        incoming = IncomingMessages(link, rooms, exchange, reports, live_from)
        return _Session(
            link, exchange, rooms, reports, incoming, OutgoingMessages(link, exchange, rooms, self._send_wire)
        )

    def _remember(self, machine: MemberMachine, welcome: Welcome) -> MemberMemory:
        """The memory of this log. A person is told if it is not the one that this gateway showed before, or if it ends
        before what was read here."""
        address = str(self.endpoint.socket or self.endpoint.url)
        memory, history = machine.remember_at(welcome.store_id, address)
        if history.is_new:
            self._tell(SealingNotice(_OTHER_LOG, loud=True))
        if memory.last_number() > welcome.last_seq:
            self._tell(SealingNotice(_SHORTER_LOG, loud=True))
        return memory

    def _forget_session(self) -> None:
        if self._session is not None:
            self._session.link.memory.close()
            self._session = None

    def _tell(self, notice: SealingNotice) -> None:
        shown = self._limit.shown(notice, time.monotonic())
        if shown is not None:
            self.notices.append(shown)
            self._put(cast("Any", shown))

    def _required_machine(self) -> MemberMachine:
        if self.machine is None:
            raise SealingRefused(
                SealingFault.NO_OWN_KEY,
                "There is no key of yours on this machine, or it was not opened. `groupchat key new NAME` makes one.",
            )
        return self.machine

    def _required_session(self) -> _Session:
        self._required_machine()
        assert self._session is not None
        return self._session

    # sending

    async def _post_within(self, timeout: float | None, post: Callable[[], Awaitable[Accepted]]) -> Accepted:
        """Each question to the gateway has the endpoint's limit. If the whole may take longer, it is begun again: the
        message has an id, so it cannot be posted twice."""
        within = self.endpoint.limits.answers if timeout is None else timeout
        try:
            async with asyncio.timeout(None if within == NO_LIMIT_S else within):
                while True:
                    try:
                        return await post()
                    except TimedOut:
                        await asyncio.sleep(_RETRY_PAUSE_S)
        except TimeoutError:
            raise self.endpoint.silent("`send`", within) from None

    async def _post(self, session: _Session, request: Send, store_id: str | None) -> Accepted:
        if store_id not in (None, session.link.house):
            raise StoreChanged
        room = await self._room_of(session, request)
        try:
            if not await session.rooms.is_sealed(room):
                if await self._answers_sealed(session, request):
                    return await session.outgoing.post_direct(request, room)
                return await session.outgoing.post_plain(request, room)
            if _is_to_everyone(request):
                return await session.outgoing.post_in_room(request, room)
            return await session.outgoing.post_direct(request, room)
        except StoreChanged:
            if store_id is not None:
                raise
            raise Unavailable("The gateway has another log now. Send the message again.") from None

    async def _room_of(self, session: _Session, request: Send) -> str:
        """The room that the gateway would choose: it is part of what is signed. That of a sealed message is known here:
        the gateway could name another one, where the answer would be read by others."""
        if request.room is not None:
            return canonical_room_name(request.room)
        if request.reply_to is None:
            return DEFAULT_ROOM
        if known := session.link.memory.sealed_message(request.reply_to):
            return known.room
        answered = (await self._plain_request(Show(message=request.reply_to), MessageDetail)).message.room
        if any(room.name == answered and self.welcome.you.name in room.members for room in self.welcome.rooms):
            return answered
        return DEFAULT_ROOM

    async def _answers_sealed(self, session: _Session, request: Send) -> bool:
        """Whether a message to a room that is not sealed answers a sealed one. Once a message was sealed here, the
        gateway is not asked again, since it could say that it was not."""
        if request.reply_to is None:
            return False
        if session.link.memory.sealed_message(request.reply_to):
            return True
        return (await self._plain_request(Show(message=request.reply_to), MessageDetail)).message.sealed is not None


def _is_ready(request: Send) -> bool:
    """Whether it leaves as it is: sealed or signed already, or a sign of delivery without a text of anybody."""
    return request.sealed is not None or request.signed is not None or request.kind is MessageKind.ACK


def _is_to_everyone(request: Send) -> bool:
    return not addresses_of(request.to)


def _with_id(request: Send) -> Send:
    return request if request.id is not None else msgspec.structs.replace(request, id=new_id())
