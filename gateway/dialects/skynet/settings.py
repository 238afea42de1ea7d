"""The settings of the Skynet listener, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.access.rate_limit import Rate
from gateway.protocol.types.core_types import MAX_CONTENT_BYTES

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
HEARTBEAT_S = 30.0


@dataclass(frozen=True)
class SkynetSettings:
    """`host` and `port` hold where `--listen` names no address. `rate` limits the messages of one agent, beside the
    limit that every member has; 0 means no limit of its own."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    token_required: bool = False
    heartbeat_s: float = HEARTBEAT_S
    max_message_bytes: int = MAX_CONTENT_BYTES
    rate: Rate = field(default_factory=lambda: Rate(0, 0))
