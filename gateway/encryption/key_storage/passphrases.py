"""Seals a member's private keys with a passphrase: Argon2id makes a key of it. Pure, but for salt and nonce."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.utils import random

from gateway.encryption.refusals import SealingFault, SealingRefused

MIN_PASSPHRASE_CHARS, MAX_PASSPHRASE_CHARS = 10, 1000
PASSES, MEMORY_BYTES = 3, 64 * 1024 * 1024
MAX_PASSES, MAX_MEMORY_BYTES = 10, 1024 * 1024 * 1024  # a file must not ask for hours, or for all memory
SALT_BYTES: int = argon2id.SALTBYTES


class PassphraseBox(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A secret, sealed. Salt and cost are those that it was sealed with."""

    salt: Annotated[bytes, Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]
    passes: Annotated[int, Meta(ge=1, le=MAX_PASSES)]
    memory_bytes: Annotated[int, Meta(ge=8192, le=MAX_MEMORY_BYTES)]
    box: Annotated[bytes, Meta(max_length=400)]


def seal_with_passphrase(
    secret: bytes, passphrase: str, passes: int = PASSES, memory_bytes: int = MEMORY_BYTES
) -> PassphraseBox:
    check_passphrase(passphrase)
    salt = random(SALT_BYTES)
    box = bytes(SecretBox(_key_of(passphrase, salt, passes, memory_bytes)).encrypt(secret))
    return PassphraseBox(salt, passes, memory_bytes, box)


def open_with_passphrase(sealed: PassphraseBox, passphrase: str) -> bytes:
    """A wrong passphrase costs as much time as the right one."""
    try:
        return SecretBox(_key_of(passphrase, sealed.salt, sealed.passes, sealed.memory_bytes)).decrypt(sealed.box)
    except (CryptoError, ValueError):
        raise SealingRefused(SealingFault.PASSPHRASE, "The passphrase is wrong, or the key file is damaged.") from None


def check_passphrase(passphrase: str) -> None:
    """Refuse a new passphrase that is too short. Its quality is its owner's matter."""
    if not MIN_PASSPHRASE_CHARS <= len(passphrase) <= MAX_PASSPHRASE_CHARS:
        raise SealingRefused(
            SealingFault.PASSPHRASE, f"A passphrase has {MIN_PASSPHRASE_CHARS} to {MAX_PASSPHRASE_CHARS} characters."
        )


def _key_of(passphrase: str, salt: bytes, passes: int, memory_bytes: int) -> bytes:
    return argon2id.kdf(
        SecretBox.KEY_SIZE, passphrase.encode(errors="surrogateescape"), salt, opslimit=passes, memlimit=memory_bytes
    )
