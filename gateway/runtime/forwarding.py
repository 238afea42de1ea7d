"""The way to the gateway that decides, for a gateway that follows. `gateway.cluster` is that way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.access.permissions import Actor
from gateway.access.provider_token_record import ProviderMember
from gateway.protocol.browser_frames import PairDevice
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.request import Request
from gateway.protocol.results import GatewayStanding

FOLLOWING_TEXT = "This gateway follows another one, and this cannot be asked of it. Ask the gateway that decides."


class SharedLog(Protocol):
    """The log and the other gateways that share it."""

    def gateways(self) -> tuple[GatewayStanding, ...]: ...

    async def catch_up(self) -> None:
        """Wait until this gateway shows all that is decided now, or for a second or two."""
        ...


class Forwarder(Protocol):
    """Each answer comes when this gateway has all that was decided before it: whoever asks sees its own change."""

    def forward(self, actor: Actor, request: Request) -> asyncio.Future[Any]: ...

    def greet(self, actor: Actor, request: Hello) -> asyncio.Future[Any]:
        """A member connects here: what its hello changes is decided there."""
        ...

    def admit(self, actor: Actor) -> asyncio.Future[Any]:
        """What the first request of this member changes is decided there."""
        ...

    def admit_identity(self, proven: ProviderMember) -> asyncio.Future[Any]:
        """The token of an identity provider has been checked here: which member it stands for is decided there."""
        ...

    def pair(self, request: PairDevice, origin: str) -> asyncio.Future[Any]: ...

    def note_connections(self, name: str) -> None:
        """The number of this member's connections here has changed."""
        ...

    def note_alive(self, name: str) -> None:
        """This member has made a request here."""
        ...


@dataclass
class Role:
    """`follows`: another gateway decides, and this one only shows what is in the log; `forwarder` is the way there.
    `begins` are called when this one begins to decide. `shared_log` is None where one gateway has its log for
    itself."""

    follows: bool = False
    forwarder: Forwarder | None = None
    begins: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    shared_log: SharedLog | None = None

    def pass_on_by(self, forwarder: Forwarder) -> None:
        self.forwarder = forwarder

    def share(self, log: SharedLog) -> None:
        self.shared_log = log
