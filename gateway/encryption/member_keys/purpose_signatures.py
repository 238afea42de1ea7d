"""Ed25519 signatures that count for one purpose only. Pure, but for the random bytes of new keys."""

from __future__ import annotations

from enum import StrEnum

from nacl.bindings import crypto_sign_BYTES, crypto_sign_PUBLICKEYBYTES
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

SIGNATURE_BYTES: int = crypto_sign_BYTES
SIGNING_KEY_BYTES: int = crypto_sign_PUBLICKEYBYTES


class Purpose(StrEnum):
    """What a signature is for. It stands in front of what is signed, so that a signature made for one purpose is
    worthless for another."""

    MESSAGE = "message"
    KEY_RECORD = "key record"
    ROTATION = "rotation"
    REVOCATION = "revocation"
    ROOM_KEY = "room key"
    ADMISSION = "admission"
    AGENT_STATE = "agent state"
    APPROVAL = "approval"


def sign_for(purpose: Purpose, data: bytes, key: SigningKey) -> bytes:
    return key.sign(_marked(purpose, data)).signature


def is_signed_for(purpose: Purpose, data: bytes, signature: bytes, public: bytes) -> bool:
    """Whether the holder of this public key signed exactly these bytes, for this purpose."""
    if len(signature) != SIGNATURE_BYTES or len(public) != SIGNING_KEY_BYTES:
        return False
    try:
        VerifyKey(public).verify(_marked(purpose, data), signature)
    except CryptoError:
        return False
    return True


def _marked(purpose: Purpose, data: bytes) -> bytes:
    return b"llm-groupchat 1 " + purpose.encode() + b"\0" + data
