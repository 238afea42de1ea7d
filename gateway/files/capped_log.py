"""A log of bounded size: the current file and one older one. A full disk stops nothing."""

from __future__ import annotations

import contextlib
import os
from io import TextIOBase
from pathlib import Path

MAX_FILE_BYTES = 2_000_000


class CappedLog(TextIOBase):
    """A stream for log lines, readable only by its owner. `takes` is a descriptor that is redirected to it too, such as
    standard error; what others write to it counts towards the limit."""

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
