"""Explains why a gateway cannot start, with a remedy: a full disk, a folder that is not writable."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from gateway.protocol.errors import GroupChatError, StorageFailed, StorageFull

DISK_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def explain_start_errors(folder: Path) -> Iterator[None]:
    """Turn an error of the operating system during the start into a sentence."""
    try:
        yield
    except OSError as error:
        raise start_error(folder, error) from error


def start_error(folder: Path, error: OSError) -> GroupChatError:
    where = error.filename or folder
    if error.errno in DISK_FULL_ERRORS:
        return StorageFull(
            f"There is no room for {where} ({error.strerror}). Nothing was lost. Free some space there and start "
            "again, or give this gateway another folder with --state."
        )
    return StorageFailed(
        f"{where} cannot be used ({error.strerror or error}). Make {folder} writable for this user, or give "
        "this gateway another folder with --state."
    )
