"""A member's private keys of one version: drawing, renewing and revoking them. They stay on the member's machine."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
from nacl.public import PrivateKey
from nacl.signing import SigningKey
from nacl.utils import random

from gateway.encryption.member_keys.key_records import (
    RECORD_FORMAT,
    REVOCATION_WORD,
    KeyRecord,
    PublishedKey,
    RevokedKey,
    SignedData,
    text_of,
)
from gateway.encryption.member_keys.purpose_signatures import Purpose, sign_for
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.protocol.types.core_types import canonical_member_name

SEED_BYTES = 32
SECRET_BYTES = 2 * SEED_BYTES


@dataclass(frozen=True)
class MemberKeys:
    """Both private keys, with the record that is published of them."""

    published: PublishedKey
    signing: SigningKey = field(repr=False)
    sealing: PrivateKey = field(repr=False)

    @property
    def record(self) -> KeyRecord:
        return self.published.record

    @property
    def secret(self) -> bytes:
        """The seeds: all that is needed, besides the record, to have these keys again."""
        return bytes(self.signing) + bytes(self.sealing)


def draw_keys(name: str, now_s: int, version: int = 1) -> MemberKeys:
    """New keys, for which no earlier ones vouch."""
    return _draw(canonical_member_name(name), version, now_s)


def renew_keys(earlier: MemberKeys, now_s: int) -> MemberKeys:
    """The next version, which the earlier one vouches for."""
    return _draw(earlier.record.name, earlier.record.version + 1, now_s, earlier)


def _draw(name: str, version: int, now_s: int, earlier: MemberKeys | None = None) -> MemberKeys:
    """Both pairs are drawn separately: neither is derived from the other."""
    signing, sealing = SigningKey(random(SEED_BYTES)), PrivateKey(random(SEED_BYTES))
    public = bytes(signing.verify_key), bytes(sealing.public_key)
    previous = earlier.record.fingerprint if earlier else b""
    record = KeyRecord(RECORD_FORMAT, name, version, *public, now_s, previous)
    data = msgspec.msgpack.encode(record)
    by_previous = sign_for(Purpose.ROTATION, data, earlier.signing) if earlier else b""
    signed = SignedData(data, sign_for(Purpose.KEY_RECORD, data, signing), by_previous)
    return MemberKeys(PublishedKey(record, signed), signing, sealing)


def keys_from_secret(secret: bytes, published: PublishedKey) -> MemberKeys:
    """The keys of a file, if the secret in it belongs to the record beside it."""
    if len(secret) == SECRET_BYTES:
        signing, sealing = SigningKey(secret[:SEED_BYTES]), PrivateKey(secret[SEED_BYTES:])
        if (bytes(signing.verify_key), bytes(sealing.public_key)) == (
            published.record.signing,
            published.record.sealing,
        ):
            return MemberKeys(published, signing, sealing)
    raise SealingRefused(SealingFault.DAMAGED, "The private key and the public key here do not belong together.")


def revoke_keys(keys: MemberKeys) -> str:
    """A statement, in one line, that these keys must not be used any more."""
    record = keys.record
    data = msgspec.msgpack.encode(RevokedKey(record.name, record.version, record.fingerprint))
    return text_of(REVOCATION_WORD, SignedData(data, sign_for(Purpose.REVOCATION, data, keys.signing)))
