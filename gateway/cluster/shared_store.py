"""The store of a log that several gateways share, and what each gateway publishes of itself beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from gateway.store import LogEntry


class PublishedGateway(msgspec.Struct, frozen=True):
    """`behind`: how many events of the log it has not shown yet. `fingerprint`: of its certificate, which the others
    then accept."""

    id: str
    url: str
    decides: bool
    behind: int
    connections: int
    version: str
    fingerprint: str | None = None


@runtime_checkable
class SharedStore(Protocol):
    """Its methods raise StorageFailed while Redis does not answer."""

    @property
    def gateway(self) -> str:
        """The id of this gateway."""
        ...

    @property
    def secret(self) -> str:
        """By which the gateways of this log know each other."""
        ...

    @property
    def holder(self) -> str:
        """The gateway that decided when this one last asked."""
        ...

    async def claim(self) -> bool:
        """Begin to decide, if no other gateway does."""
        ...

    async def hand_over(self) -> None:
        """Let another gateway begin to decide at once."""
        ...

    async def next_entries(self, seconds: float) -> Sequence[LogEntry]:
        """What another gateway has decided since, as soon as there is anything. It can be read then."""
        ...

    async def check_followed(self) -> None:
        """LogReplaced if the log is not the one that this gateway follows, or has lost its end."""
        ...

    @property
    def behind(self) -> int:
        """How many events of the log have not been read here yet."""
        ...

    async def last_seq(self) -> int:
        """Where the log ends now."""
        ...

    async def publish(self, record: bytes, seconds: float) -> None:
        """What the others shall know of this gateway, for so long."""
        ...

    async def decider(self) -> bytes | None:
        """What the gateway that decides has published of itself."""
        ...

    async def published(self) -> Sequence[bytes]:
        """What each gateway has published of itself."""
        ...
