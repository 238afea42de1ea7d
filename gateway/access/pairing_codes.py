"""The codes with which browsers become devices: 128 random bits, kept as a hash, for two minutes, once.

Pure: entropy and time are arguments. A code is found by its hash before anything is limited, and only wrong codes count
against their rate, so they cannot keep a right one out.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass

from gateway.access.rate_limit import Rate, TokenBuckets
from gateway.access.tokens import ENTROPY_BYTES, token_digest
from gateway.protocol.errors import RateLimited, Unauthorized
from gateway.protocol.types.core_types import DeviceScope

CODE_LIFETIME_S = 120.0
MAX_CODES_PER_MEMBER = 5
WRONG_CODE_TEXT = (
    "This code is not valid: it holds for two minutes and once. Ask for a new one with `groupchat web --pair`."
)
WRONG_CODE_RATE = Rate(burst=20, per_second=1)  # of all browsers together: on one machine they share an address
TOO_MANY_WRONG_TEXT = (
    "This code is not valid, and too many wrong ones came before it. Ask for a new one with `groupchat web --pair`; a "
    "right code works at any time."
)


@dataclass(frozen=True)
class PairingGrant:
    """What a code grants: a device of this member with this id. `token` is the token that asked for the code; the code
    ends with it."""

    member: str
    token: str
    scope: DeviceScope
    name: str
    expires: float | None = None  # when the device ends, with the token that asked


@dataclass(frozen=True)
class OpenCode:
    grant: PairingGrant
    device: str
    until: float


class PairingCodes:
    def __init__(self) -> None:
        self._open: dict[str, OpenCode] = {}
        self._wrong = TokenBuckets(WRONG_CODE_RATE)

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, grant: PairingGrant, entropy: bytes, now: float) -> tuple[str, OpenCode]:
        """A new code and what it opens. The oldest codes of the member end if there are too many."""
        if len(entropy) != ENTROPY_BYTES:
            raise ValueError(f"{ENTROPY_BYTES} random bytes are needed, not {len(entropy)}")
        device, code = entropy[:8].hex(), urlsafe_b64encode(entropy[8:24]).decode().rstrip("=")
        self._forget(now, grant.member)
        made = OpenCode(grant, device, now + CODE_LIFETIME_S)
        self._open[token_digest(code)] = made
        return code, made

    def find(self, code: str, now: float) -> OpenCode:
        """What a code opens. All wrong ones are refused with the same text, and more of them than the rate with
        another."""
        found = self._open.get(token_digest(code))
        if found is None or now >= found.until:
            self._count_wrong(now)
            raise Unauthorized(WRONG_CODE_TEXT)
        return found

    def use_up(self, code: str) -> None:
        self._open.pop(token_digest(code), None)

    def _count_wrong(self, now: float) -> None:
        try:
            self._wrong.take("", now)
        except RateLimited as error:
            raise RateLimited(TOO_MANY_WRONG_TEXT, retry_after=error.retry_after) from None

    def _forget(self, now: float, member: str) -> None:
        self._open = {digest: one for digest, one in self._open.items() if now < one.until}
        own = [digest for digest, one in self._open.items() if one.grant.member == member]
        for digest in own[: len(own) - MAX_CODES_PER_MEMBER + 1]:
            del self._open[digest]
