"""Checks tokens of identity providers (JWT): form, key, signature, claims. Pure: keys and time are arguments.

A key is bound to its algorithms when the key set is read, so a token cannot choose another one. Nothing is decoded of a
token that is too long, and no claim is believed before the signature has been checked.
"""

from __future__ import annotations

import hashlib
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
import msgspec

from gateway.access.provider_token_record import ENDED_TEXT, NOT_ACCEPTED_TEXT, ProviderIdentity, ProviderToken
from gateway.protocol.errors import BadRequest, Unauthorized

MAX_TOKEN_CHARS = 8192
MAX_HEADER_CHARS = 2048
MAX_ID_CHARS = 255
MAX_KEYS = 100
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
MAX_RSA_EXPONENT_BITS = 33

FAMILY_OF: Mapping[str, str] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
_CURVE_OF = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
_SECRET_FIELDS = ("d", "k", "p", "q")

NOT_YET_TEXT = (
    "This token of the identity provider is not valid yet. Check the clocks of this machine and the provider."
)
OTHER_AUDIENCE_TEXT = "This token is for another service (its audience), not for this gateway."
TOO_LONG_LIVED_TEXT = "This token lives longer than this gateway accepts (`max_lifetime`)."


@dataclass(frozen=True)
class AcceptedIssuer:
    name: str
    audiences: frozenset[str]
    algorithms: frozenset[str]
    leeway: float
    max_lifetime: float


@dataclass(frozen=True)
class KeySet:
    """The keys of an issuer by `kid`, each with the algorithms that it is for. `left_out`: how many were not usable."""

    keys: Mapping[str, Mapping[str, jwt.PyJWK]] = field(default_factory=dict, repr=False)
    left_out: int = 0

    def find(self, kid: str | None) -> Mapping[str, jwt.PyJWK] | None:
        """The key of this id. A token without one may be checked only where there is a single key."""
        if kid is not None:
            return self.keys.get(kid)
        return next(iter(self.keys.values())) if len(self.keys) == 1 else None


@dataclass(frozen=True)
class UncheckedToken:
    """A token of which only the form is known to be right. `issuer` and `kid` say which key to try."""

    text: str = field(repr=False)
    issuer: str
    kid: str | None
    algorithm: str
    claims: dict[str, Any] = field(repr=False)


def read_form(token: str) -> UncheckedToken:
    """The parts of a token that say with which key to check it."""
    header_text, _, rest = token.partition(".")
    if len(token) > MAX_TOKEN_CHARS or len(header_text) > MAX_HEADER_CHARS or not token.isascii():
        raise Unauthorized(NOT_ACCEPTED_TEXT)
    header, claims = _object_of(header_text), _object_of(rest.partition(".")[0])
    algorithm, kid, issuer = header.get("alg"), header.get("kid"), claims.get("iss")
    if "crit" in header or "b64" in header or not isinstance(algorithm, str) or not isinstance(issuer, str):
        raise Unauthorized(NOT_ACCEPTED_TEXT)
    if kid is not None and (not isinstance(kid, str) or len(kid) > MAX_ID_CHARS):
        raise Unauthorized(NOT_ACCEPTED_TEXT)
    return UncheckedToken(token, issuer, kid, algorithm, claims)


def _is_signed(unchecked: UncheckedToken, key: jwt.PyJWK) -> bool:
    """Whether this key signed the token, with the one algorithm that the key is bound to. The header decides nothing,
    so no call that reads it once more is used."""
    signed, _, signature = unchecked.text.rpartition(".")
    try:
        prepared = key.Algorithm.prepare_key(key.key)
        return bool(key.Algorithm.verify(signed.encode(), prepared, _bytes_of(signature)))
    except (jwt.PyJWTError, ValueError, TypeError):
        return False


def _bytes_of(text: str) -> bytes:
    """The bytes of a base64url text, which has one form only: a token could else be written in several."""
    found = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if urlsafe_b64encode(found).rstrip(b"=") != text.encode():
        raise ValueError("not in the one form of base64url")
    return found


def check_provider_token(
    unchecked: UncheckedToken, issuer: AcceptedIssuer, keys: KeySet, now: float
) -> tuple[ProviderToken, dict[str, Any]]:
    """The token and its claims, if it is signed by the issuer, meant for this gateway, and valid now."""
    key = (keys.find(unchecked.kid) or {}).get(unchecked.algorithm)
    if key is None or unchecked.algorithm not in issuer.algorithms or unchecked.issuer != issuer.name:
        raise Unauthorized(NOT_ACCEPTED_TEXT)
    if not _is_signed(unchecked, key):
        raise Unauthorized(NOT_ACCEPTED_TEXT)
    claims = unchecked.claims
    _check_audience(claims.get("aud"), issuer)
    ends = _check_times(claims, issuer, now)
    identity = ProviderIdentity(issuer.name, _id_at(claims, "sub"))
    jti = _id_at(claims, "jti") if "jti" in claims else ""
    return ProviderToken(_record_id(unchecked, identity, jti), identity, jti, ends), claims


