"""Restores a snapshot into a state folder, and lets the log go on without giving a number twice.

Numbers that were given out after the snapshot are lost with their messages, but clients remember them. So new messages
are numbered above them: above the highest number that the replaced folder knew, or, where it is gone, far above.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.console.progress_bar import ProgressBar
from gateway.files.private_files import make_private_folder
from gateway.maintenance.snapshots.snapshot_opening import AS_IT_IS, SnapshotOpening
from gateway.maintenance.snapshots.verification import check_copy
from gateway.model.rule_outcome import RuleOutcome
from gateway.model.sequence_numbers import SKIPPED_NUMBERS
from gateway.model.system_messages import room_notice
from gateway.protocol.errors import BadRequest, StorageFailed
from gateway.protocol.results import Done
from gateway.protocol.text.printable_text import local_time_text
from gateway.runtime.config import Config
from gateway.server.state_folder.open_hub import open_hub
from gateway.server.state_folder.open_store import (
    CHOICE_FILE,
    COPY_FILE,
    DATABASE_FILE,
    DATABASE_SIDE_SUFFIXES,
    SEQUENCE_FILE,
)
from gateway.server.state_folder.state_lock import lock_database, lock_state_folder
from gateway.snapshots.checked_files import copy_checked, sync_folder
from gateway.snapshots.manifest import Manifest, check_schema, snapshot_name
from gateway.snapshots.snapshot_folder import read_manifest
from gateway.snapshots.taking import DATABASE_NAME, FILES_FOLDER
from gateway.store.schema import MIGRATIONS
from gateway.store.sequence_file import SequenceFile
from gateway.store.sqlite_copy import change_store_id, describe_database

REPLACED_PREFIX = "before-restore-"
PREPARED_PREFIX = ".restoring-"
STORE_ID_BYTES = 16
MAX_TOLD_ROOMS = 100


@dataclass(frozen=True)
class RestoreWish:
    """`replaces`: the state folder has a log already, which is put aside. `as_copy`: the log gets an id of its own, so
    that it can live beside the one that the snapshot was taken from."""

    snapshot: Path
    state: Path
    replaces: bool = False
    as_copy: bool = False
    opening: SnapshotOpening = AS_IT_IS


@dataclass(frozen=True)
class RestoredNumbers:
    """The log ends at `last_seq`; the next number is above `given`."""

    last_seq: int
    given: int


@dataclass(frozen=True)
class Restored:
    """`put_aside`: where the replaced log lies."""

    snapshot: str
    made: str
    state: str
    numbers: RestoredNumbers
    is_copy: bool = False
    put_aside: str | None = None


def restore_files(wish: RestoreWish, now: float, bar: ProgressBar) -> Restored:
    """Everything is copied and checked before anything is replaced. An interrupted restore has changed nothing, or is
    done again."""
    manifest = read_manifest(wish.snapshot)
    check_schema(manifest, len(MIGRATIONS), str(wish.snapshot))
    bar.expect(manifest.size)
    with _locked(wish.state), _prepared(wish.state) as prepared:
        _check_place(wish)
        _copy_files(wish, manifest, prepared, bar)
        check_copy(prepared / DATABASE_NAME, manifest)
        store_id, given = _identity_of(wish, manifest)
        if wish.as_copy:
            change_store_id(prepared / DATABASE_NAME, store_id)
        aside = _put_aside(wish.state, now)
        _note_numbers(wish.state, store_id, given)  # before there is a log that could give one out
        _move_in(prepared, wish.state)
    numbers = RestoredNumbers(manifest.last_seq, given)
    return Restored(str(wish.snapshot), manifest.made, str(wish.state), numbers, wish.as_copy, aside)


async def announce(config: Config, restored: Restored) -> None:
    """Open the restored log, as the gateway will, and say in its rooms what is lost."""
    async with open_hub(config) as hub:
        context = {"restored": {"last_seq": restored.numbers.last_seq, "given": restored.numbers.given}}
        rooms = sorted(name for name, record in hub.state.rooms.items() if not record.removed)[:MAX_TOLD_ROOMS]
        facts = tuple(room_notice(room, _notice_of(restored), hub.rule_context(), context) for room in rooms)
        await hub.carry_out(RuleOutcome(Done(), facts))


def _notice_of(restored: Restored) -> str:
    when = local_time_text(restored.made, "%Y-%m-%d %H:%M", restored.made)
    if restored.is_copy:
        return f"This log is a copy, made from the snapshot of {when}."
    numbers = restored.numbers
    return (
        f"This log was restored from the snapshot of {when}. What came after #{numbers.last_seq} is lost; new messages "
        f"are numbered above #{numbers.given}."
    )


@contextmanager
def _locked(state: Path) -> Iterator[None]:
    """Refuse a folder that a running gateway owns."""
    with ExitStack() as stack:
        stack.enter_context(lock_state_folder(state))
        stack.enter_context(lock_database(state / DATABASE_FILE))
        yield


@contextmanager
def _prepared(state: Path) -> Iterator[Path]:
    for left_over in state.glob(f"{PREPARED_PREFIX}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    folder = make_private_folder(state / f"{PREPARED_PREFIX}{os.getpid()}")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_place(wish: RestoreWish) -> None:
    if (wish.state / CHOICE_FILE).exists():
        raise BadRequest(
            f"The log of {wish.state} is in Redis, and a snapshot is a log in SQLite. Restore it into a new folder "
            "with --state."
        )
    if (wish.state / DATABASE_FILE).exists() and not wish.replaces:
        raise BadRequest(
            f"{wish.state} has a log already. Name a new folder with --state, or put that log aside with --replace."
        )


def _copy_files(wish: RestoreWish, manifest: Manifest, prepared: Path, bar: ProgressBar) -> None:
    for one in manifest.files:
        target = prepared / one.name
        make_private_folder(target.parent)
        copy_checked(wish.snapshot / one.name, target, one, bar.advance)
    wish.opening.open_in_place(prepared, manifest)


def _identity_of(wish: RestoreWish, manifest: Manifest) -> tuple[str, int]:
    """The id of the restored log, and the highest number that counts as given out."""
    if wish.as_copy:
        return secrets.token_hex(STORE_ID_BYTES), manifest.last_seq
    return manifest.store_id, _highest_number(wish.state, manifest)


def _highest_number(state: Path, manifest: Manifest) -> int:
    """The highest number that was ever given out, if the replaced folder is of the same log; else a number that is
    probably higher."""
    known = SequenceFile(state / SEQUENCE_FILE).highest(manifest.store_id)
    with contextlib.suppress(StorageFailed):
        if (state / DATABASE_FILE).exists():
            facts = describe_database(state / DATABASE_FILE)
            known = max(known, facts.last_seq if facts.store_id == manifest.store_id else 0)
    return max(known, manifest.last_seq) if known else manifest.last_seq + SKIPPED_NUMBERS


def _put_aside(state: Path, now: float) -> str | None:
    """Move the replaced log away. Its newest part (`-wal`) goes first: it must never meet another database."""
    names = [f"{file}{end}" for file in (DATABASE_FILE, COPY_FILE) for end in (*DATABASE_SIDE_SUFFIXES, "")]
    names = [name for name in (*names, SEQUENCE_FILE) if (state / name).exists()]
    if not (state / DATABASE_FILE).exists():
        return None
    aside = make_private_folder(state / f"{REPLACED_PREFIX}{snapshot_name(now)}")
    for name in names:
        (state / name).rename(aside / name)
    sync_folder(aside)
    sync_folder(state)
    return str(aside)


def _move_in(prepared: Path, state: Path) -> None:
    own = prepared / FILES_FOLDER
    for path in sorted(own.rglob("*")):
        if path.is_file():
            target = state / path.relative_to(own)
            make_private_folder(target.parent)
            path.replace(target)
    (prepared / DATABASE_NAME).replace(state / DATABASE_FILE)
    sync_folder(state)


def _note_numbers(state: Path, store_id: str, given: int) -> None:
    numbers = SequenceFile(state / SEQUENCE_FILE)
    numbers.note(store_id, given)
    numbers.close()
