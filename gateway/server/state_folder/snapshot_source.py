"""What a snapshot of a state folder copies: the log itself, or this gateway's copy of a log in Redis."""

from __future__ import annotations

from pathlib import Path

from gateway.runtime.config import Config
from gateway.server.state_folder.open_store import database_of, is_in_redis, with_remembered_store
from gateway.snapshots.sealing import PLAIN, SnapshotSeal
from gateway.snapshots.taking import SnapshotWish


def snapshot_source(config: Config, folder: Path, seal: Path | None = None) -> SnapshotWish:
    """A copy of a log in Redis has an id of its own, but its numbers belong to that log. `seal` is a file with the
    public key that the snapshot is sealed to."""
    database = database_of(config)
    store_id = _copied_log_id(database) if is_in_redis(with_remembered_store(config)) and database.exists() else ""
    return SnapshotWish(config.state, database, folder, store_id, _seal_of(seal) if seal else PLAIN)


def _seal_of(file: Path) -> SnapshotSeal:
    from gateway.snapshots.file_sealing import read_seal

    return read_seal(file)


def _copied_log_id(database: Path) -> str:
    from gateway.shared_log.projection import log_id_of_copy

    return log_id_of_copy(database)
