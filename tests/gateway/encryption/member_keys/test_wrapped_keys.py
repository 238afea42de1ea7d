"""Wrapped keys: for one recipient, from one sender, for one purpose."""

from __future__ import annotations

import pytest

from gateway.encryption.member_keys.private_keys import MemberKeys
from gateway.encryption.member_keys.wrapped_keys import MESSAGE_KEY_LABEL, ROOM_KEY_LABEL, unwrap_key, wrap_key
from tests.gateway.encryption.people import ADA, BOB, CLEO

SECRET = bytes(range(32))
WRAPPED = wrap_key(SECRET, ROOM_KEY_LABEL, ADA, BOB.record)


def test_the_recipient_unwraps_it() -> None:
    assert unwrap_key(WRAPPED, ROOM_KEY_LABEL, BOB, ADA.record) == SECRET


@pytest.mark.parametrize(
    ("label", "keys", "sender"),
    [
        (MESSAGE_KEY_LABEL, BOB, ADA),
        (b"other key\0", BOB, ADA),  # as long as the right one
        (ROOM_KEY_LABEL, CLEO, ADA),
        (ROOM_KEY_LABEL, BOB, CLEO),
    ],
)
def test_it_is_for_nobody_and_nothing_else(label: bytes, keys: MemberKeys, sender: MemberKeys) -> None:
    short = wrap_key(SECRET, ROOM_KEY_LABEL[:-1], ADA, BOB.record)
    assert unwrap_key(WRAPPED, label, keys, sender.record) is None
    assert unwrap_key(short, ROOM_KEY_LABEL, BOB, ADA.record) is None


def test_what_has_the_length_and_another_label_is_refused() -> None:
    same_length = wrap_key(SECRET, b"x" * len(ROOM_KEY_LABEL), ADA, BOB.record)
    assert unwrap_key(same_length, ROOM_KEY_LABEL, BOB, ADA.record) is None
