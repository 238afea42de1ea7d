"""Takes a snapshot: a copy of the database as one moment saw it, the gateway's own small files, and a manifest."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import gateway
from gateway.client.discovery.rules_files import RULES_FOLDER
from gateway.client.discovery.token_files import TOKENS_FOLDER
from gateway.files.private_files import make_private_folder
from gateway.protocol.errors import NotFound, StorageFull
from gateway.snapshots.checked_files import checksum_of, copy_checked
from gateway.snapshots.disk_space import explained_full_disk, missing_space
from gateway.snapshots.manifest import FORMAT_VERSION, Manifest, SnapshotFile, made_at, snapshot_name
from gateway.snapshots.sealing import PLAIN, SEALED_SUFFIX, SnapshotSeal
from gateway.snapshots.snapshot_folder import held_folder, new_snapshot, remove_left_over, write_manifest
from gateway.store.sqlite_copy import change_store_id, copy_database, describe_database

DATABASE_NAME = "groupchat.db"
FILES_FOLDER = "files"
WORKPLACE_PREFIX = ".snapshot-"
OWN_FOLDERS = (TOKENS_FOLDER, "encryption", "trial-issuer", RULES_FOLDER)

Progress = Callable[[int, int], None]


def ignore_progress(done: int, total: int) -> None:
    """For a snapshot that nobody watches."""


@dataclass(frozen=True)
class SnapshotWish:
    """`store_id` is given where the database is this gateway's copy of a log in Redis: the numbers are that log's."""

    state: Path
    database: Path
    folder: Path
    store_id: str = ""
    seal: SnapshotSeal = PLAIN


def take_snapshot(
    wish: SnapshotWish, now: float, progress: Progress = ignore_progress, pause: Callable[[float], None] = time.sleep
) -> Path:
    """Returns the new snapshot's folder. Nothing that runs is stopped or changed; StorageFull
    leaves nothing behind."""
    if not wish.database.exists():
        raise NotFound(f"There is no {wish.database}, so there is nothing to take a snapshot of.")
    name = snapshot_name(now)
    with (
        explained_full_disk(wish.folder),
        new_snapshot(wish.folder, name) as partial,
        _workplace(wish, partial) as work,
    ):
        if missing := missing_space(wish.state, wish.database, wish.folder, sealed=bool(wish.seal.recipient)):
            raise StorageFull(missing)
        database = work / DATABASE_NAME
        copy_database(wish.database, database, progress, pause=pause)
        if wish.store_id:
            change_store_id(database, wish.store_id)
        facts = describe_database(database)
        _copy_own_files(wish.state, work / FILES_FOLDER)
        files = tuple(_kept_file(work, partial, path, wish.seal) for path in [*_files_below(work)])
        manifest = Manifest(
            format=FORMAT_VERSION,
            made=made_at(now),
            program=gateway.__version__,
            schema=facts.schema,
            store_id=facts.store_id,
            last_seq=facts.last_seq,
            files=files,
            sealed_to=wish.seal.recipient,
        )
        write_manifest(partial, manifest)
    return wish.folder / name


@contextmanager
def _workplace(wish: SnapshotWish, partial: Path) -> Iterator[Path]:
    """Where the copies are made: in the snapshot itself, or, if it is sealed, beside the log, so that the folder of the
    snapshots never holds a plain copy."""
    if not wish.seal.recipient:
        yield partial
        return
    remove_left_over(wish.state, WORKPLACE_PREFIX)
    with tempfile.TemporaryDirectory(prefix=WORKPLACE_PREFIX, dir=wish.state) as work, held_folder(Path(work)):
        yield Path(work)


def _copy_own_files(state: Path, target: Path) -> None:
    """The tokens of this folder's own programs, its keys and its rules. Not what belongs to a running process."""
    for folder in OWN_FOLDERS:
        for path in _files_below(state / folder):
            copy = target / path.relative_to(state)
            make_private_folder(copy.parent)
            wanted = checksum_of(path, str(copy), _uncounted)
            copy_checked(path, copy, wanted, _uncounted)


def _kept_file(work: Path, partial: Path, path: Path, seal: SnapshotSeal) -> SnapshotFile:
    name = str(path.relative_to(work))
    if not seal.recipient:
        return checksum_of(path, name, _uncounted)
    sealed = partial / f"{name}{SEALED_SUFFIX}"
    make_private_folder(sealed.parent)
    seal.seal(path, sealed, name)
    return checksum_of(sealed, f"{name}{SEALED_SUFFIX}", _uncounted)


def _files_below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (path for name in sorted(names) if (path := Path(place) / name).is_file() and not path.is_symlink())


def _uncounted(count: int) -> None:
    """Small beside the database."""
