"""Key records: what others need of a member's keys, signed by those keys. Pure.

A record proves that whoever made it has the private keys. It does not prove whose they are: that is what pins and
fingerprints are for.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta
from nacl.exceptions import CryptoError
from nacl.public import Box, PrivateKey, PublicKey

from gateway.encryption.member_keys.fingerprints import FINGERPRINT_BYTES, make_fingerprint
from gateway.encryption.member_keys.purpose_signatures import Purpose, is_signed_for
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.protocol.errors import GroupChatError
from gateway.protocol.types.core_types import canonical_member_name

RECORD_FORMAT = 1
MAX_KEY_VERSION = 1_000_000
MAX_RECORD_CHARS = 1000
MAX_REMEMBERED_RECORDS = 16_384
RECORD_WORD, REVOCATION_WORD = "groupchat-key-1", "groupchat-revocation-1"
_BASE64_GROUP = 4  # characters
_ANY_KEY = PrivateKey(b"\x01" * 32)

Key32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
KeyVersion = Annotated[int, Meta(ge=1, le=MAX_KEY_VERSION)]
Seconds = Annotated[int, Meta(ge=0, le=10**11)]


class KeyRecord(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The public keys of one version. `previous` is the fingerprint of the version that vouches for it; empty for the
    first, and for one that was made anew because the one before was lost or revoked."""

    format: int
    name: Annotated[str, Meta(max_length=64)]
    version: KeyVersion
    signing: Key32
    sealing: Key32
    made_s: Seconds
    previous: Annotated[bytes, Meta(max_length=FINGERPRINT_BYTES)] = b""

    @property
    def fingerprint(self) -> bytes:
        return make_fingerprint(self.name, self.signing, self.sealing)


class SignedData(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Bytes and their signatures. The bytes travel as they were signed and are never encoded again. `by_previous` is
    the signature of the member's version before, where there is one."""

    data: Annotated[bytes, Meta(max_length=MAX_RECORD_CHARS)]
    signature: Signature
    by_previous: Annotated[bytes, Meta(max_length=64)] = b""


@dataclass(frozen=True)
class PublishedKey:
    """A key record whose own signature is good, with the text that it came in."""

    record: KeyRecord
    signed: SignedData

    @property
    def text(self) -> str:
        return text_of(RECORD_WORD, self.signed)

    def follows(self, earlier: KeyRecord) -> bool:
        """Whether the holder of the earlier key made this one the next."""
        mine = self.record
        return (mine.name, mine.version, mine.previous) == (
            earlier.name,
            earlier.version + 1,
            earlier.fingerprint,
        ) and is_signed_for(Purpose.ROTATION, self.signed.data, self.signed.by_previous, earlier.signing)


@lru_cache(MAX_REMEMBERED_RECORDS)
def parse_key_record(text: str) -> PublishedKey:
    """Read a record that somebody else made. The same records come again and again, and checking one is slow."""
    signed = signed_from_text(RECORD_WORD, text)
    try:
        record = msgspec.msgpack.decode(signed.data, type=KeyRecord)
    except (msgspec.MsgspecError, ValueError):
        raise _not_a_key() from None
    if record.format != RECORD_FORMAT:
        raise SealingRefused(SealingFault.FORMAT, "This key was made by a newer version of groupchat. Update this one.")
    if not _is_member_name(record.name) or not is_sealing_key(record.sealing):
        raise _not_a_key()
    if not is_signed_for(Purpose.KEY_RECORD, signed.data, signed.signature, record.signing):
        raise SealingRefused(
            SealingFault.SIGNATURE, f"This key of {record.name} was changed after it was made: its signature is wrong."
        )
    return PublishedKey(record, signed)


def is_sealing_key(public: bytes) -> bool:
    """Whether something can be sealed to this key: some points make a shared key that everybody knows."""
    try:
        Box(_ANY_KEY, PublicKey(public))
    except (CryptoError, ValueError):
        return False
    return True


class RevokedKey(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=64)]
    version: KeyVersion
    fingerprint: Annotated[bytes, Meta(min_length=FINGERPRINT_BYTES, max_length=FINGERPRINT_BYTES)]


def read_revocation(text: str) -> tuple[RevokedKey, SignedData]:
    """The name is not checked yet: that needs the key that it revokes."""
    signed = signed_from_text(REVOCATION_WORD, text)
    try:
        return msgspec.msgpack.decode(signed.data, type=RevokedKey), signed
    except (msgspec.MsgspecError, ValueError):
        raise SealingRefused(SealingFault.DAMAGED, "This is not a revocation of a key, or it is incomplete.") from None


def revokes(text: str, record: KeyRecord) -> bool:
    """Whether this is a statement of that key itself that it must not be used any more."""
    revoked, signed = read_revocation(text)
    named = (revoked.name, revoked.version, revoked.fingerprint)
    return named == (record.name, record.version, record.fingerprint) and is_signed_for(
        Purpose.REVOCATION, signed.data, signed.signature, record.signing
    )


def text_of(word: str, signed: SignedData) -> str:
    """One line that survives a chat, a mail and a file. Without padding, as the gateway wants it."""
    return f"{word} {base64.urlsafe_b64encode(msgspec.msgpack.encode(signed)).decode().rstrip('=')}"


def signed_from_text(word: str, text: str) -> SignedData:
    first, _, coded = text.strip().partition(" ")
    if first != word or len(coded) > MAX_RECORD_CHARS:
        raise _not_a_key()
    try:
        bare = coded.strip().rstrip("=")
        raw = base64.b64decode(bare + "=" * (-len(bare) % _BASE64_GROUP), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(raw, type=SignedData)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise _not_a_key() from None


def _is_member_name(text: str) -> bool:
    try:
        return canonical_member_name(text) == text
    except GroupChatError:
        return False


def _not_a_key() -> SealingRefused:
    return SealingRefused(SealingFault.DAMAGED, "This is not a key of a member, or a part of it is missing.")
