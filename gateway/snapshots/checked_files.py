"""Copies files and computes their checksums in the same pass; what was copied is on disk afterwards."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.protocol.errors import BadRequest
from gateway.snapshots.manifest import SnapshotFile

CHUNK_BYTES = 1024 * 1024

Count = Callable[[int], None]


def checksum_of(path: Path, name: str, count: Count) -> SnapshotFile:
    digest, size = hashlib.sha256(), 0
    for chunk in read_chunks(path):
        digest.update(chunk)
        size += len(chunk)
        count(len(chunk))
    return SnapshotFile(name, size, digest.hexdigest())


def copy_checked(source: Path, target: Path, wanted: SnapshotFile, count: Count) -> None:
    """Copy to a new private file. BadRequest if it is not what the manifest says."""
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        for chunk in read_chunks(source):
            digest.update(chunk)
            file.write(chunk)
            size += len(chunk)
            count(len(chunk))
        file.flush()
        os.fsync(file.fileno())
    check_same(SnapshotFile(wanted.name, size, digest.hexdigest()), wanted, source)


def check_same(found: SnapshotFile, wanted: SnapshotFile, path: Path) -> None:
    if found != wanted:
        raise BadRequest(f"{path} is damaged: it is not the file that was written. Use another snapshot.")


def read_chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except FileNotFoundError:
        raise BadRequest(f"{path} is missing, so this snapshot is damaged. Use another one.") from None


def sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
