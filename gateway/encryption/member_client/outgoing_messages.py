"""What leaves: seals a message to a room or to named members, or signs it; keeps it on the disk before it goes, and
repeats exactly what was kept until the gateway has answered."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from gateway.client.client import StoreChanged
from gateway.encryption.key_storage.member_memory import ChainedMessage, ChainPlace
from gateway.encryption.member_client.house_link import HouseLink
from gateway.encryption.member_client.key_exchange import KeyExchange
from gateway.encryption.member_client.sealed_rooms import SealedRooms
from gateway.encryption.member_keys.pinned_keys import require_usable
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.encryption.room_keys.room_key import RoomKey
from gateway.encryption.sealed_messages.base64_values import text_of_value
from gateway.encryption.sealed_messages.letter_facts import (
    LetterPlace,
    LetterSecrecy,
    addresses_of,
    conversation_of,
    has_only_names,
    open_context,
    write_letter,
)
from gateway.encryption.sealed_messages.letters import Letter, letter_digest
from gateway.encryption.sealed_messages.sealing import (
    DIRECT,
    SealedMessage,
    seal_for_recipients,
    seal_for_room,
    sign_plain,
)
from gateway.encryption.sealed_messages.signed_letter_text import signed_of_letter
from gateway.protocol.errors import GroupChatError, StaleRoomKey, Unavailable
from gateway.protocol.requests.message_requests import NewRoomKey, Send
from gateway.protocol.results import Accepted, RoomKeyList
from gateway.protocol.types.core_types import SealedContent

MAX_CONFLICTS = 4
_FIRST_SERVER_ERROR = 500

SendMessage = Callable[[Send, str], Awaitable[Accepted]]  # a message, and the id of the log that it is for


@dataclass(frozen=True)
class _Wire:
    """A message as it leaves, and the digest of its letter."""

    request: Send
    digest: bytes


@dataclass(frozen=True)
class _Sent:
    """The answer, and what has really left: that is what was kept, if the same message was begun before."""

    accepted: Accepted
    request: Send


class OutgoingMessages:
    def __init__(self, link: HouseLink, exchange: KeyExchange, rooms: SealedRooms, send: SendMessage) -> None:
        self._machine, self._memory, self._house = link.machine, link.memory, link.house
        self._exchange, self._rooms, self._send = exchange, rooms, send
        self._is_published = True
        self._writing: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def post_plain(self, request: Send, room: str) -> Accepted:
        """Signed, and readable to all."""
        await self._get_ready()

        def seal(place: ChainPlace) -> _Wire:
            letter = write_letter(request, self._place(room, place), LetterSecrecy(is_plain=True))
            signed = sign_plain(letter, self._machine.newest)
            wire = msgspec.structs.replace(
                request, room=room, signed=signed_of_letter(signed, self._machine.newest.record)
            )
            return _Wire(wire, signed.digest)

        return (await self._post(request, self._conversation(room, addresses_of(request.to)), seal)).accepted

    async def post_direct(self, request: Send, room: str) -> Accepted:
        """Sealed to the members that the message names, all of them, or not sent."""
        names = addresses_of(request.to)
        if not names or not has_only_names(names) or request.wakes:
            raise SealingRefused(
                SealingFault.MISSING_KEYS,
                "A sealed message outside a sealed room names who may read it, such as `@bob`. Nothing was sent.",
            )
        await self._get_ready()
        if self._rooms.is_known_sealed(room):
            await self._check_admitted(room, names)
        await self._exchange.fetch_unknown(names)
        pins = self._machine.pins.pins()
        records = {name: require_usable(pins.get(name), name) for name in names if name != self._machine.name}
        records |= {self._machine.name: self._machine.newest.record}

        def seal(place: ChainPlace) -> _Wire:
            letter = write_letter(request, self._place(room, place), LetterSecrecy())
            sealed = seal_for_recipients(letter, self._machine.newest, records)
            return self._boxed(request, room, letter, sealed)

        return (await self._post(request, self._conversation(room, names), seal)).accepted

    async def _check_admitted(self, room: str, names: Sequence[str]) -> None:
        """Seal nothing in a sealed room to somebody who is in it by the gateway's word alone."""
        keyring = self._rooms.keyring(room)
        if not all(map(keyring.holds, names)):
            await self._rooms.catch_up(room)
        if strangers := [name for name in names if not keyring.holds(name)]:
            raise SealingRefused(
                SealingFault.NOT_ADMITTED,
                f"{', '.join(strangers)} may not read #{room}: no member has admitted them. Nothing was sent.",
            )

    async def post_in_room(self, request: Send, room: str) -> Accepted:
        """Sealed under the room's key, with a new one first if somebody has left or has another key."""
        await self._get_ready()
        for _ in range(MAX_CONFLICTS):
            listed = await self._rooms.catch_up(room)
            new_key, key = self._key_for_next(room, listed)

            def seal(place: ChainPlace, key: RoomKey = key, new_key: NewRoomKey | None = new_key) -> _Wire:
                letter = write_letter(request, self._place(room, place), LetterSecrecy(key.version, key.id))
                sealed = seal_for_room(letter, self._machine.newest, key)
                return self._boxed(request, room, letter, sealed, new_key)

            try:
                sent = await self._post(request, self._conversation(room, ()), seal)
            except StaleRoomKey:
                continue
            if sent.request.new_key is not None:
                await self._rooms.take(room, sent.request.new_key.notice)
            return sent.accepted
        raise Unavailable(
            f"Others change the key of #{room} at the same time. Nothing was sent; send the message again."
        )

    async def next_key(self, room: str) -> NewRoomKey | None:
        """The next key of a room, if one is due now."""
        return self._key_for_next(room, await self._rooms.catch_up(room))[0]

    def _key_for_next(self, room: str, listed: RoomKeyList) -> tuple[NewRoomKey | None, RoomKey]:
        keyring = self._rooms.keyring(room)
        if keyring.version != listed.version:
            raise SealingRefused(
                SealingFault.NOT_THE_NEXT,
                f"The gateway has a key of #{room} (version {listed.version}) that is not accepted here (version "
                f"{keyring.version} is). Nothing was sent.",
            )
        if keyring.latest is None:
            text, key = keyring.make_next(keyring.first_roster(), {})
            return NewRoomKey(key.version, text), key
        admissions = keyring.admissions(listed.admissions)
        plan = keyring.plan((*listed.members, *listed.invited), admissions)
        self._rooms.tell_ghosts(room, set(plan.ghosts) - set(listed.invited), plan.barred)
        if not keyring.holds(self._machine.name):
            raise SealingRefused(
                SealingFault.NOT_IN_ROSTER,
                f"You have no key of #{room}: a member who may admit must admit you. Nothing was sent.",
            )
        if not plan.is_due and not listed.key_due and keyring.has_current_key:
            return None, keyring.current_key()
        text, key = keyring.make_next(plan.roster, admissions)
        return NewRoomKey(key.version, text), key

    # the way out

    async def _get_ready(self) -> None:
        """A key that was renewed while this program runs is published before anything is signed with it."""
        if self._machine.open_renewed():
            self._is_published = False
            self._memory.begin_new_stream()
        self._machine.check_may_write()
        if not self._is_published:
            await self._exchange.publish_renewed()
            self._is_published = True

    async def _post(self, request: Send, conversation: str, seal: Callable[[ChainPlace], _Wire]) -> _Sent:
        """One message of a conversation at a time, since each names the one before."""
        assert request.id is not None
        async with self._writing[conversation]:
            kept = self._memory.outgoing(request.id)
            wire = msgspec.json.decode(kept.request, type=Send) if kept else self._begin(request, conversation, seal)
            try:
                accepted = await self._send(wire, self._house)
            except StoreChanged:
                self._memory.drop(request.id)
                raise
            except GroupChatError as error:
                if error.status < _FIRST_SERVER_ERROR:  # refused: its place is free. Otherwise nobody knows.
                    self._memory.drop(request.id)
                raise
            self._memory.settle(request.id)
        return _Sent(accepted, wire)

    def _begin(self, request: Send, conversation: str, seal: Callable[[ChainPlace], _Wire]) -> Send:
        assert request.id is not None
        if self._memory.has_unanswered(conversation) or self._memory.has_own_place_taken(
            self._machine.name, conversation
        ):
            self._memory.begin_new_stream()
        place = self._memory.next_place(conversation)
        wire = seal(place)
        raw = msgspec.json.encode(wire.request)
        self._memory.begin(ChainedMessage(request.id, conversation, place, wire.digest, raw))
        return wire.request

    def _place(self, room: str, place: ChainPlace) -> LetterPlace:
        me = self._machine.newest.record
        return LetterPlace(self._house, room, me.name, me.version, self._memory.stream, place.counter, place.previous)

    def _conversation(self, room: str, names: Sequence[str]) -> str:
        return conversation_of(room, self._machine.name, names)

    @staticmethod
    def _boxed(
        request: Send, room: str, letter: Letter, sealed: SealedMessage, new_key: NewRoomKey | None = None
    ) -> _Wire:
        wire = msgspec.structs.replace(
            request,
            content="",
            parts=(),
            context=open_context(request.context),
            room=room,
            to=tuple(f"@{name}" for name in letter.recipients) if sealed.room_key == DIRECT else (),
            sealed=SealedContent(sealed.room_key, text_of_value(sealed)),
            new_key=new_key,
        )
        return _Wire(wire, letter_digest(msgspec.msgpack.encode(letter)))
