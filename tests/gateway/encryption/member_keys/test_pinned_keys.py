"""Pins: a table of what comes and what becomes of a pin."""

from __future__ import annotations

import msgspec
import pytest

from gateway.encryption.member_keys.fingerprints import fingerprint_hex, fingerprint_words
from gateway.encryption.member_keys.pinned_keys import (
    PinFinding,
    PinnedKey,
    Trust,
    compare_with_pin,
    require_usable,
    revoke_pin,
    trust_fingerprint,
)
from gateway.encryption.member_keys.private_keys import MemberKeys, draw_keys, renew_keys, revoke_keys
from gateway.encryption.refusals import SealingFault, SealingRefused

FIRST, OTHER, MALLORY = draw_keys("bob", 1), draw_keys("bob", 1), draw_keys("mallory", 1)
SECOND = renew_keys(FIRST, 2)
THIRD = renew_keys(SECOND, 3)
ANEW = draw_keys("bob", 4, version=2)


def pin_of(*keys: MemberKeys) -> PinnedKey:
    pin = None
    for one in keys:
        pin = compare_with_pin(pin, one.published).pin
    assert pin
    return pin


def hex_of(keys: MemberKeys) -> str:
    return fingerprint_hex(keys.record.fingerprint)


VERIFIED = trust_fingerprint(pin_of(FIRST), hex_of(FIRST))
REVOKED = revoke_pin(VERIFIED, revoke_keys(FIRST))


@pytest.mark.parametrize(
    ("pin", "came", "finding", "trust", "kept"),
    [
        (None, FIRST, PinFinding.FIRST_USE, Trust.FIRST_USE, FIRST),
        (pin_of(FIRST), FIRST, PinFinding.SAME, Trust.FIRST_USE, FIRST),
        (VERIFIED, FIRST, PinFinding.SAME, Trust.VERIFIED, FIRST),
        (pin_of(FIRST), SECOND, PinFinding.ROTATED, Trust.FIRST_USE, SECOND),
        (VERIFIED, SECOND, PinFinding.ROTATED, Trust.VERIFIED, SECOND),
        (VERIFIED, THIRD, PinFinding.CHANGED, Trust.CHANGED, FIRST),
        (VERIFIED, OTHER, PinFinding.CHANGED, Trust.CHANGED, FIRST),
        (VERIFIED, ANEW, PinFinding.CHANGED, Trust.CHANGED, FIRST),
        (pin_of(FIRST, OTHER), FIRST, PinFinding.SAME, Trust.CHANGED, FIRST),
        (pin_of(FIRST, OTHER), SECOND, PinFinding.ROTATED, Trust.CHANGED, SECOND),
        (REVOKED, SECOND, PinFinding.CHANGED, Trust.REVOKED, FIRST),
        (REVOKED, FIRST, PinFinding.SAME, Trust.REVOKED, FIRST),
    ],
)
def test_what_becomes_of_a_pin(
    pin: PinnedKey | None, came: MemberKeys, finding: PinFinding, trust: Trust, kept: MemberKeys
) -> None:
    change = compare_with_pin(pin, came.published)
    assert (change.finding, change.pin.trust, change.pin.record) == (finding, trust, kept.record)
    assert change.pin.is_usable == (trust in (Trust.FIRST_USE, Trust.VERIFIED))


def test_an_old_key_does_not_come_back() -> None:
    with pytest.raises(SealingRefused, match="old key") as refused:
        compare_with_pin(pin_of(FIRST, SECOND), FIRST.published)
    assert refused.value.reason is SealingFault.OLD_KEY


def test_a_key_of_another_member_is_refused() -> None:
    with pytest.raises(SealingRefused, match="one of mallory"):
        compare_with_pin(pin_of(FIRST), MALLORY.published)


@pytest.mark.parametrize(
    ("pin", "compared", "trusted"),
    [
        (pin_of(FIRST), FIRST, FIRST),
        (pin_of(FIRST, OTHER), OTHER, OTHER),
        (pin_of(FIRST, OTHER), FIRST, FIRST),
        (compare_with_pin(REVOKED, ANEW.published).pin, ANEW, ANEW),
    ],
)
def test_a_person_decides_by_the_fingerprint(pin: PinnedKey, compared: MemberKeys, trusted: MemberKeys) -> None:
    for text in (hex_of(compared), fingerprint_words(compared.record.fingerprint)):
        decided = trust_fingerprint(pin, text)
        assert (decided.trust, decided.record, decided.waiting) == (Trust.VERIFIED, trusted.record, "")


@pytest.mark.parametrize("text", ["", hex_of(MALLORY), hex_of(SECOND), hex_of(FIRST)[:20]])
def test_another_fingerprint_changes_nothing(text: str) -> None:
    with pytest.raises(SealingRefused, match="not by this chat"):
        trust_fingerprint(pin_of(FIRST, OTHER), text)


def test_a_revoked_key_is_never_trusted_again() -> None:
    with pytest.raises(SealingRefused, match="cannot be trusted again"):
        trust_fingerprint(REVOKED, hex_of(FIRST))
    with pytest.raises(SealingRefused, match="not made by the key"):
        revoke_pin(VERIFIED, revoke_keys(MALLORY))


def test_older_messages_are_checked_with_older_keys_while_the_key_is_usable() -> None:
    pin = pin_of(FIRST, SECOND)
    assert pin.records() == {1: FIRST.record, 2: SECOND.record}
    assert compare_with_pin(pin, OTHER.published).pin.records() == {}
    decided = trust_fingerprint(compare_with_pin(VERIFIED, ANEW.published).pin, hex_of(ANEW))
    assert decided.records() == {1: FIRST.record, 2: ANEW.record}
    revoked = trust_fingerprint(compare_with_pin(REVOKED, ANEW.published).pin, hex_of(ANEW))
    assert revoked.records() == {2: ANEW.record}


@pytest.mark.parametrize(
    ("pin", "reason"),
    [
        (None, SealingFault.MISSING_KEYS),
        (pin_of(FIRST, OTHER), SealingFault.CHANGED_KEY),
        (REVOKED, SealingFault.REVOKED_KEY),
    ],
)
def test_nothing_is_sealed_to_a_key_that_is_not_usable(pin: PinnedKey | None, reason: SealingFault) -> None:
    with pytest.raises(SealingRefused, match="Nothing was sent") as refused:
        require_usable(pin, "bob")
    assert refused.value.reason is reason


def test_a_usable_key_is_used_and_a_pin_survives_its_file() -> None:
    assert require_usable(VERIFIED, "bob") == FIRST.record
    for pin in (VERIFIED, REVOKED, pin_of(FIRST, SECOND), pin_of(FIRST, OTHER)):
        assert msgspec.json.decode(msgspec.json.encode(pin), type=PinnedKey) == pin
