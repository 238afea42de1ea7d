"""A log that cannot fill the disk: this file and one older one, each at most so long. A full disk stops nothing."""

from __future__ import annotations

import contextlib
import os
from io import TextIOBase
from pathlib import Path

MAX_FILE_BYTES = 2_000_000


class CappedLog(TextIOBase):
    """For whoever writes lines. Only its owner may read it. `takes` is a descriptor that shall lead there too, such as
    standard error: what is written to it by others is counted."""

    def __init__(self, path: Path, most: int = MAX_FILE_BYTES, *, takes: int | None = None) -> None:
        super().__init__()
        self._path, self._most, self._takes = path, most, takes
        self._fd = self._opened()

    def write(self, text: str) -> int:
        data = text.encode(errors="replace")
        with contextlib.suppress(OSError):
            size = os.fstat(self._fd).st_size
            if size and size + len(data) > self._most:
                self._begin_anew()
            os.write(self._fd, data[: self._most])
        return len(text)

    def close(self) -> None:
        if not self.closed:
            super().close()
            with contextlib.suppress(OSError):
                os.close(self._fd)

    def _begin_anew(self) -> None:
        self._path.replace(self._path.with_name(f"{self._path.name}.old"))
        older, self._fd = self._fd, self._opened()
        os.close(older)

    def _opened(self) -> int:
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if self._takes is not None:
            os.dup2(fd, self._takes)
        return fd
