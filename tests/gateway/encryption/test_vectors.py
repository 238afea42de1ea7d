"""The library computes what libsodium's own test vectors and independent implementations say, and what was sealed once
opens for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from nacl.bindings import crypto_scalarmult
from nacl.encoding import RawEncoder
from nacl.hash import blake2b
from nacl.public import Box, PrivateKey, PublicKey
from nacl.secret import SecretBox
from nacl.signing import SigningKey

from gateway.encryption.key_storage.passphrases import PassphraseBox, open_with_passphrase
from gateway.encryption.member_keys.key_records import parse_key_record
from gateway.encryption.member_keys.private_keys import keys_from_secret
from gateway.encryption.room_keys.room_key import RoomKey
from gateway.encryption.sealed_messages.letters import StampedFacts
from gateway.encryption.sealed_messages.sealing import ReadersKeys, SealedMessage, open_sealed
from gateway.protocol.types.core_types import MessageKind

# `box`, `secretbox` and `scalarmult` of libsodium's own tests.
ALICE_SECRET = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
BOB_PUBLIC = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
SHARED = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
BOX_KEY = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389"
NONCE = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37"
TEXT = (
    "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4"
    "1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52"
    "f0a089bc76897040e082f937763848645e0705"
)
SEALED = (
    "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b"
    "4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da"
    "99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5"
)
BEFORE = msgspec.json.decode((Path(__file__).parent / "sealed_before.json").read_bytes())


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


def test_boxes_are_those_of_libsodium() -> None:
    box = Box(PrivateKey(raw(ALICE_SECRET)), PublicKey(raw(BOB_PUBLIC)))
    assert box.shared_key() == raw(BOX_KEY)
    assert box.encrypt(raw(TEXT), raw(NONCE)).ciphertext == raw(SEALED)
    assert SecretBox(raw(BOX_KEY)).encrypt(raw(TEXT), raw(NONCE)).ciphertext == raw(SEALED)
    assert SecretBox(raw(BOX_KEY)).decrypt(raw(SEALED), raw(NONCE)) == raw(TEXT)
    assert crypto_scalarmult(raw(ALICE_SECRET), raw(BOB_PUBLIC)) == raw(SHARED)


def test_signatures_are_those_of_the_standard() -> None:
    """The second vector of RFC 8032."""
    key = SigningKey(raw("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
    assert bytes(key.verify_key).hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert key.sign(b"r").signature.hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


def test_another_implementation_computes_the_same() -> None:
    """OpenSSL's, and the hash of the standard library."""
    seed, text = bytes(range(32)), b"text"
    assert Ed25519PrivateKey.from_private_bytes(seed).sign(text) == SigningKey(seed).sign(text).signature
    public = X25519PublicKey.from_public_bytes(raw(BOB_PUBLIC))
    assert X25519PrivateKey.from_private_bytes(seed).exchange(public) == crypto_scalarmult(seed, raw(BOB_PUBLIC))
    assert blake2b(text, 20, key=seed, encoder=RawEncoder) == hashlib.blake2b(text, key=seed, digest_size=20).digest()
    key = Argon2id(salt=b"s" * 16, length=32, iterations=3, lanes=1, memory_cost=8).derive(b"correct horse")
    box = bytes(SecretBox(key).encrypt(b"secret"))
    assert open_with_passphrase(PassphraseBox(b"s" * 16, 3, 8 * 1024, box), "correct horse") == b"secret"


def test_what_was_sealed_once_opens_for_ever() -> None:
    """Formats of keys, messages and chains cannot change unnoticed: made with the first version of each."""
    ada, bob = (parse_key_record(BEFORE[name]) for name in ("ada", "bob"))
    own = keys_from_secret(b"c" * 32 + b"d" * 32, bob)
    keys = ReadersKeys("bob", {1: own}, {("ada", 1): ada.record}, {2: RoomKey("lab", 2, b"k" * 32)})
    for name, room in (("in_room", "lab"), ("direct", "")):
        sealed = msgspec.convert(BEFORE[name], SealedMessage)
        opened = open_sealed(
            sealed, StampedFacts("house-1", "ada", room, ("bob",), f"id-{name}", 7, MessageKind.CHAT), keys
        )
        assert opened.letter.text == "Grüße, as of version 1"
        assert opened.digest.hex() == BEFORE[f"{name}_digest"]
    assert ada.record.fingerprint.hex() == BEFORE["ada_fingerprint"]
