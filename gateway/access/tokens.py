"""Tokens: 256 random bits, shown once, kept only as a hash, compared in constant time.

Pure: entropy and time are arguments.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping

import msgspec

from gateway.access.device_credentials import DeviceKey, LinkedPlace
from gateway.access.provider_token_record import ProviderToken
from gateway.protocol.errors import Unauthorized
from gateway.protocol.types.core_types import Scope

TOKEN_PREFIX = "gc"
ENTROPY_BYTES = 40  # 8 for the token's id, 32 for its secret


class TokenRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """The stored part of a token: everything but the secret. `hands`: it is a tools token, for the tools of a member's
    agent, and `parent` is the token that asked for it. `read_only`: it may change nothing. A `device` proves itself by
    its key, so it has no secret and no hash; a `link` shows one room to whoever has its secret. A `provider`'s token
    (JWT) is signed anew by its issuer, so it has no hash either."""

    id: str
    member: str
    hash: str
    created: str
    scopes: tuple[Scope, ...] = ()
    expires: float | None = None
    revoked: bool = False
    is_tools_token: bool = msgspec.field(default=False, name="hands")
    read_only: bool = False
    parent: str = ""
    device: DeviceKey | None = None
    link: LinkedPlace | None = None
    provider: ProviderToken | None = None

    @property
    def has_stored_secret(self) -> bool:
        """Whether it is shown once and kept as a hash, so that it can be rotated."""
        return self.device is None and self.link is None and self.provider is None

    @property
    def is_own(self) -> bool:
        """Whether it is a member's own: neither its agent's tools nor a reader of a link act as the member."""
        return not self.is_tools_token and self.link is None


def create_token_record(
    entropy: bytes, member: str, created: str, scopes: Iterable[Scope] = (), expires: float | None = None
) -> tuple[str, TokenRecord]:
    """The token to show and the record to keep."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"{ENTROPY_BYTES} random bytes are needed, not {len(entropy)}")
    identity, secret = entropy[:8].hex(), urlsafe_b64encode(entropy[8:]).decode().rstrip("=")
    record = TokenRecord(identity, member, token_digest(secret), created, tuple(scopes), expires)
    return f"{TOKEN_PREFIX}_{identity}_{secret}", record


def token_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def token_id_of(token: str) -> str | None:
    """The id in a token; None if the text is not a token of a gateway."""
    parts = token.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == TOKEN_PREFIX else None


def is_valid(record: TokenRecord | None, now: float) -> bool:
    return record is not None and not record.revoked and (record.expires is None or now < record.expires)


def is_in_force(tokens: Mapping[str, TokenRecord], record: TokenRecord | None, now: float) -> bool:
    """Whether this token is valid now. A tools token ends with the token that asked for it or, if that is not recorded,
    with the last of its member's own tokens."""
    if record is None or not is_valid(record, now):
        return False
    if not record.is_tools_token:
        return True
    return is_valid(tokens.get(record.parent), now) if record.parent else has_own_token(tokens, record.member, now)


def has_own_token(tokens: Mapping[str, TokenRecord], member: str, now: float) -> bool:
    """Whether a member has a valid token of its own, besides the tools tokens of its agent and its links."""
    return any(one.member == member and one.is_own and is_valid(one, now) for one in tokens.values())


def check_token(token: str, record: TokenRecord | None, now: float) -> TokenRecord:
    """The record, if this token is valid. All refusals have the same text, except for the owner's expired token."""
    secret = token.split("_", 2)[-1]
    matches = has_secret(record, secret)
    if record is None or not matches or record.revoked or record.link is not None:
        raise Unauthorized("This token is not valid for this gateway. Create one with `groupchat token create NAME`.")
    if record.expires is not None and now >= record.expires:
        raise Unauthorized(
            f"The token of {record.member} has expired. Rotate it: `groupchat token rotate {record.member}`."
        )
    return record


def has_secret(record: TokenRecord | None, secret: str) -> bool:
    """Whether this is the secret of the record, in constant time. A device has none."""
    return hmac.compare_digest(token_digest(secret), record.hash if record else token_digest("")) and record is not None


def is_team_token(token: str, team_digest: str | None) -> bool:
    return team_digest is not None and hmac.compare_digest(token_digest(token), team_digest)
