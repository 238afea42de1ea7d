"""Hands a secret key from one member to another: boxed between the keys of both. Pure, but for nonces."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from nacl.exceptions import CryptoError
from nacl.public import Box, PublicKey

from gateway.encryption.member_keys.key_records import KeyRecord, KeyVersion
from gateway.encryption.member_keys.private_keys import MemberKeys

SECRET_KEY_BYTES = 32
# In front of the secret, so that a key for one purpose is never taken for one of the other.
MESSAGE_KEY_LABEL, ROOM_KEY_LABEL = b"message key\0", b"room key\0"
MAX_WRAPPED_BYTES = 100


class WrappedKey(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`version` is that of the recipient's key."""

    version: KeyVersion
    box: Annotated[bytes, Meta(max_length=MAX_WRAPPED_BYTES)]


def wrap_key(secret: bytes, label: bytes, keys: MemberKeys, recipient: KeyRecord) -> WrappedKey:
    box = Box(keys.sealing, PublicKey(recipient.sealing))
    return WrappedKey(recipient.version, bytes(box.encrypt(label + secret)))


def unwrap_key(wrapped: WrappedKey, label: bytes, keys: MemberKeys, sender: KeyRecord) -> bytes | None:
    """The secret; None if this sender did not wrap it for these keys and this purpose."""
    try:
        content = Box(keys.sealing, PublicKey(sender.sealing)).decrypt(wrapped.box)
    except (CryptoError, ValueError):
        return None
    if len(content) != len(label) + SECRET_KEY_BYTES or not content.startswith(label):
        return None
    return content.removeprefix(label)
