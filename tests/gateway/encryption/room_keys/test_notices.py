"""Room key notices: each version goes to one set of members, and nobody gets in without an admission."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.encryption.member_keys.key_records import KeyRecord, SignedData
from gateway.encryption.member_keys.private_keys import MemberKeys, renew_keys
from gateway.encryption.member_keys.purpose_signatures import Purpose, sign_for
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.encryption.room_keys.admissions import Admission, read_admission, sign_admission
from gateway.encryption.room_keys.notices import (
    KeyHolders,
    RoomKeyNotice,
    RoomPlace,
    RosterEntry,
    SignedNotice,
    check_notice,
    make_notice,
    take_handout,
)
from gateway.encryption.room_keys.room_key import RoomKey
from tests.gateway.encryption.people import ADA, BOB, CLEO, HOUSE, MALLORY, RECORDS, ROOM

PLACE = RoomPlace(HOUSE, ROOM)


def entry(keys: MemberKeys, may_admit: bool = False) -> RosterEntry:
    record = keys.record
    return RosterEntry(record.name, record.version, record.fingerprint, may_admit)


def admission(keys: MemberKeys, after: int, by: MemberKeys = ADA, **changed: Any) -> SignedData:
    record = keys.record
    facts = Admission(HOUSE, ROOM, record.name, record.fingerprint, False, after, by.record.name, by.record.version)
    return sign_admission(msgspec.structs.replace(facts, **changed), by)


def made(
    before: RoomKeyNotice | None,
    maker: MemberKeys,
    *roster: RosterEntry,
    admitted: tuple[SignedData, ...] = (),
    records: Mapping[str, KeyRecord] = RECORDS,
) -> tuple[SignedNotice, RoomKey]:
    return make_notice(PLACE, before, maker, KeyHolders(roster, records, admitted))


def checked(signed: SignedNotice, before: RoomKeyNotice | None, **named: Any) -> RoomKeyNotice:
    return check_notice(signed, **{"place": PLACE, "before": before, "pins": RECORDS, "me": "bob", **named}).notice


def reason_of(signed: SignedNotice, before: RoomKeyNotice | None, **named: Any) -> SealingFault:
    with pytest.raises(SealingRefused) as refused:
        checked(signed, before, **named)
    assert refused.value.message.endswith(".")
    return refused.value.reason


ADA_ADMITS = entry(ADA, may_admit=True)
FIRST_SIGNED, FIRST_KEY = made(None, ADA, ADA_ADMITS, entry(BOB), admitted=(admission(BOB, 0),))
FIRST = checked(FIRST_SIGNED, None)


def test_the_founder_admits_the_first_and_all_get_the_same_key() -> None:
    changes = check_notice(FIRST_SIGNED, PLACE, None, RECORDS, "bob")
    assert [one.name for one in changes.added] == ["bob"]
    for keys in (ADA, BOB):
        assert take_handout(FIRST_SIGNED, FIRST, keys, ADA.record) == FIRST_KEY


def test_a_room_grows_and_shrinks_and_each_version_has_its_own_key() -> None:
    grown, grown_key = made(FIRST, BOB, ADA_ADMITS, entry(BOB), entry(CLEO), admitted=(admission(CLEO, 1),))
    second = check_notice(grown, PLACE, FIRST, RECORDS, "bob")
    assert ([one.name for one in second.added], second.removed) == (["cleo"], ())
    assert second.notice.version == 2
    shrunk, shrunk_key = made(second.notice, CLEO, ADA_ADMITS, entry(CLEO))
    third = check_notice(shrunk, PLACE, second.notice, RECORDS, "cleo")
    assert (third.added, third.removed) == ((), ("bob",))
    assert len({FIRST_KEY.secret, grown_key.secret, shrunk_key.secret}) == 3
    with pytest.raises(SealingRefused, match="none of it came for bob"):
        take_handout(shrunk, third.notice, BOB, CLEO.record)


def test_a_newcomer_begins_with_the_notice_that_admits_it() -> None:
    grown, key = made(FIRST, BOB, ADA_ADMITS, entry(BOB), entry(CLEO), admitted=(admission(CLEO, 1),))
    notice = checked(grown, None, me="cleo")
    assert take_handout(grown, notice, CLEO, BOB.record) == key
    assert reason_of(grown, None, me="mallory") is SealingFault.NOT_IN_ROSTER


GHOST = (ADA_ADMITS, entry(BOB), entry(MALLORY))


@pytest.mark.parametrize(
    ("roster", "admitted", "reason"),
    [
        (GHOST, (), SealingFault.NOT_ADMITTED),
        (GHOST, (admission(MALLORY, 0),), SealingFault.NOT_ADMITTED),  # of an earlier version, repeated
        (GHOST, (admission(MALLORY, 2),), SealingFault.NOT_ADMITTED),
        (GHOST, (admission(MALLORY, 1, by=BOB),), SealingFault.NOT_ADMITTED),  # bob may not
        (GHOST, (admission(MALLORY, 1, by=MALLORY),), SealingFault.NOT_ADMITTED),
        (GHOST, (admission(MALLORY, 1, room="other"),), SealingFault.NOT_ADMITTED),
        (GHOST, (admission(MALLORY, 1, house="other"),), SealingFault.NOT_ADMITTED),
        (GHOST, (admission(MALLORY, 1, name="cleo"),), SealingFault.NOT_ADMITTED),
        (GHOST, (admission(MALLORY, 1, fingerprint=b"x" * 20),), SealingFault.NOT_ADMITTED),
        (GHOST, (admission(MALLORY, 1, by_key=2),), SealingFault.NOT_ADMITTED),
        (GHOST, (SignedData(admission(MALLORY, 1).data, bytes(64)),), SealingFault.NOT_ADMITTED),
        (GHOST, (SignedData(b"", bytes(64)),), SealingFault.NOT_ADMITTED),
        ((ADA_ADMITS, entry(BOB, may_admit=True)), (), SealingFault.NOT_ADMITTED),
        ((ADA_ADMITS, entry(BOB, may_admit=True)), (admission(BOB, 1),), SealingFault.NOT_ADMITTED),
        ((ADA_ADMITS, entry(MALLORY), entry(BOB), entry(BOB)), (), SealingFault.DAMAGED),
        ((ADA_ADMITS, msgspec.structs.replace(entry(MALLORY), name="bob")), (), SealingFault.OTHER_FINGERPRINT),
        ((ADA_ADMITS,), (), SealingFault.NOT_IN_ROSTER),  # bob makes a key and is not to have it
    ],
)
def test_nobody_gets_in_without_an_admission(
    roster: tuple[RosterEntry, ...], admitted: tuple[SignedData, ...], reason: SealingFault
) -> None:
    signed, _ = made(FIRST, BOB, *roster, admitted=admitted)
    assert reason_of(signed, FIRST) is reason


def test_who_may_admit_passes_that_on_by_an_admission_alone() -> None:
    roster = (ADA_ADMITS, entry(BOB, may_admit=True))
    signed, _ = made(FIRST, BOB, *roster, admitted=(admission(BOB, 1, may_admit=True),))
    assert checked(signed, FIRST).entries["bob"].may_admit


def test_a_member_that_was_put_out_makes_no_key() -> None:
    shrunk, _ = made(FIRST, ADA, ADA_ADMITS)
    second = checked(shrunk, FIRST, me="ada")
    back, _ = made(second, BOB, ADA_ADMITS, entry(BOB), admitted=(admission(BOB, 0),))
    assert reason_of(back, second, me="ada") is SealingFault.NOT_IN_ROSTER


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"version": 1}, SealingFault.NOT_THE_NEXT),
        ({"version": 3}, SealingFault.NOT_THE_NEXT),
        ({"previous": b"x" * 16}, SealingFault.NOT_THE_NEXT),
        ({"previous": b""}, SealingFault.NOT_THE_NEXT),
        ({"house": "other"}, SealingFault.OTHER_ROOM),
        ({"room": "other"}, SealingFault.OTHER_ROOM),
        ({"format": 2}, SealingFault.FORMAT),
        ({"maker": "ada"}, SealingFault.SIGNATURE),
        ({"maker": "nobody"}, SealingFault.NO_SENDER_KEY),
        ({"maker_key": 2}, SealingFault.NO_SENDER_KEY),
    ],
)
def test_a_notice_for_another_place_or_by_another_is_refused(changed: dict[str, Any], reason: SealingFault) -> None:
    good, _ = made(FIRST, BOB, ADA_ADMITS, entry(BOB))
    data = msgspec.msgpack.encode(msgspec.structs.replace(checked(good, FIRST), **changed))
    signed = SignedNotice(data, sign_for(Purpose.ROOM_KEY, data, BOB.signing), good.handouts)
    assert reason_of(signed, FIRST) is reason


def test_a_notice_is_taken_once() -> None:
    assert reason_of(FIRST_SIGNED, FIRST) is SealingFault.NOT_THE_NEXT


@given(st.integers(0, len(FIRST_SIGNED.data) - 1), st.integers(1, 255))
def test_no_byte_of_a_notice_can_be_changed(at: int, flip: int) -> None:
    data = FIRST_SIGNED.data[:at] + bytes([FIRST_SIGNED.data[at] ^ flip]) + FIRST_SIGNED.data[at + 1 :]
    with pytest.raises(SealingRefused):
        checked(msgspec.structs.replace(FIRST_SIGNED, data=data), None)


def test_a_renewed_key_stands_in_the_roster_when_its_pin_has_followed() -> None:
    bob = renew_keys(BOB, 2)
    renewed = {**RECORDS, "bob": bob.record}
    signed, key = made(FIRST, ADA, ADA_ADMITS, entry(bob), records=renewed)
    notice = checked(signed, FIRST, pins=renewed)
    assert take_handout(signed, notice, bob, ADA.record) == key
    without = {name: record for name, record in RECORDS.items() if name != "bob"}
    assert reason_of(signed, FIRST) is SealingFault.OTHER_FINGERPRINT
    assert reason_of(signed, FIRST, pins=without) is SealingFault.OTHER_FINGERPRINT


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda handouts: {**handouts, "bob": handouts["ada"]}, SealingFault.DAMAGED),
        (lambda handouts: {"ada": handouts["ada"]}, SealingFault.NO_ROOM_KEY),
        (
            lambda handouts: {**handouts, "bob": msgspec.structs.replace(handouts["bob"], version=2)},
            SealingFault.NO_ROOM_KEY,
        ),
        (lambda handouts: made(None, ADA, ADA_ADMITS, entry(BOB))[0].handouts, SealingFault.DAMAGED),
    ],
)
def test_a_wrong_key_for_one_member_is_noticed(change: Callable[[Any], Any], reason: SealingFault) -> None:
    signed = msgspec.structs.replace(FIRST_SIGNED, handouts=change(FIRST_SIGNED.handouts))
    with pytest.raises(SealingRefused) as refused:
        take_handout(signed, FIRST, BOB, ADA.record)
    assert refused.value.reason is reason


def test_an_admission_is_read_only_as_its_admitter_signed_it() -> None:
    signed = admission(BOB, 0)
    assert read_admission(signed, ADA.record).name == "bob"
    for admitter in (BOB.record, None, renew_keys(ADA, 2).record):
        with pytest.raises(SealingRefused):
            read_admission(signed, admitter)


def test_no_two_signed_things_are_taken_for_each_other() -> None:
    data = admission(BOB, 0).data
    for purpose in set(Purpose) - {Purpose.ADMISSION}:
        with pytest.raises(SealingRefused):
            read_admission(SignedData(data, sign_for(purpose, data, ADA.signing)), ADA.record)


def test_a_room_key_is_fixed_by_its_id() -> None:
    assert len(FIRST_KEY.id) == 16
    assert FIRST_KEY.secret.hex() not in repr(FIRST_KEY)
    others = (
        RoomKey("other", 1, FIRST_KEY.secret),
        RoomKey(ROOM, 2, FIRST_KEY.secret),
        RoomKey(ROOM, 1, bytes(32)),
    )
    assert FIRST_KEY.id not in {other.id for other in others}
