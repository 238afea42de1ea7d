"""Checks an installation for faults, each with its remedy."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.client import Client, find_endpoint
from gateway.client.discovery.local_socket import GATEWAY_SOCKET
from gateway.client.discovery.running_gateway import (
    GATEWAY_FILE,
    LOCK_FILE,
    TEAM_RECORD,
    read_live_gateway,
    start_remedy,
)
from gateway.client.discovery.token_files import TOKENS_FOLDER
from gateway.client.timeouts import timeout_environment
from gateway.files.file_ownership import distrust_of_private_path, has_too_wide_mode
from gateway.files.private_files import check_path_owners, ownership_of, user_name_of
from gateway.maintenance.snapshots.snapshot_check import snapshot_verdict
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.connection_requests import Status
from gateway.protocol.results import Health, SnapshotStanding
from gateway.runtime.config import Config
from gateway.server.state_folder.open_store import (
    DATABASE_FILE,
    check_redis,
    read_store_choice,
    with_remembered_store,
)

DATABASE_SUFFIXES = ("", "-wal", "-shm")
MIN_FREE_BYTES = 200 * 1024 * 1024
MAX_BEHIND = 10_000  # events that a gateway may not have shown yet


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    what: str
    ok: bool
    found: str
    remedy: str = ""


async def check_installation(state: Path) -> list[Finding]:
    return [
        _check_python(),
        _check_tmux(),
        *_check_folder(state),
        *_check_database(state / DATABASE_FILE),
        *await _check_redis(state),
        *await _check_gateway(state),
    ]


def _check_python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    ok = sys.version_info >= (3, 11)
    return Finding("python", ok, version, "" if ok else "Python 3.11 or newer is needed.")


def _check_tmux() -> Finding:
    path = shutil.which("tmux")
    remedy = "" if path else "Install tmux, or use `groupchat chat` and `groupchat join` in separate terminals."
    return Finding("tmux", path is not None, path or "not found", remedy)


def _check_folder(state: Path) -> Iterator[Finding]:
    if not state.exists():
        yield Finding("state folder", True, f"{state} does not exist yet; the first start creates it")
        return
    yield _check_private("state folder", state, 0o700)
    for file in sorted((state / TOKENS_FOLDER).rglob("*")):
        yield from _only_if_wrong(
            _check_private("token folder" if file.is_dir() else "token file", file, _wanted_mode(file))
        )
    for name in (
        GATEWAY_FILE,
        LOCK_FILE,
        TEAM_RECORD,
        GATEWAY_SOCKET,
        *(f"{DATABASE_FILE}{end}" for end in DATABASE_SUFFIXES),
    ):
        if (state / name).exists():
            yield from _only_if_wrong(_check_private("private file", state / name, 0o600))
    free = shutil.disk_usage(state).free
    ok = free > MIN_FREE_BYTES
    yield Finding("disk", ok, f"{free // 1024**2} MB free", "" if ok else "Free some space; the message log needs it.")


def _wanted_mode(path: Path) -> int:
    return 0o700 if path.is_dir() else 0o600


def _only_if_wrong(finding: Finding) -> Iterator[Finding]:
    if not finding.ok:
        yield finding


def _check_private(what: str, path: Path, wanted: int) -> Finding:
    """Check the owner of a file, and who else could read or replace it. It changes nothing."""
    us = os.geteuid()
    try:
        check_path_owners(path)
        found = ownership_of(path, path.stat())
    except (GroupChatError, OSError) as error:
        return Finding(what, False, str(error), "See the check above for its owner and the fix.")
    if wrong := distrust_of_private_path(found, us, user_name_of(us)):
        return Finding(what, False, wrong, f"chown {user_name_of(us)} {path}")
    wide = has_too_wide_mode(found)
    return Finding(what, not wide, f"{path} ({found.permissions})", f"chmod {wanted:o} {path}" if wide else "")


async def _check_redis(state: Path) -> list[Finding]:
    """The Redis that keeps the log of this folder's gateway, if one does."""
    try:
        if read_store_choice(state) is None:
            return []
        config = with_remembered_store(Config(state, store_password=os.environ.get("GROUPCHAT_STORE_PASSWORD")))
        return [Finding("redis", True, f"{config.store}: {await check_redis(config)}")]
    except GroupChatError as error:
        return [
            Finding("redis", False, error.message, "Mend it, or name another store with `groupchat serve --store`.")
        ]


def _check_database(path: Path) -> Iterator[Finding]:
    if not path.exists():
        return
    try:
        with sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    remedy = f"Restore a backup, or rescue it: sqlite3 {path} .recover | sqlite3 rescued.db"
    yield Finding("database", verdict == "ok", f"{path}: {verdict}", "" if verdict == "ok" else remedy)


async def _check_gateway(state: Path) -> list[Finding]:
    try:
        running = read_live_gateway(state)
        if running is None:
            return [Finding("gateway", True, "not running", start_remedy(state)), *_check_snapshots(state, None)]
        async with Client(find_endpoint(timeout_environment(os.environ), state=state)) as client:
            health = await client.request(Status(), Health)
    except GroupChatError as error:
        return [Finding("gateway", False, error.message, f"See its log. {start_remedy(state)}")]
    found = Finding("gateway", *_gateway_verdict(running.url, health))
    return [found, *_check_snapshots(state, health.snapshots)]


def _check_snapshots(state: Path, standing: SnapshotStanding | None) -> Iterator[Finding]:
    try:
        if verdict := snapshot_verdict(state, standing):
            yield Finding("snapshots", *verdict)
    except (GroupChatError, OSError) as error:
        yield Finding("snapshots", False, str(error), "Look at the folder of the snapshots.")


def _gateway_verdict(url: str, health: Health) -> tuple[bool, str, str]:
    """Among several gateways of one log: whether one decides, and whether all have seen what it has decided."""
    seen = f"{url}, version {health.version}, {health.members} member{'' if health.members == 1 else 's'}"
    if not health.gateways:
        return True, seen, ""
    decider = next((one.url for one in health.gateways if one.decides), None)
    if decider is None:
        return False, f"{seen}; no gateway of its log decides", "Look at their logs, and at the Redis that they use."
    late = [one.url for one in health.gateways if one.behind > MAX_BEHIND]
    if late:
        return False, f"{seen}; far behind the log: {', '.join(late)}", "See the log of that gateway."
    others = f"; {len(health.gateways)} gateways share its log, {decider} decides" if len(health.gateways) > 1 else ""
    return True, f"{seen}{others}", ""
