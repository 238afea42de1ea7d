"""A log that cannot fill the disk: this file and one older one, each at most so long. A full disk stops nothing."""

from __future__ import annotations

import contextlib
import os
from io import TextIOBase
from pathlib import Path
from typing import TextIO

MOST = 2_000_000


class CappedLog(TextIOBase):
    """For whoever writes lines. Only its owner may read it."""

    def __init__(self, path: Path, most: int = MOST) -> None:
        super().__init__()
        self._path, self._most = path, most
        self._file = self._opened()

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            if self._size + len(text) > self._most:
                self._begin_anew()
            self._size += len(text)
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()

    def close(self) -> None:
        super().close()
        with contextlib.suppress(OSError):
            self._file.close()

    def _begin_anew(self) -> None:
        self._file.close()
        self._path.replace(self._path.with_name(f"{self._path.name}.old"))
        self._file = self._opened()

    def _opened(self) -> TextIO:
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(fd).st_size
        return os.fdopen(fd, "a", encoding="utf-8", errors="replace", buffering=1)
