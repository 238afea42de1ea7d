"""The folder that holds snapshots: what is in it, what is removed from it, and how one appears there at once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.files.private_files import make_private_folder
from gateway.protocol.errors import BadRequest, GroupChatError
from gateway.snapshots.checked_files import sync_folder
from gateway.snapshots.manifest import (
    MANIFEST_FILE,
    NAME_PREFIX,
    PARTIAL_PREFIX,
    Manifest,
    encode_manifest,
    outdated_names,
    parse_manifest,
)

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
SNAPSHOTS_SUFFIX = "-snapshots"


def default_folder(state: Path) -> Path:
    """Beside the state folder, so that what removes that one leaves the snapshots."""
    return state.with_name(state.name + SNAPSHOTS_SUFFIX)


def read_manifest(snapshot: Path) -> Manifest:
    path = snapshot / MANIFEST_FILE
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_MANIFEST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise BadRequest(f"{snapshot} is not a snapshot: it has no {MANIFEST_FILE}.") from None
    except OSError as error:
        raise BadRequest(f"{path} cannot be read ({error.strerror}).") from error
    return parse_manifest(raw, str(snapshot))


def list_snapshots(folder: Path) -> list[tuple[Path, Manifest | GroupChatError]]:
    """All snapshots, oldest first; a damaged manifest is listed with what is wrong."""
    found: list[tuple[Path, Manifest | GroupChatError]] = []
    for path in sorted(folder.glob(f"{NAME_PREFIX}*")) if folder.is_dir() else ():
        try:
            found.append((path, read_manifest(path)))
        except GroupChatError as error:
            found.append((path, error))
    return found


def is_of_log(found: Manifest | GroupChatError, store_id: str) -> bool:
    return isinstance(found, Manifest) and found.store_id == store_id


@contextmanager
def new_snapshot(folder: Path, name: str) -> Iterator[Path]:
    """A folder to fill, with its manifest last. It gets its name when the block ends, and vanishes if the block fails:
    there is never half a snapshot. What a killed process left is removed."""
    make_private_folder(folder)
    remove_left_over(folder, PARTIAL_PREFIX)
    partial = folder / f"{PARTIAL_PREFIX}{name}"
    partial.mkdir(mode=0o700)
    try:
        with held_folder(partial):
            yield partial
            sync_folder(partial)
            partial.rename(folder / name)
            sync_folder(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def write_manifest(partial: Path, manifest: Manifest) -> None:
    with os.fdopen(os.open(partial / MANIFEST_FILE, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(encode_manifest(manifest))
        file.flush()
        os.fsync(file.fileno())


def remove_outdated(folder: Path, keep: int, store_id: str) -> list[str]:
    """Keep the newest ones of this log. Those of another log stay: they may be all that is left of it. Returns the
    names of those that were removed."""
    own = (path.name for path, found in list_snapshots(folder) if is_of_log(found, store_id))
    names = outdated_names(own, keep)
    for name in names:
        gone = (folder / name).rename(folder / f"{PARTIAL_PREFIX}old-{name}")  # out of the list at once
        shutil.rmtree(gone, ignore_errors=True)
    return list(names)


def remove_left_over(folder: Path, prefix: str) -> None:
    """The folders of killed processes; not those that a process still fills."""
    for path in folder.glob(f"{prefix}*"):
        with contextlib.suppress(BlockingIOError, FileNotFoundError), held_folder(path):
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """While a process fills a folder it holds its lock; the lock ends with the process."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
