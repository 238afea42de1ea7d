"""What `recall` asks of a search by meaning."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from gateway.protocol.results import VectorProgress


class MeaningSearch(Protocol):
    @property
    def progress(self) -> VectorProgress: ...

    async def nearest(self, question: str, rooms: Collection[str] | None) -> list[int]:
        """The messages of these rooms (None: of all) that mean most nearly the same, best first."""
        ...
