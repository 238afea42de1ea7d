"""Checks Ed25519 signatures with public keys in PEM. Knows no wire format."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.protocol.errors import BadRequest

MAX_PEM_CHARS = 1000


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
