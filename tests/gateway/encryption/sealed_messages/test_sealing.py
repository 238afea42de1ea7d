"""Sealed messages: whoever should read them does; every field that a gateway or a member changes is noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_secretbox_open

from gateway.encryption.member_keys.private_keys import MemberKeys, renew_keys
from gateway.encryption.member_keys.purpose_signatures import Purpose, sign_for
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.encryption.room_keys.room_key import RoomKey, draw_room_key
from gateway.encryption.sealed_messages import sealing
from gateway.encryption.sealed_messages.letters import MAX_TEXT_BYTES, Letter, SignedLetter
from gateway.encryption.sealed_messages.sealing import (
    PADDING_BYTES,
    ReadersKeys,
    SealedMessage,
    is_letter_signed,
    open_sealed,
    seal_for_recipients,
    seal_for_room,
)
from gateway.protocol.types.core_types import MAX_CONTENT_BYTES, MessageKind
from tests.gateway.encryption.people import (
    ADA,
    BOB,
    MALLORY,
    RECORDS,
    ROOM_KEY,
    SENDERS,
    direct_letter,
    letter_of,
    reader,
    stamped,
)

LETTER, DIRECT_LETTER = letter_of(), direct_letter()
IN_ROOM = seal_for_room(LETTER, ADA, ROOM_KEY)
DIRECT = seal_for_recipients(DIRECT_LETTER, ADA, RECORDS)
texts = st.text(st.characters(exclude_categories=["Cs"]))


def reason_of(sealed: SealedMessage, shown: Any, keys: ReadersKeys) -> SealingFault:
    with pytest.raises(SealingRefused) as refused:
        open_sealed(sealed, shown, keys)
    assert refused.value.message.endswith(".")
    return refused.value.reason


def forged(letter: Letter, keys: MemberKeys, room_key: RoomKey = ROOM_KEY, **fields: Any) -> SealedMessage:
    """What a member can make who has the room's key and keeps no rule of ours."""
    data = msgspec.msgpack.encode(letter)
    signed = SignedLetter(data, sign_for(Purpose.MESSAGE, data, keys.signing))
    box = sealing._seal_box(signed, room_key.secret)
    return SealedMessage(**{"format": 1, "sender_key": 1, "box": box, "room_key": room_key.version, **fields})


@given(texts)
def test_members_of_the_room_read_what_was_written(text: str) -> None:
    letter = letter_of(text)
    sealed = seal_for_room(letter, ADA, ROOM_KEY)
    assert all(open_sealed(sealed, stamped(letter), reader(name)).letter == letter for name in ("ada", "bob", "cleo"))


@given(texts)
def test_recipients_and_sender_read_a_direct_message(text: str) -> None:
    letter = direct_letter(text)
    sealed = seal_for_recipients(letter, ADA, RECORDS)
    assert set(sealed.wrapped) == {"ada", "bob", "cleo"}
    assert all(open_sealed(sealed, stamped(letter), reader(name)).letter == letter for name in ("ada", "bob", "cleo"))
    assert reason_of(sealed, stamped(letter), reader("mallory")) is SealingFault.NO_OWN_KEY


def test_it_survives_the_wire() -> None:
    for sealed in (IN_ROOM, DIRECT):
        assert msgspec.json.decode(msgspec.json.encode(sealed), type=SealedMessage) == sealed


def test_the_largest_text_fits_the_wire_and_a_larger_one_is_refused_before() -> None:
    largest = seal_for_room(letter_of("x" * MAX_TEXT_BYTES), ADA, ROOM_KEY)
    assert len(msgspec.json.encode(largest)) <= MAX_CONTENT_BYTES
    with pytest.raises(SealingRefused, match="Send it in parts"):
        seal_for_room(letter_of("é" * MAX_TEXT_BYTES), ADA, ROOM_KEY)


