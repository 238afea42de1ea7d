"""The job of a client process, and its report."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Role(StrEnum):
    WATCH = "watch"
    SEND = "send"


class Wire(StrEnum):
    FULL = "full"
    SKYNET = "skynet"


class Job(msgspec.Struct, frozen=True):
    """Without tokens the server is a baseline without protocol: it sends each text to everybody. `is_silent`: the
    watchers of another job send. With `interval_s` one message is sent in each, instead of a number in flight. Without
    a `room` it is the default one; `sealed`: the texts go as boxes of so many characters, under its first key."""

    role: Role
    port: int
    sockets: int
    messages: int
    in_flight: int = 1
    size: int = 200
    tokens: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    wire: Wire = Wire.FULL
    is_silent: bool = False
    interval_s: float = 0.0
    room: str = ""
    sealed: bool = False

    @property
    def path(self) -> str:
        if self.wire is Wire.SKYNET:
            return "/ws?agent_id=watcher"
        return "/v1/ws" if self.tokens else "/"


class Report(msgspec.Struct, frozen=True):
    seconds: float
    messages: int
    delivered: int
    lost: int = 0
    out_of_order: int = 0
    latencies: tuple[float, ...] = ()
