"""The page for browsers of the local network, as operations see it; the process of the gateway gives it to the hub."""

from __future__ import annotations

from typing import Protocol

from gateway.protocol.errors import Unavailable
from gateway.protocol.results import LanPage


class LanDoor(Protocol):
    """A listener for the page alone. It is closed when the gateway starts, and ends with it."""

    async def open(self, address: str) -> LanPage:
        """Listen on this address. Opening it once more at the same address tells where it is."""

    async def close(self) -> LanPage | None:
        """Stop listening. Returns what was open."""


class NoLanDoor:
    """For a hub that runs without listeners."""

    async def open(self, address: str) -> LanPage:
        raise Unavailable("This gateway has no listeners, so it cannot open the page to a network.")

    async def close(self) -> LanPage | None:
        return None
