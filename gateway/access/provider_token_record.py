"""What is kept of an identity provider's token (JWT): whose it is, and until when it holds. Pure, and without the
library that checks it: every gateway reads these records."""

from __future__ import annotations

import msgspec

from gateway.protocol.errors import Unauthorized
from gateway.protocol.types.core_types import MemberKind, Scope

NOT_ACCEPTED_TEXT = "This token of an identity provider is not valid for this gateway. Get a new one from the provider."
ENDED_TEXT = "This token of the identity provider has expired. Get a new one from the provider."
_TOKEN_START = "ey"  # a JSON object in base64url


class ProviderIdentity(msgspec.Struct, frozen=True):
    """Who a member is at its provider. A member is found by this pair, and by no other claim."""

    issuer: str
    subject: str


class ProviderToken(msgspec.Struct, frozen=True):
    """A checked token. `id` is what its record is called, `jti` its own number (may be empty), `ends` when it is no
    longer accepted."""

    id: str
    identity: ProviderIdentity
    jti: str
    ends: float


class ProviderMember(msgspec.Struct, frozen=True, array_like=True):
    """Whom a checked token stands for. `name` is wanted by a new member; a known one keeps its own."""

    token: ProviderToken
    name: str
    kind: MemberKind
    role: str | None = None
    scopes: tuple[Scope, ...] = ()


def check_still_valid(token: ProviderToken, now: float) -> None:
    if now >= token.ends:
        raise Unauthorized(ENDED_TEXT)


def is_provider_token(token: str) -> bool:
    """Whether this has the form of a JWT. A token of the gateway has no dot."""
    return token.startswith(_TOKEN_START) and token.count(".") == 2
