"""Requests about a connection and the gateway itself: start and end, missed events, state."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.protocol.requests.request import (
    Address,
    Limit,
    Priority,
    Request,
    Seq,
    ShortText,
)
from gateway.protocol.types.core_types import (
    MAX_CAPABILITIES,
)


class Hello(Request, frozen=True, tag="hello"):
    """Start a connection. It is the first request on every socket. `version` is the newest version the client speaks;
    the welcome names the version in use. `since` replays the events after that seq. `inbox` keeps a delivery for each
    message to you, as a sidecar needs. `echo` also sends you your own messages. Without `rooms` you join the default
    room. `known` is the highest seq you have seen from the store with the id `house`: a store restored from a backup
    then continues above it and does not use a number twice. `vendor` says who reads what you read, such as the company
    whose model answers; an empty one takes that back."""

    version: int = 1
    since: Seq | None = None
    inbox: bool = False
    echo: bool = False
    rooms: Annotated[tuple[Address, ...], Meta(max_length=1000)] = ()
    role: str | None = None
    project: ShortText | None = None
    display: ShortText | None = None
    priority: Priority | None = None
    capabilities: Annotated[tuple[ShortText, ...], Meta(max_length=MAX_CAPABILITIES)] = ()
    store_id: Annotated[str, Meta(max_length=64)] = msgspec.field(default="", name="house")
    known: Seq = 0
    vendor: ShortText | None = None


class Events(Request, frozen=True, tag="events"):
    """List the events after a seq, for clients that poll instead of reading a stream."""

    since: Seq = 0
    limit: Limit = 500
    wait: Annotated[float, Meta(ge=0, le=60)] = 0


class Bye(Request, frozen=True, tag="bye"):
    """Leave the chat. You no longer appear in lists; your name and your waiting messages are kept."""


class Status(Request, frozen=True, tag="status"):
    """Get the state of the gateway."""


class Stats(Request, frozen=True, tag="stats"):
    """Get the figures of the gateway's traffic, and those of each member that you may see."""


class Ping(Request, frozen=True, tag="ping"):
    """Check that the gateway answers, and get its time."""


class OpenLanPage(Request, frozen=True, tag="lan.open"):
    """Open the page to the local network, at one address of a private network that the gateway's machine has, until the
    gateway ends or `lan.close`. Only the page, pairing and paired browsers are served there, over TLS."""

    address: Annotated[str, Meta(max_length=64)]


class CloseLanPage(Request, frozen=True, tag="lan.close"):
    """Close the page to the local network. Its open connections end."""
