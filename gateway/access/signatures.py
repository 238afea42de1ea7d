"""Makes Ed25519 keys in PEM, and checks signatures: Ed25519, and ECDSA on P-256 as browsers make it. Knows no wire
format."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from gateway.protocol.errors import BadRequest

MAX_PEM_CHARS = 1000
POINT_BYTES = 65  # 4, x, y
SIGNATURE_BYTES = 64  # r, s
_ECDSA = ec.ECDSA(SHA256())


@dataclass(frozen=True)
class PublicKey:
    """A public key, and its original text."""

    pem: str
    _public: Ed25519PublicKey = field(repr=False)

    @staticmethod
    def of(pem: str) -> PublicKey:
        try:
            public = load_pem_public_key(pem.encode()) if len(pem) <= MAX_PEM_CHARS else None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            public = None
        if not isinstance(public, Ed25519PublicKey):
            raise BadRequest("This is not an Ed25519 public key in PEM (-----BEGIN PUBLIC KEY-----).")
        return PublicKey(pem, public)

    def signed(self, payload: bytes, signature: str) -> bool:
        """Whether the holder of this key signed exactly these bytes; the signature is base64."""
        try:
            self._public.verify(base64.b64decode(signature, validate=True), payload)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


class KeyPair(NamedTuple):
    """A new key as two texts in PEM."""

    public: str
    private: str


def generate_key_pair() -> KeyPair:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(public.decode(), private.decode())


@dataclass(frozen=True)
class BrowserKey:
    """A public key that WebCrypto has exported as `raw`: a point on P-256."""

    _public: ec.EllipticCurvePublicKey = field(repr=False)

    @staticmethod
    def of(text: str) -> BrowserKey:
        """The key in this base64url text."""
        point = _bytes_of(text)
        try:
            if len(point) != POINT_BYTES:
                raise ValueError
            return BrowserKey(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point))
        except ValueError:
            raise BadRequest("The public key must be an uncompressed point on P-256 (65 bytes) as base64url.") from None

    def signed(self, payload: bytes, signature: str) -> bool:
        """Whether the holder of this key signed exactly these bytes; the signature is r and s as base64url."""
        found = _bytes_of(signature)
        if len(found) != SIGNATURE_BYTES:
            return False
        r, s = int.from_bytes(found[:32], "big"), int.from_bytes(found[32:], "big")
        try:
            self._public.verify(encode_dss_signature(r, s), payload, _ECDSA)
        except InvalidSignature:
            return False
        return True


def _bytes_of(text: str) -> bytes:
    """The bytes of a base64url text without padding; none if it is not one."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
