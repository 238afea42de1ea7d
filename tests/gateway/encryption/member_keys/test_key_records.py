"""Key records: whatever is changed in one, it is refused; and only the key before vouches for the next."""

from __future__ import annotations

import base64
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.encryption.member_keys.key_records import (
    RECORD_WORD,
    PublishedKey,
    SignedData,
    parse_key_record,
    revokes,
    signed_from_text,
    text_of,
)
from gateway.encryption.member_keys.private_keys import (
    MemberKeys,
    draw_keys,
    keys_from_secret,
    renew_keys,
    revoke_keys,
)
from gateway.encryption.member_keys.purpose_signatures import Purpose, is_signed_for, sign_for
from gateway.encryption.refusals import SealingRefused
from gateway.protocol.errors import BadRequest
from gateway.sealed_rooms.sealed_form import RECORD_PREFIX, REVOCATION_PREFIX, check_key_text

BOSS, MALLORY = draw_keys("boss", 1000), draw_keys("mallory", 1000)
NEXT = renew_keys(BOSS, 2000)


def forged(keys: MemberKeys, **changed: object) -> str:
    """A record with other facts, signed as well as its forger can."""
    data = msgspec.msgpack.encode(msgspec.structs.replace(keys.record, **changed))
    return text_of(RECORD_WORD, SignedData(data, sign_for(Purpose.KEY_RECORD, data, keys.signing)))


def test_a_record_survives_its_text() -> None:
    assert parse_key_record(f"  {NEXT.published.text}\n") == NEXT.published
    assert NEXT.record.version == 2
    assert NEXT.record.previous == BOSS.record.fingerprint


def test_drawn_keys_differ_and_tell_nothing_when_shown() -> None:
    other = draw_keys("boss", 1000)
    assert other.secret != BOSS.secret
    assert BOSS.secret[:32] != BOSS.secret[32:]
    assert BOSS.secret.hex() not in repr(BOSS)
    assert repr(bytes(BOSS.signing)) not in repr(BOSS)


def test_the_secret_belongs_to_its_record() -> None:
    assert keys_from_secret(NEXT.secret, NEXT.published).secret == NEXT.secret
    for secret in (BOSS.secret, b"", NEXT.secret[:63], NEXT.secret + b"a", NEXT.secret[32:] + NEXT.secret[:32]):
        with pytest.raises(SealingRefused, match="do not belong together"):
            keys_from_secret(secret, NEXT.published)


@given(st.data())
def test_no_byte_of_a_record_can_be_changed(data: st.DataObject) -> None:
    raw = bytearray(base64.urlsafe_b64decode(BOSS.published.text.split()[1] + "=="))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealingRefused):
        parse_key_record(f"{RECORD_WORD} {base64.urlsafe_b64encode(raw).decode()}")


@pytest.mark.parametrize("name", ["a", "ab", "abc", "abcd", "n" * 64])
def test_the_gateway_takes_the_records_of_all_names(name: str) -> None:
    keys = draw_keys(name, 1)
    for text, prefix in ((keys.published.text, RECORD_PREFIX), (revoke_keys(keys), REVOCATION_PREFIX)):
        check_key_text(text, prefix, "text")
    assert parse_key_record(keys.published.text) == parse_key_record(f"{keys.published.text}==") == keys.published


@given(st.text() | st.builds(lambda cut: BOSS.published.text[:cut], st.integers(0, len(BOSS.published.text) - 1)))
def test_other_texts_are_no_records(text: str) -> None:
    with pytest.raises(SealingRefused):
        parse_key_record(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (forged(BOSS, name="Boss"), "not a key"),
        (forged(BOSS, name="system"), "not a key"),
        (forged(BOSS, name="a\x1b[2J"), "not a key"),
        (forged(BOSS, format=2), "newer version"),
        (forged(BOSS, sealing=bytes(32)), "not a key"),
        (forged(BOSS, sealing=b"\x01" + bytes(31)), "not a key"),
        (forged(BOSS, signing=MALLORY.record.signing), "signature is wrong"),
        (forged(BOSS, signing=bytes(32)), "signature is wrong"),
        (forged(BOSS, version=0), "not a key"),
        (f"{RECORD_WORD} {'A' * 5000}", "not a key"),
        ("", "not a key"),
    ],
)
def test_what_is_no_record_is_refused_with_a_reason(text: str, words: str) -> None:
    with pytest.raises(SealingRefused, match=words):
        parse_key_record(text)


def test_only_the_key_before_vouches_for_the_next() -> None:
    assert NEXT.published.follows(BOSS.record)
    third = renew_keys(NEXT, 3000)
    unvouched = parse_key_record(forged(NEXT))
    by_mallory = with_rotation(NEXT, MALLORY)
    for other, earlier in (
        (third.published, BOSS.record),
        (BOSS.published, BOSS.record),
        (BOSS.published, NEXT.record),
        (NEXT.published, MALLORY.record),
        (unvouched, BOSS.record),
        (by_mallory, BOSS.record),
        (draw_keys("boss", 2000, version=2).published, BOSS.record),
    ):
        assert not other.follows(earlier)


def with_rotation(keys: MemberKeys, voucher: MemberKeys) -> PublishedKey:
    signed = keys.published.signed
    mine = sign_for(Purpose.ROTATION, signed.data, voucher.signing)
    return PublishedKey(keys.record, msgspec.structs.replace(signed, by_previous=mine))


def test_a_key_revokes_itself_and_no_other() -> None:
    statement = revoke_keys(BOSS)
    assert revokes(statement, BOSS.record)
    assert not revokes(statement, NEXT.record)
    assert not revokes(revoke_keys(MALLORY), BOSS.record)
    for text in ("", statement[:-8], BOSS.published.text):
        with pytest.raises(SealingRefused):
            revokes(text, BOSS.record)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_signature_counts_for_one_purpose(purpose: Purpose) -> None:
    signature = sign_for(purpose, b"text", BOSS.signing)
    counted = [other for other in Purpose if is_signed_for(other, b"text", signature, BOSS.record.signing)]
    assert counted == [purpose]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda signature: b"",
        lambda signature: signature[:-1],
        lambda signature: signature + b"\0",
        lambda signature: bytes(64),
        lambda signature: bytes([signature[0] ^ 1]) + signature[1:],
    ],
)
def test_a_spoiled_signature_is_none(spoil: Callable[[bytes], bytes]) -> None:
    signature = spoil(sign_for(Purpose.MESSAGE, b"text", BOSS.signing))
    assert not is_signed_for(Purpose.MESSAGE, b"text", signature, BOSS.record.signing)


@pytest.mark.parametrize("name", ["", "two words", "system", "all", "x" * 65])
def test_only_members_have_keys(name: str) -> None:
    with pytest.raises(BadRequest):
        draw_keys(name, 1000)


def test_a_revocation_is_no_record_and_the_other_way_round() -> None:
    with pytest.raises(SealingRefused):
        parse_key_record(revoke_keys(BOSS))
    with pytest.raises(SealingRefused):
        signed_from_text("groupchat-revocation-1", BOSS.published.text)
