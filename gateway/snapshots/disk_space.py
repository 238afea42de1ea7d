"""Whether the disks have room for a snapshot. One that filled the disk of the log would stop the gateway."""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

from gateway.protocol.errors import StorageFull

LEFT_FOR_LOG_BYTES = 64_000_000  # messages are accepted while a snapshot is taken
DATABASE_SUFFIXES = ("", "-wal")
FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
MEGABYTE = 1_000_000


def missing_space(state: Path, database: Path, folder: Path, *, sealed: bool = False) -> str:
    """A sentence if a snapshot would not fit; else nothing. A sealed one is copied in the state folder first."""
    size = _size_of(database)
    copies = [folder, state] if sealed else [folder]
    for place in copies:
        disk = _disk_of(place)
        kept = LEFT_FOR_LOG_BYTES if _disk_of(database) == disk else 0
        needed = kept + size * sum(_disk_of(one) == disk for one in copies)
        free = shutil.disk_usage(_existing(place)).free
        if free < needed:
            left = f", with the {_megabytes(kept)} that stay free for new messages" if kept else ""
            return f"The disk of {place} has {_megabytes(free)} free, and a snapshot needs {_megabytes(needed)}{left}."
    return ""


@contextlib.contextmanager
def explained_full_disk(folder: Path) -> Iterator[None]:
    """StorageFull instead of the system's error, where the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL_ERRORS:
            raise
        raise full_disk(folder, error) from error


def full_disk(folder: Path, error: BaseException) -> StorageFull:
    return StorageFull(f"There is no room for a snapshot in {folder} ({error}). Free some space there.")


def _megabytes(count: int) -> str:
    return f"{count / MEGABYTE:,.1f} MB"


def _disk_of(path: Path) -> int:
    return _existing(path).stat().st_dev


def _existing(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    return next(one for one in (path, *path.absolute().parents) if one.exists())


def _size_of(database: Path) -> int:
    files = (database.with_name(database.name + end) for end in DATABASE_SUFFIXES)
    return sum(one.stat().st_size for one in files if one.exists())
