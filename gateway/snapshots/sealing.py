"""How the files of a snapshot are kept: as they are, or sealed to a public key."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

SEALED_SUFFIX = ".sealed"


class SnapshotSeal(Protocol):
    """`recipient` is the fingerprint of the key that opens what this seals; empty for none."""

    @property
    def recipient(self) -> str: ...

    def seal(self, plain: Path, sealed: Path, name: str) -> None:
        """Write a sealed copy of a file, which is `name` in the snapshot."""
        ...


class PlainSeal:
    """Seals nothing: the files of a snapshot are made where they stay."""

    recipient = ""

    def seal(self, plain: Path, sealed: Path, name: str) -> None:
        raise NotImplementedError


PLAIN = PlainSeal()
