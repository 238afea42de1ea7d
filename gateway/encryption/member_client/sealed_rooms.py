"""The sealed rooms of a member: which rooms are sealed, and the keyring of each, kept up with what the gateway has."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from gateway.encryption.member_client.checked_messages import SealingNotice
from gateway.encryption.member_client.house_link import HouseLink
from gateway.encryption.member_client.key_exchange import KeyExchange, told_key
from gateway.encryption.member_client.room_keyring import RoomKeyring
from gateway.encryption.refusals import SealingRefused
from gateway.encryption.room_keys.notices import NoticeChanges, RoomPlace
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.room_requests import RoomKeys
from gateway.protocol.results import RoomKeyList

MAX_ROOMS = 1000  # kept in memory at once


class SealedRooms:
    def __init__(self, link: HouseLink, exchange: KeyExchange) -> None:
        self._machine, self._memory, self._house = link.machine, link.memory, link.house
        self._exchange, self._ask, self._tell = exchange, link.ask, link.tell
        self._sealed: set[str] = set()
        self._plain: set[str] = set()  # not known as sealed on the disk
        self._asked: set[str] = set()
        self._keyrings: dict[str, RoomKeyring] = {}
        self._told: set[tuple[str, str, str]] = set()
        self._syncing = asyncio.Lock()

    def note_sealed(self, room: str) -> None:
        """A sealed room stays sealed: this is remembered on the disk, whatever the gateway says later."""
        if room not in self._sealed:
            self._memory.note_sealed(room)
            self._sealed.add(room)
            self._plain.discard(room)

    def is_known_sealed(self, room: str) -> bool:
        if room not in self._sealed and room not in self._plain:
            if len(self._plain) >= MAX_ROOMS:
                self._plain.clear()
            (self._sealed if self._memory.is_known_sealed(room) else self._plain).add(room)
        return room in self._sealed

    async def is_sealed(self, room: str) -> bool:
        """Whether a message to this room must be sealed. The gateway is asked once for each room that is not known.
        Without an answer nothing is sent: a text that leaves in plain has left, also if it is refused then."""
        if self.is_known_sealed(room):
            return True
        if room not in self._asked:
            try:
                listed = await self._ask(RoomKeys(room=room, limit=1), RoomKeyList)
            except BadRequest:  # an older gateway, which has no sealed rooms
                return False
            self._asked.add(room)
            if listed.sealed:
                self.note_sealed(room)
        return room in self._sealed

    def keyring(self, room: str) -> RoomKeyring:
        if room not in self._keyrings:
            if len(self._keyrings) >= MAX_ROOMS:
                self._keyrings.clear()  # they are read from the disk again
            self._keyrings[room] = RoomKeyring(self._machine, self._memory, RoomPlace(self._house, room))
        return self._keyrings[room]

    async def follow(self, room: str, version: int, notice: str) -> None:
        """Take the notice of an event; if others are missing before it, ask for all."""
        if version > self.keyring(room).version + 1:
            await self.catch_up(room)
        else:
            await self.take(room, notice)

    async def catch_up(self, room: str) -> RoomKeyList:
        """Take all notices that are new, and what the gateway says of the room now."""
        async with self._syncing:
            keyring = self.keyring(room)
            while True:
                before = keyring.version
                listed: RoomKeyList = await self._ask(RoomKeys(room=room, after=before), RoomKeyList)
                for view in listed.keys:
                    await self.take(room, view.notice)
                if keyring.version in (before, listed.version):  # nothing that helps is left
                    return listed

    async def take(self, room: str, notice: str) -> None:
        """Take one notice, and tell what it changes; one that is refused is told loudly, and used for nothing."""
        keyring = self.keyring(room)
        self.note_sealed(room)
        is_first = keyring.latest is None
        try:
            await self._exchange.fetch_unknown(keyring.names_in(notice))
            changes = keyring.take(notice)
        except SealingRefused as refused:
            self.tell_once(room, "notice", refused.message, loud=True)
            return
        if changes is not None:
            self._tell_changes(room, changes, is_first=is_first)

    def _tell_changes(self, room: str, changes: NoticeChanges, *, is_first: bool) -> None:
        notice = changes.notice
        if is_first and notice.version > 1:
            names = ", ".join(entry.name for entry in changes.added)
            text = f"{notice.maker} gave you a key of #{room}. It is read by {names}."
            self._tell(SealingNotice(text, loud=True, room=room))
            return
        for entry in changes.added:
            record = self._machine.usable().get(entry.name)
            which = told_key(record) if record else f"version {entry.key_version}, which is not known here"
            text = (
                f"{entry.name} reads #{room} from now on, admitted by {notice.maker}. The key of {entry.name}: {which}."
            )
            is_us = entry.name == self._machine.name
            self._tell(SealingNotice(text, loud=not is_us, room=room, member=entry.name))
        for name in changes.removed:
            self._tell(SealingNotice(f"{name} does not read #{room} any more.", room=room, member=name))

    def tell_ghosts(self, room: str, ghosts: Collection[str], barred: Collection[str]) -> None:
        """Who is in a room by the gateway's word alone, or has a key that is not trusted, gets none of its keys."""
        for name in ghosts:
            text = (
                f"{name} is in #{room} by the gateway's word alone: no member who may admit has signed for {name}, so "
                f"{name} reads nothing. `/admit {name}` lets {name} read."
            )
            self.tell_once(room, name, text, loud=True)
        for name in barred:
            text = f"{name} gets no key of #{room}: the key of {name} has changed, is revoked, or is not known."
            self.tell_once(room, name, text, loud=True)

    def tell_once(self, room: str, about: str, text: str, *, loud: bool) -> None:
        if (room, about, text) not in self._told:
            if len(self._told) >= MAX_ROOMS:
                self._told.clear()
            self._told.add((room, about, text))
            self._tell(SealingNotice(text, loud=loud, room=room, member=about if about != "notice" else ""))
