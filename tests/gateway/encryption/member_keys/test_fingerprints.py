"""Fingerprints are compared by people: whole, in either form, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.encryption.member_keys.fingerprints import (
    FINGERPRINT_BYTES,
    fingerprint_hex,
    fingerprint_words,
    is_fingerprint_text,
    make_fingerprint,
)

KEY_A, KEY_B = b"a" * 32, b"b" * 32
PRINT = make_fingerprint("boss", KEY_A, KEY_B)
prints = st.binary(min_size=FINGERPRINT_BYTES, max_size=FINGERPRINT_BYTES)


def test_words_and_hex_say_the_same_bits() -> None:
    assert fingerprint_words(bytes(FINGERPRINT_BYTES)) == " ".join(["babab"] * 10)
    assert fingerprint_words(b"\xff" * FINGERPRINT_BYTES) == " ".join(["zuzuz"] * 10)
    assert fingerprint_hex(bytes(range(FINGERPRINT_BYTES)))[:14] == "0001 0203 0405"


def test_it_stays_the_same_for_ever() -> None:
    assert fingerprint_hex(PRINT) == "7206 1e2e c85e 2cf3 55f5 ba8a 1249 0f45 b692 f112"


@pytest.mark.parametrize(
    "other",
    [("bos", b"s" + KEY_A[1:], KEY_B), ("boss", KEY_B, KEY_A), ("ada", KEY_A, KEY_B), ("boss", KEY_A, KEY_A)],
)
def test_name_and_both_keys_count(other: tuple[str, bytes, bytes]) -> None:
    assert make_fingerprint(*other) != PRINT


@given(prints, prints)
def test_different_keys_have_different_words(one: bytes, other: bytes) -> None:
    assert (fingerprint_words(one) == fingerprint_words(other)) == (one == other)


@given(prints)
def test_either_form_is_accepted_in_any_writing(fingerprint: bytes) -> None:
    for text in (fingerprint_hex(fingerprint), fingerprint_words(fingerprint)):
        for written in (text, text.upper(), text.replace(" ", ""), text.replace(" ", "-"), f"  {text}\n", text.title()):
            assert is_fingerprint_text(written, fingerprint)


@given(prints, st.integers(0, FINGERPRINT_BYTES - 1))
def test_a_part_or_another_one_is_not_accepted(fingerprint: bytes, at: int) -> None:
    changed = fingerprint[:at] + bytes([fingerprint[at] ^ 1]) + fingerprint[at + 1 :]
    for form in (fingerprint_hex, fingerprint_words):
        whole = form(fingerprint)
        assert not is_fingerprint_text(form(changed), fingerprint)
        for part in ("", whole[: 5 * at // 2], whole[:-1], whole + "a", whole + "é"):
            assert not is_fingerprint_text(part, fingerprint)
