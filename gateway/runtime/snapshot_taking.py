"""The snapshots that a gateway takes by itself, as its health and its metrics see them."""

from __future__ import annotations

from typing import Protocol

from gateway.protocol.results import SnapshotStanding


class SnapshotTaking(Protocol):
    def standing(self) -> SnapshotStanding:
        """When the newest one was taken, and what went wrong since."""
        ...
