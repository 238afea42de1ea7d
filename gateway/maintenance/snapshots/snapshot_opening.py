"""How the copied files of a snapshot become readable: as they are, or with the key that they were sealed to."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from gateway.protocol.errors import Forbidden
from gateway.snapshots.manifest import Manifest


class SnapshotOpening(Protocol):
    def open_in_place(self, folder: Path, manifest: Manifest) -> None:
        """Replace each sealed file below this folder by what is in it."""
        ...


class AsItIs:
    """For a snapshot that is not sealed."""

    def open_in_place(self, folder: Path, manifest: Manifest) -> None:
        if manifest.sealed_to:
            raise Forbidden(
                f"This snapshot is sealed to the key {manifest.sealed_to}. Name the private key with --key FILE."
            )


AS_IT_IS = AsItIs()
