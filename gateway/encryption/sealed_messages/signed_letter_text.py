"""Signed letters in the field `signed` of a message in plain text: the letter's bytes as they were signed, the
signature, and which key of whom made it. Pure."""

from __future__ import annotations

import base64
import binascii

from gateway.encryption.member_keys.key_records import KeyRecord
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.encryption.sealed_messages.letters import SignedLetter
from gateway.protocol.types.core_types import Signed, is_name

KEY_WORD = "groupchat"
_KEY_PARTS = 3
_MAX_VERSION_CHARS = 10


def signed_of_letter(signed: SignedLetter, record: KeyRecord) -> Signed:
    key = f"{KEY_WORD} {record.name} {record.version}"
    return Signed(base64.b64encode(signed.letter).decode(), base64.b64encode(signed.signature).decode(), key)


def named_key(signed: Signed) -> tuple[str, int] | None:
    """Whose key of which version a signature names; None for one of another program, such as AgentChat's."""
    parts = signed.key.split(" ")
    if len(parts) != _KEY_PARTS or parts[0] != KEY_WORD or not is_name(parts[1]):
        return None
    version = parts[2]
    if not (version.isascii() and version.isdigit() and len(version) <= _MAX_VERSION_CHARS):
        return None
    return parts[1], int(version)


def letter_of_signed(signed: Signed, what: str) -> SignedLetter:
    try:
        letter = base64.b64decode(signed.payload, validate=True)
        signature = base64.b64decode(signed.signature, validate=True)
    except (binascii.Error, ValueError):
        raise SealingRefused(SealingFault.DAMAGED, f"{what} cannot be read. It was changed on its way.") from None
    return SignedLetter(letter, signature)
