"""Room key notices: a member announces a new version of a room's key, for whom it is, and hands it to each. Pure, but
for the random key.

A notice is compared with the one before it. So whoever wants to add somebody needs the signature of a member who may
admit, whatever the gateway says of its members.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.encryption.member_keys.key_records import KeyRecord, KeyVersion, Signature, SignedData
from gateway.encryption.member_keys.private_keys import MemberKeys
from gateway.encryption.member_keys.purpose_signatures import Purpose, is_signed_for, sign_for
from gateway.encryption.member_keys.wrapped_keys import ROOM_KEY_LABEL, WrappedKey, unwrap_key, wrap_key
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.encryption.room_keys.admissions import Fingerprint, MemberName, named_in, read_admission
from gateway.encryption.room_keys.room_key import ROOM_KEY_ID_BYTES, RoomKey, draw_room_key

NOTICE_FORMAT = 1
MAX_ROSTER = 256
MAX_NOTICE_BYTES = 128 * 1024

RoomKeyId = Annotated[bytes, Meta(min_length=ROOM_KEY_ID_BYTES, max_length=ROOM_KEY_ID_BYTES)]


class RosterEntry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    name: MemberName
    key_version: KeyVersion
    fingerprint: Fingerprint
    may_admit: bool = False


class RoomKeyNotice(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`previous` is the id of the key before; empty for the first."""

    format: int
    house: Annotated[str, Meta(max_length=200)]
    room: MemberName
    version: KeyVersion
    previous: Annotated[bytes, Meta(max_length=ROOM_KEY_ID_BYTES)]
    key_id: RoomKeyId
    maker: MemberName
    maker_key: KeyVersion
    roster: Annotated[tuple[RosterEntry, ...], Meta(max_length=MAX_ROSTER)]
    admissions: Annotated[tuple[SignedData, ...], Meta(max_length=MAX_ROSTER)] = ()

    @property
    def entries(self) -> dict[str, RosterEntry]:
        return {entry.name: entry for entry in self.roster}


