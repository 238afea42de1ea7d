"""Members with tokens of identity providers, as the API sees them; the process of the gateway gives it to the hub."""

from __future__ import annotations

from typing import Protocol

from gateway.access.permissions import Actor


class ProviderDoor(Protocol):
    async def identify(self, token: str) -> Actor:
        """The actor that this token stands for. Its first use makes the member, or finds it."""
        ...