def test_neither_text_nor_length_of_a_word_is_seen() -> None:
    yes, no = (seal_for_room(letter_of(text), ADA, ROOM_KEY) for text in ("yes", "no, wait until tomorrow"))
    assert len(yes.box) == len(no.box)
    assert b"yes" not in msgspec.json.encode(yes)
    assert (len(yes.box) - 40) % PADDING_BYTES == 0
    again = seal_for_room(letter_of("yes"), ADA, ROOM_KEY)
    assert again.box != yes.box


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"house": "house-2"}, SealingFault.OTHER_CHAT),
        ({"room": "other"}, SealingFault.NO_ROOM_KEY),
        ({"sender": "bob"}, SealingFault.SIGNATURE),
        ({"sender": "nobody"}, SealingFault.NO_SENDER_KEY),
        ({"recipients": ("bob",)}, SealingFault.OTHER_RECIPIENTS),
        ({"recipients": ("bob", "cleo", "mallory")}, SealingFault.OTHER_RECIPIENTS),
        ({"recipients": ()}, SealingFault.OTHER_RECIPIENTS),
        ({"client_id": "id-2"}, SealingFault.OTHER_ID),
        ({"reply_to": 13}, SealingFault.OTHER_REPLY),
        ({"reply_to": None}, SealingFault.OTHER_REPLY),
        ({"kind": MessageKind.TASK}, SealingFault.OTHER_KIND),
    ],
)
def test_a_gateway_that_shows_it_as_something_else_is_noticed(changed: dict[str, Any], reason: SealingFault) -> None:
    assert reason_of(IN_ROOM, replace(stamped(LETTER), **changed), reader("bob")) is reason
    if reason is not SealingFault.NO_ROOM_KEY:
        direct = reason_of(DIRECT, replace(stamped(DIRECT_LETTER), **changed), reader("bob"))
        # Of a direct message, the key itself was wrapped by its sender.
        assert direct is (SealingFault.DAMAGED if reason is SealingFault.SIGNATURE else reason)


def test_a_direct_message_shown_in_a_room_is_noticed() -> None:
    assert reason_of(DIRECT, replace(stamped(DIRECT_LETTER), room="lab"), reader("bob")) is SealingFault.OTHER_ROOM


def test_the_order_of_recipients_means_nothing() -> None:
    shown = replace(stamped(LETTER), recipients=("cleo", "bob"))
    assert open_sealed(IN_ROOM, shown, reader("bob")).letter == LETTER


@pytest.mark.parametrize(
    ("sealed", "reason"),
    [
        (msgspec.structs.replace(IN_ROOM, format=2), SealingFault.FORMAT),
        (msgspec.structs.replace(IN_ROOM, sender_key=2), SealingFault.NO_SENDER_KEY),
        (msgspec.structs.replace(IN_ROOM, room_key=2), SealingFault.NO_ROOM_KEY),
        (msgspec.structs.replace(IN_ROOM, room_key=0), SealingFault.NO_OWN_KEY),
        (msgspec.structs.replace(IN_ROOM, box=b""), SealingFault.DAMAGED),
        (msgspec.structs.replace(IN_ROOM, box=bytes(400_000)), SealingFault.TOO_LARGE),
        (msgspec.structs.replace(IN_ROOM, box=DIRECT.box), SealingFault.DAMAGED),
    ],
)
def test_other_versions_and_boxes_are_refused(sealed: SealedMessage, reason: SealingFault) -> None:
    assert reason_of(sealed, stamped(LETTER), reader("bob")) is reason


