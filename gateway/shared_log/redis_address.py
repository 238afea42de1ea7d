"""Where the Redis is: `redis://[USER@]HOST[:PORT][/DATABASE]`, or `rediss://` for TLS."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, unquote, urlsplit

from gateway.protocol.errors import BadRequest

DEFAULT_PORT = 6379
EXAMPLE = "redis://127.0.0.1:6379/0"


@dataclass(frozen=True)
class RedisAddress:
    """Its text has no password, so it may be shown and logged."""

    host: str
    port: int = DEFAULT_PORT
    database: int = 0
    user: str | None = None
    tls: bool = False
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        return f"redis{'s' if self.tls else ''}://{user}{host}:{self.port}/{self.database}"

    def with_password(self, password: str | None) -> RedisAddress:
        return replace(self, password=password)


def parse_redis_address(text: str) -> RedisAddress:
    try:
        parts = urlsplit(text)
        port = parts.port or DEFAULT_PORT
    except ValueError:
        raise _invalid(text) from None
    if parts.password is not None:
        raise BadRequest(
            "--store has a password in it, which every user of this machine could read. Take it out, and give it with "
            "--store-password-file FILE or in GROUPCHAT_STORE_PASSWORD."
        )
    if not parts.hostname or parts.query or parts.fragment:
        raise _invalid(text)
    user = unquote(parts.username) if parts.username else None
    return RedisAddress(parts.hostname, port, _database_of(parts, text), user, parts.scheme == "rediss")


def _database_of(parts: SplitResult, text: str) -> int:
    number = parts.path.removeprefix("/")
    if number and not (number.isascii() and number.isdigit()):
        raise _invalid(text)
    return int(number or 0)


def _invalid(text: str) -> BadRequest:
    return BadRequest(f"{text[:80]!r} is not a valid address of a Redis. Write it as {EXAMPLE}.")