def _check_audience(given: object, issuer: AcceptedIssuer) -> None:
    named = given if isinstance(given, list) else [given]
    if not any(isinstance(one, str) and one in issuer.audiences for one in named):
        raise Unauthorized(OTHER_AUDIENCE_TEXT)


def _check_times(claims: Mapping[str, Any], issuer: AcceptedIssuer, now: float) -> float:
    """When the token is no longer accepted."""
    expires = _seconds_at(claims, "exp")
    if expires is None:
        raise Unauthorized(NOT_ACCEPTED_TEXT)
    if now >= expires + issuer.leeway:
        raise Unauthorized(ENDED_TEXT)
    for name in ("nbf", "iat"):
        begins = _seconds_at(claims, name)
        if begins is not None and begins > now + issuer.leeway:
            raise Unauthorized(NOT_YET_TEXT)
    if expires - now > issuer.max_lifetime:
        raise Unauthorized(TOO_LONG_LIVED_TEXT)
    return expires + issuer.leeway


def _seconds_at(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unauthorized(NOT_ACCEPTED_TEXT)
    return float(value)


def _id_at(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID_CHARS or not value.isprintable():
        raise Unauthorized(NOT_ACCEPTED_TEXT)
    return value


def _record_id(unchecked: UncheckedToken, identity: ProviderIdentity, jti: str) -> str:
    """The id of the token's record. A token without `jti` is known by what is signed: its signature could be written in
    another form."""
    signed = unchecked.text.rpartition(".")[0]
    own = ("jti", jti) if jti else ("signed", signed)
    text = msgspec.json.encode((identity.issuer, identity.subject, *own))
    return hashlib.sha256(text).hexdigest()[:32]


def _object_of(text: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(_bytes_of(text))
    except (ValueError, RecursionError):  # msgspec.DecodeError and binascii.Error are ValueErrors
        raise Unauthorized(NOT_ACCEPTED_TEXT) from None
    if not isinstance(value, dict):
        raise Unauthorized(NOT_ACCEPTED_TEXT)
    return value


# key sets


def parse_key_set(document: bytes, algorithms: frozenset[str]) -> KeySet:
    """The usable keys of a JWKS document. Keys of other families, private, symmetric and weak keys are left out."""
    try:
        value = msgspec.json.decode(document)
    except (ValueError, RecursionError):
        raise BadRequest("The key set is not JSON.") from None
    listed = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise BadRequest(f"The key set has no list `keys` of at most {MAX_KEYS} keys.")
    found: dict[str, Mapping[str, jwt.PyJWK]] = {}
    left_out = 0
    for one in listed:
        usable = _algorithms_of(one, algorithms) if isinstance(one, dict) else {}
        if not usable:
            left_out += 1
            continue
        kid = one.get("kid", "")
        if not isinstance(kid, str) or len(kid) > MAX_ID_CHARS or kid in found:
            raise BadRequest("Two keys of the key set have the same `kid`, or one has a `kid` that is no short text.")
        found[kid] = usable
    if not found:
        raise BadRequest(f"The key set has no usable public key for {', '.join(sorted(algorithms))}.")
    return KeySet(found, left_out)


def _algorithms_of(key: dict[str, Any], algorithms: frozenset[str]) -> dict[str, jwt.PyJWK]:
    """The algorithms that this key is for, each with the key."""
    if any(name in key for name in _SECRET_FIELDS) or key.get("use", "sig") != "sig":
        return {}
    named = key.get("alg")
    fitting = [one for one in sorted(algorithms) if named in (None, one) and _fits(key, one)]
    try:
        found = {one: jwt.PyJWK(key, one) for one in fitting}
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return {}
    return found if all(_is_strong(one.key) for one in found.values()) else {}


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    return key.get("kty") == FAMILY_OF[algorithm] and key.get("crv") == _CURVE_OF.get(algorithm)


def _is_strong(key: Any) -> bool:
    """Whether an RSA key is neither weak nor so large that a check takes long. Curves have one size."""
    numbers: Any = key.public_numbers() if hasattr(key, "public_numbers") else None
    if not hasattr(numbers, "e"):
        return True
    bits, exponent_bits = int(numbers.n.bit_length()), int(numbers.e.bit_length())
    return MIN_RSA_BITS <= bits <= MAX_RSA_BITS and exponent_bits <= MAX_RSA_EXPONENT_BITS