@given(st.data())
def test_no_bit_of_a_box_can_be_changed(data: st.DataObject) -> None:
    for sealed, letter in ((IN_ROOM, LETTER), (DIRECT, DIRECT_LETTER)):
        box = bytearray(sealed.box)
        box[data.draw(st.integers(0, len(box) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        changed = msgspec.structs.replace(sealed, box=bytes(box))
        assert reason_of(changed, stamped(letter), reader("bob")) is SealingFault.DAMAGED


@given(st.integers(0, len(IN_ROOM.box) - 1), st.binary(min_size=1, max_size=300))
def test_no_box_can_be_cut_or_made_longer(cut: int, more: bytes) -> None:
    for box in (IN_ROOM.box[:cut], IN_ROOM.box[cut + 1 :], IN_ROOM.box + more):
        changed = msgspec.structs.replace(IN_ROOM, box=box)
        assert reason_of(changed, stamped(LETTER), reader("bob")) is SealingFault.DAMAGED


@given(st.integers(0, len(DIRECT.wrapped["bob"].box) - 1))
def test_no_wrapped_key_can_be_changed_or_swapped(at: int) -> None:
    mine = DIRECT.wrapped["bob"]
    flipped = mine.box[:at] + bytes([mine.box[at] ^ 1]) + mine.box[at + 1 :]
    other = seal_for_recipients(direct_letter("other"), ADA, RECORDS).wrapped["bob"].box
    for box in (flipped, DIRECT.wrapped["cleo"].box, other):
        wrapped = {**DIRECT.wrapped, "bob": msgspec.structs.replace(mine, box=box)}
        found = reason_of(msgspec.structs.replace(DIRECT, wrapped=wrapped), stamped(DIRECT_LETTER), reader("bob"))
        assert found is SealingFault.DAMAGED


@pytest.mark.parametrize(
    ("sealed", "shown", "reason"),
    [
        # Mallory has the room's key and writes as ada.
        (forged(LETTER, MALLORY), stamped(LETTER), SealingFault.SIGNATURE),
        # Mallory takes ada's name into a letter that mallory signs.
        (forged(LETTER, MALLORY), replace(stamped(LETTER), sender="mallory"), SealingFault.OTHER_SENDER),
        # Ada's own program names another version of her key inside.
        (forged(letter_of(sender_key=2), ADA), stamped(LETTER), SealingFault.OTHER_KEY_VERSION),
        (forged(letter_of(room_key=2), ADA), stamped(LETTER), SealingFault.OTHER_ROOM_KEY),
        (forged(letter_of(room_key_id=b"x" * 16), ADA), stamped(LETTER), SealingFault.OTHER_ROOM_KEY),
        (forged(letter_of(format=2), ADA), stamped(LETTER), SealingFault.FORMAT),
        (forged(letter_of("x" * (MAX_TEXT_BYTES + 1)), ADA), stamped(LETTER), SealingFault.TOO_LARGE),
        # Bob puts what ada wrote to him alone into the room.
        (forged(DIRECT_LETTER, ADA), stamped(DIRECT_LETTER), SealingFault.NO_ROOM_KEY),
        (forged(DIRECT_LETTER, ADA), stamped(LETTER), SealingFault.OTHER_ROOM),
    ],
)
def test_a_member_who_has_the_key_forges_nothing(sealed: SealedMessage, shown: Any, reason: SealingFault) -> None:
    assert reason_of(sealed, shown, reader("bob")) is reason


def test_what_is_signed_and_is_no_letter_is_refused() -> None:
    for data in (b"", b"\xc1", b"\x90", msgspec.msgpack.encode([1] * 15), msgspec.msgpack.encode([[[]]] * 15)):
        signed = SignedLetter(data, sign_for(Purpose.MESSAGE, data, ADA.signing))
        sealed = msgspec.structs.replace(IN_ROOM, box=sealing._seal_box(signed, ROOM_KEY.secret))
        assert reason_of(sealed, stamped(LETTER), reader("bob")) is SealingFault.DAMAGED


def test_a_message_is_never_sealed_to_a_part_of_its_recipients() -> None:
    with pytest.raises(SealingRefused, match=r"Nothing was sent: there is no key for cleo\.") as refused:
        seal_for_recipients(DIRECT_LETTER, ADA, {"bob": BOB.record})
    assert refused.value.reason is SealingFault.MISSING_KEYS


@pytest.mark.parametrize(
    "seal",
    [
        lambda: seal_for_room(LETTER, MALLORY, ROOM_KEY),
        lambda: seal_for_room(LETTER, ADA, draw_room_key("lab", 3)),
        lambda: seal_for_room(LETTER, ADA, RoomKey("lab", 4, ROOM_KEY.secret)),
        lambda: seal_for_room(DIRECT_LETTER, ADA, ROOM_KEY),
        lambda: seal_for_recipients(LETTER, ADA, RECORDS),
        lambda: seal_for_recipients(DIRECT_LETTER, BOB, RECORDS),
        lambda: seal_for_recipients(direct_letter(sender_key=2), ADA, RECORDS),
    ],
)
def test_a_letter_is_sealed_only_as_what_it_says(seal: Callable[[], SealedMessage]) -> None:
    with pytest.raises(SealingRefused):
        seal()


def test_older_messages_open_after_the_keys_were_renewed() -> None:
    bob = renew_keys(BOB, 2)
    keys = ReadersKeys("bob", {1: BOB, 2: bob}, SENDERS)
    assert open_sealed(DIRECT, stamped(DIRECT_LETTER), keys).letter == DIRECT_LETTER
    newer = seal_for_recipients(DIRECT_LETTER, ADA, {**RECORDS, "bob": bob.record})
    assert open_sealed(newer, stamped(DIRECT_LETTER), keys).letter == DIRECT_LETTER
    without = ReadersKeys("bob", {1: BOB}, SENDERS)
    assert reason_of(newer, stamped(DIRECT_LETTER), without) is SealingFault.NO_OWN_KEY


def test_a_signature_is_checked_without_any_secret() -> None:
    opened = open_sealed(IN_ROOM, stamped(LETTER), reader("bob"))
    assert is_letter_signed(opened.signed, ADA.record)
    assert not is_letter_signed(opened.signed, BOB.record)
    for changed in (opened.signed.letter + b" ", opened.signed.letter[:-1]):
        assert not is_letter_signed(SignedLetter(changed, opened.signed.signature), ADA.record)


def test_the_box_is_the_one_of_libsodium() -> None:
    nonce, box = IN_ROOM.box[:24], IN_ROOM.box[24:]
    padded = crypto_secretbox_open(box, nonce, ROOM_KEY.secret)
    content = padded.rstrip(b"\0").removesuffix(b"\x80")
    assert content[64:] == msgspec.msgpack.encode(LETTER)
    assert is_letter_signed(SignedLetter(content[64:], content[:64]), ADA.record)
