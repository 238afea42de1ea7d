"""Verifies a snapshot without restoring it: its manifest, each file's checksum, and the database itself."""

from __future__ import annotations

from pathlib import Path

from gateway.console.progress_bar import ProgressBar
from gateway.protocol.errors import StorageFailed
from gateway.snapshots.checked_files import check_same, checksum_of
from gateway.snapshots.manifest import Manifest, check_schema
from gateway.snapshots.snapshot_folder import read_manifest
from gateway.snapshots.taking import DATABASE_NAME
from gateway.store.schema import MIGRATIONS
from gateway.store.sqlite_copy import check_database, describe_database


def verify_snapshot(snapshot: Path, bar: ProgressBar) -> Manifest:
    """The manifest of a sound snapshot. Of a sealed one the database is not opened: that needs its key."""
    manifest = read_manifest(snapshot)
    check_schema(manifest, len(MIGRATIONS), str(snapshot))
    bar.expect(manifest.size)
    for one in manifest.files:
        path = snapshot / one.name
        check_same(checksum_of(path, one.name, bar.advance), one, path)
    if not manifest.sealed_to:
        check_copy(snapshot / DATABASE_NAME, manifest)
        check_database(snapshot / DATABASE_NAME)
    return manifest


def check_copy(database: Path, manifest: Manifest) -> None:
    """Whether a database holds what the manifest says."""
    facts = describe_database(database)
    if (facts.schema, facts.store_id, facts.last_seq) != (manifest.schema, manifest.store_id, manifest.last_seq):
        raise StorageFailed(f"{database} is not the database that the manifest describes. Use another snapshot.")
