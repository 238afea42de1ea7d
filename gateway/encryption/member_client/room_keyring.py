"""The keys of one sealed room on one machine: takes each notice in its order, and keeps what was accepted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from gateway.encryption.key_storage.member_memory import KeptRoomKey, MemberMemory
from gateway.encryption.member_client.member_machine import MemberMachine
from gateway.encryption.member_keys.key_records import KeyRecord, SignedData
from gateway.encryption.member_keys.wrapped_keys import ROOM_KEY_LABEL, WrappedKey, unwrap_key, wrap_key
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.encryption.room_keys.admissions import Admission, named_in, read_admission
from gateway.encryption.room_keys.notices import (
    KeyHolders,
    NoticeChanges,
    RoomKeyNotice,
    RoomPlace,
    RosterEntry,
    SignedNotice,
    check_notice,
    make_notice,
    read_notice,
    take_handout,
)
from gateway.encryption.room_keys.room_key import RoomKey
from gateway.encryption.room_keys.rotation import RotationPlan, plan_rotation
from gateway.encryption.sealed_messages.base64_values import text_of_value, value_from_text


class RoomKeyring:
    def __init__(self, machine: MemberMachine, memory: MemberMemory, place: RoomPlace) -> None:
        self._machine, self._memory, self._place = machine, memory, place
        self._keys: dict[int, RoomKey] = {}
        self.latest: RoomKeyNotice | None = None
        self._admitted: set[str] = set()
        for version, kept in memory.room_keys(place.room).items():
            self._note_latest(read_notice(msgspec.msgpack.decode(kept.notice, type=SignedNotice)))
            self._unwrap(version, kept)

    @property
    def room(self) -> str:
        return self._place.room

    @property
    def version(self) -> int:
        """The version of the newest notice that was accepted here; 0 without one."""
        return self.latest.version if self.latest else 0

    def keys(self) -> Mapping[int, RoomKey]:
        return self._keys

    def holds(self, name: str) -> bool:
        return self.entry_of(name) is not None

    @property
    def admitted(self) -> Collection[str]:
        """Who has, or had, one of the keys that were accepted here."""
        return self._admitted

    def entry_of(self, name: str) -> RosterEntry | None:
        return self.latest.entries.get(name) if self.latest else None

    @property
    def has_current_key(self) -> bool:
        return self.version in self._keys

    def current_key(self) -> RoomKey:
        """The key to seal with."""
        key = self._keys.get(self.version)
        if key is None:
            raise SealingRefused(
                SealingFault.NO_ROOM_KEY,
                f"This machine has no current key of #{self._place.room}: somebody who may admit must admit "
                f"{self._machine.name}, or hand the key over again. Nothing was sent.",
            )
        return key

    def names_in(self, notice_text: str) -> tuple[str, ...]:
        """Whose keys are needed to check a notice."""
        notice = read_notice(self._signed(notice_text))
        return (notice.maker, *notice.entries)

    def take(self, notice_text: str) -> NoticeChanges | None:
        """Accept the next notice, and what it changes; None for one that is known, or that is from before our time."""
        signed = self._signed(notice_text)
        notice = read_notice(signed)
        if (notice.house, notice.room) != (self._place.house, self._place.room):
            raise SealingRefused(SealingFault.OTHER_ROOM, "This key was made for another room.")
        if notice.version <= self.version:
            self._check_same(signed, notice)
            return None
        me = self._machine.name
        if self.latest is None and notice.version > 1 and me not in notice.entries:
            return None
        changes = check_notice(signed, self._place, self.latest, self._pins_for(notice), me)
        key = self._handed_key(signed, notice)
        self._keep(signed, notice, key)
        if key is None and me in notice.entries:
            raise SealingRefused(
                SealingFault.NO_ROOM_KEY,
                f"{notice.maker} made a key of #{notice.room}, and what came of it for {me} does not open. The next "
                "one who writes there makes a new key.",
            )
        return changes

    def _signed(self, notice_text: str) -> SignedNotice:
        return value_from_text(notice_text, SignedNotice, f"A key of #{self._place.room}")

    def _check_same(self, signed: SignedNotice, notice: RoomKeyNotice) -> None:
        """Refuse another notice of a version that was accepted. Those from before our time are not known here."""
        kept = self._memory.room_keys(self._place.room).get(notice.version)
        if kept is not None and msgspec.msgpack.decode(kept.notice, type=SignedNotice).data != signed.data:
            raise SealingRefused(
                SealingFault.NOT_THE_NEXT,
                f"There are two keys of #{notice.room} with the version {notice.version}. One of them is not what "
                "others see.",
            )

    def _pins_for(self, notice: RoomKeyNotice) -> dict[str, KeyRecord]:
        """The trusted keys, in the versions that an older notice names."""
        senders, usable = self._machine.senders(), self._machine.usable()
        named = {entry.name: entry.key_version for entry in notice.roster} | {notice.maker: notice.maker_key}
        older = {name: senders[name, version] for name, version in named.items() if (name, version) in senders}
        return {**usable, **{name: record for name, record in older.items() if name in usable}}

    def _handed_key(self, signed: SignedNotice, notice: RoomKeyNotice) -> RoomKey | None:
        handed = signed.handouts.get(self._machine.name)
        own = self._machine.keys.get(handed.version) if handed else None
        maker = self._machine.senders().get((notice.maker, notice.maker_key))
        if own is None or maker is None:
            return None
        try:
            return take_handout(signed, notice, own, maker)
        except SealingRefused:
            return None

    # making the next one

    def admissions(self, texts: Sequence[str]) -> dict[str, tuple[Admission, SignedData]]:
        """By name, the admissions that follow the newest notice and are signed by who may admit."""
        found = {}
        entries = self.latest.entries if self.latest else {}
        for text in texts:
            try:
                signed = value_from_text(text, SignedData, "An admission")
                named = named_in(signed)
                admission = read_admission(signed, self._machine.usable().get(named.by) if named else None)
            except SealingRefused:
                continue
            by = entries.get(admission.by)
            place = admission.house, admission.room, admission.after
            if by and by.may_admit and place == (self._place.house, self._place.room, self.version):
                found[admission.name] = (admission, signed)
        return found

    def plan(self, shown: Sequence[str], admissions: Mapping[str, tuple[Admission, SignedData]]) -> RotationPlan:
        """Whether the next message needs a new key, and for whom; `shown` is who is in the room, or
        invited, by the gateway's word."""
        assert self.latest is not None
        allowed = [admission for admission, _ in admissions.values()]
        return plan_rotation(self.latest, shown, self._machine.usable(), allowed)

    def first_roster(self) -> tuple[RosterEntry, ...]:
        me = self._machine.newest.record
        return (RosterEntry(me.name, me.version, me.fingerprint, may_admit=True),)

    def make_next(
        self, roster: tuple[RosterEntry, ...], admissions: Mapping[str, tuple[Admission, SignedData]]
    ) -> tuple[str, RoomKey]:
        """The text of the next notice, and its key."""
        signed_admissions = tuple(
            signed for name, (_, signed) in admissions.items() if any(one.name == name for one in roster)
        )
        holders = KeyHolders(roster, self._machine.usable(), signed_admissions)
        signed, key = make_notice(self._place, self.latest, self._machine.newest, holders)
        return text_of_value(signed), key

    # keeping

    def _keep(self, signed: SignedNotice, notice: RoomKeyNotice, key: RoomKey | None) -> None:
        own = self._machine.newest
        wrapped = wrap_key(key.secret, ROOM_KEY_LABEL, own, own.record) if key else None
        kept = KeptRoomKey(
            msgspec.msgpack.encode(signed), msgspec.msgpack.encode(wrapped) if wrapped is not None else None
        )
        self._memory.keep_room_key(self._place.room, notice.version, kept)
        self._note_latest(notice)
        if key is not None:
            self._keys[notice.version] = key

    def _note_latest(self, notice: RoomKeyNotice) -> None:
        self.latest = notice
        self._admitted.update(notice.entries)

    def _unwrap(self, version: int, kept: KeptRoomKey) -> None:
        if kept.wrapped is None:
            return
        wrapped = msgspec.msgpack.decode(kept.wrapped, type=WrappedKey)
        own = self._machine.keys.get(wrapped.version)
        secret = unwrap_key(wrapped, ROOM_KEY_LABEL, own, own.record) if own else None
        if secret is not None:
            self._keys[version] = RoomKey(self._place.room, version, secret)
