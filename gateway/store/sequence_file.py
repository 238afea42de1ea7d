"""Keeps the highest number ever given out in its own file, because a database restored from a backup does not know it.

Each commit writes the file without a sync: after a power failure it may be behind, but the database is not.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

FILE_BYTES = 120


class SequenceFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def highest(self, store_id: str) -> int:
        """The highest number of the store with this id; 0 if unknown."""
        try:
            known, number = self._path.read_text(encoding="ascii").split()
            return int(number) if known == store_id else 0
        except (OSError, ValueError):
            return 0

    def note(self, store_id: str, number: int) -> None:
        """Errors are ignored: a full disk for this file must not keep messages from being sent."""
        with contextlib.suppress(OSError):
            if self._fd is None:
                self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            os.pwrite(self._fd, f"{store_id} {number}".ljust(FILE_BYTES - 1).encode() + b"\n", 0)

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