class SignedNotice(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A notice as it was signed, with the key for each member of its roster."""

    data: Annotated[bytes, Meta(max_length=MAX_NOTICE_BYTES)]
    signature: Signature
    handouts: Annotated[dict[MemberName, WrappedKey], Meta(max_length=MAX_ROSTER)]


@dataclass(frozen=True)
class NoticeChanges:
    """What people are told of a notice: who is new, who is gone."""

    notice: RoomKeyNotice
    added: tuple[RosterEntry, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class RoomPlace:
    """Which room of which chat; `house` is the id of the gateway's log."""

    house: str
    room: str


@dataclass(frozen=True)
class KeyHolders:
    """Who gets a room's key, with their keys, and the admissions of those who are new."""

    roster: tuple[RosterEntry, ...]
    records: Mapping[str, KeyRecord]
    admissions: tuple[SignedData, ...] = ()


def make_notice(
    place: RoomPlace,
    before: RoomKeyNotice | None,
    keys: MemberKeys,
    holders: KeyHolders,
) -> tuple[SignedNotice, RoomKey]:
    """The next version of the room's key, for exactly this roster."""
    version = before.version + 1 if before else 1
    key = draw_room_key(place.room, version)
    me = keys.record
    notice = RoomKeyNotice(
        NOTICE_FORMAT,
        place.house,
        place.room,
        version,
        before.key_id if before else b"",
        key.id,
        me.name,
        me.version,
        holders.roster,
        holders.admissions,
    )
    data = msgspec.msgpack.encode(notice)
    handouts = {
        entry.name: wrap_key(key.secret, ROOM_KEY_LABEL, keys, holders.records[entry.name]) for entry in holders.roster
    }
    return SignedNotice(data, sign_for(Purpose.ROOM_KEY, data, keys.signing), handouts), key


def check_notice(
    signed: SignedNotice, place: RoomPlace, before: RoomKeyNotice | None, pins: Mapping[str, KeyRecord], me: str
) -> NoticeChanges:
    """What a notice changes, if it is the next one and its maker could make it; otherwise SealingRefused. `pins` holds
    the usable keys. Without a notice before, a newcomer begins here: it must be in the roster, and its maker pinned."""
    notice = read_notice(signed)
    if (notice.house, notice.room) != (place.house, place.room):
        raise SealingRefused(SealingFault.OTHER_ROOM, "This key was made for another room.")
    maker = pins.get(notice.maker)
    if maker is None or maker.version != notice.maker_key:
        raise SealingRefused(
            SealingFault.NO_SENDER_KEY, f"There is no trusted key of {notice.maker} to check this with."
        )
    if not is_signed_for(Purpose.ROOM_KEY, signed.data, signed.signature, maker.signing):
        raise SealingRefused(SealingFault.SIGNATURE, f"{notice.maker} did not make this key of #{notice.room}.")
    _check_place_in_order(notice, before)
    _check_roster(notice, pins)
    added = _check_admissions(notice, before, pins, me)
    removed = tuple(sorted(set(before.entries) - set(notice.entries))) if before else ()
    return NoticeChanges(notice, added, removed)


def take_handout(signed: SignedNotice, notice: RoomKeyNotice, own: MemberKeys, maker: KeyRecord) -> RoomKey:
    """The room key that a checked notice hands to us."""
    name = own.record.name
    wrapped = signed.handouts.get(name)
    if wrapped is None or wrapped.version != own.record.version:
        raise SealingRefused(
            SealingFault.NO_ROOM_KEY, f"{notice.maker} made a key of #{notice.room}, and none of it came for {name}."
        )
    secret = unwrap_key(wrapped, ROOM_KEY_LABEL, own, maker)
    key = RoomKey(notice.room, notice.version, secret) if secret else None
    if key is None or key.id != notice.key_id:
        raise SealingRefused(
            SealingFault.DAMAGED, f"The key of #{notice.room} that came for {name} is not the one of the others."
        )
    return key


def read_notice(signed: SignedNotice) -> RoomKeyNotice:
    """Decoded before its signature is checked, because it says whose that is. Its form is fixed and bounded."""
    try:
        notice = msgspec.msgpack.decode(signed.data, type=RoomKeyNotice)
    except (msgspec.MsgspecError, ValueError):
        raise SealingRefused(SealingFault.DAMAGED, "This key of a room cannot be read, or is incomplete.") from None
    if notice.format != NOTICE_FORMAT:
        raise SealingRefused(SealingFault.FORMAT, "This key of a room was made by a newer version of groupchat.")
    if len(notice.entries) != len(notice.roster):
        raise SealingRefused(SealingFault.DAMAGED, f"The key of #{notice.room} names a member twice.")
    return notice


def _check_place_in_order(notice: RoomKeyNotice, before: RoomKeyNotice | None) -> None:
    if before is None:
        if notice.version == 1 and notice.previous:
            raise SealingRefused(SealingFault.NOT_THE_NEXT, f"The first key of #{notice.room} follows no other.")
        return
    if (notice.version, notice.previous) != (before.version + 1, before.key_id):
        raise SealingRefused(
            SealingFault.NOT_THE_NEXT,
            f"This key of #{notice.room} (version {notice.version}) does not follow the one that is known here "
            f"(version {before.version}).",
        )


def _check_roster(notice: RoomKeyNotice, pins: Mapping[str, KeyRecord]) -> None:
    for entry in notice.roster:
        pinned = pins.get(entry.name)
        if pinned and (pinned.version, pinned.fingerprint) != (entry.key_version, entry.fingerprint):
            raise SealingRefused(
                SealingFault.OTHER_FINGERPRINT,
                f"{notice.maker} gave the key of #{notice.room} to another key of {entry.name} than the known one.",
            )


def _check_admissions(
    notice: RoomKeyNotice, before: RoomKeyNotice | None, pins: Mapping[str, KeyRecord], me: str
) -> tuple[RosterEntry, ...]:
    """Who is new, each admitted by somebody who was there before and may admit."""
    entries = notice.entries
    if before is None and notice.version > 1:
        if notice.maker not in entries or me not in entries:
            raise SealingRefused(SealingFault.NOT_IN_ROSTER, f"This key of #{notice.room} is not for {me}.")
        return notice.roster
    former = before.entries if before else {notice.maker: _founder(notice)}
    if notice.maker not in former or notice.maker not in entries:
        raise SealingRefused(
            SealingFault.NOT_IN_ROSTER, f"{notice.maker} is not in #{notice.room} and cannot make a key for it."
        )
    allowed = _admitted(notice, former, pins)
    added = []
    for entry in notice.roster:
        known = former.get(entry.name)
        if known and known.may_admit >= entry.may_admit:
            _check_same_member(known, entry, pins)
            continue
        if (entry.name, entry.fingerprint, entry.may_admit) not in allowed:
            raise SealingRefused(
                SealingFault.NOT_ADMITTED,
                f"{notice.maker} added {entry.name} to #{notice.room}, or let {entry.name} admit others, and nobody "
                "who may do so signed it.",
            )
        added.append(entry)
    return tuple(added)


def _check_same_member(known: RosterEntry, entry: RosterEntry, pins: Mapping[str, KeyRecord]) -> None:
    """A renewed key counts when its pin has followed; else a key of anybody could take the place of a member's."""
    if entry.fingerprint != known.fingerprint and entry.name not in pins:
        raise SealingRefused(
            SealingFault.OTHER_FINGERPRINT, f"The key of {entry.name} in this room is another one, and is not trusted."
        )


def _founder(notice: RoomKeyNotice) -> RosterEntry:
    mine = notice.entries.get(notice.maker)
    if mine is None:
        raise SealingRefused(SealingFault.NOT_IN_ROSTER, f"{notice.maker} made #{notice.room} and is not in it.")
    return msgspec.structs.replace(mine, may_admit=True)


def _admitted(
    notice: RoomKeyNotice, former: Mapping[str, RosterEntry], pins: Mapping[str, KeyRecord]
) -> set[tuple[str, bytes, bool]]:
    found = set()
    for signed in notice.admissions:
        named = named_in(signed)
        admission = read_admission(signed, pins.get(named.by) if named else None)
        admitter = former.get(admission.by)
        place = admission.house, admission.room, admission.after
        if admitter and admitter.may_admit and place == (notice.house, notice.room, notice.version - 1):
            found.add((admission.name, admission.fingerprint, admission.may_admit))
    return found
