"""What a client process is asked to do, and what it reports."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Role(StrEnum):
    WATCH = "watch"
    SEND = "send"


class Job(msgspec.Struct, frozen=True):
    """Without tokens the server is a baseline that speaks no protocol: text in, the same text to everybody."""

    role: Role
    port: int
    sockets: int
    messages: int
    in_flight: int = 1
    size: int = 200
    tokens: tuple[str, ...] = ()
    to: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return "/v1/ws" if self.tokens else "/"


class Report(msgspec.Struct, frozen=True):
    seconds: float
    messages: int
    delivered: int
    lost: int = 0
    out_of_order: int = 0
    latencies: tuple[float, ...] = ()
