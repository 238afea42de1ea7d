"""How the files of a snapshot are sealed, and opened again. Without a key they lie there as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

SEALED_SUFFIX = ".sealed"


class SnapshotSeal(Protocol):
    """`recipient` is the fingerprint of the key that opens what this seals; empty for none."""

    @property
    def recipient(self) -> str: ...

    def seal_in_place(self, path: Path) -> Path:
        """Seal a file of a snapshot that is being made. Returns the file that is there afterwards."""
        ...


class PlainSeal:
    """Seals nothing."""

    recipient = ""

    def seal_in_place(self, path: Path) -> Path:
        return path


PLAIN = PlainSeal()
