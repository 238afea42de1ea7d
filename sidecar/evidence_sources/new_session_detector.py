"""Tells when a vendor has made a file for another conversation: by the time of change of the folder that holds them."""

from __future__ import annotations

import time
from pathlib import Path

SETTLES_WITHIN_S = 2.0  # what is new in the folder may be written a moment after its name


class ChangedFolder:
    """Without a folder nothing ever changes."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._seen = path, 0

    def is_changed(self) -> bool:
        """Since the last call, or so short a time ago that more may follow."""
        if self._path is None:
            return False
        try:
            changed = self._path.stat().st_mtime_ns
        except OSError:
            return False
        if changed == self._seen:
            return False
        if time.time() - changed / 1e9 > SETTLES_WITHIN_S:
            self._seen = changed
        return True
