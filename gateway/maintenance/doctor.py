"""What can be wrong on a machine, looked at one by one, each with its remedy."""

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
from gateway.client.discovery.running_gateway import GATEWAY_FILE, LOCK_FILE, TEAM_RECORD, remedy_in, running_now
from gateway.client.discovery.timeouts import limit_alone
from gateway.client.discovery.token_files import TOKENS_FOLDER
from gateway.client.files.file_ownership import of_ours, too_wide
from gateway.client.files.private_files import check_way, found_at, name_of
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests import Status
from gateway.protocol.results import Health
from gateway.server.startup import DATABASE

SIDE_FILES = ("", "-wal", "-shm")
ENOUGH_DISK = 200 * 1024 * 1024


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    what: str
    ok: bool
    found: str
    remedy: str = ""


async def examine(state: Path) -> list[Finding]:
    return [_python(), _tmux(), *_folder(state), *_database(state), await _gateway(state)]


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    ok = sys.version_info >= (3, 11)
    return Finding("python", ok, version, "" if ok else "Python 3.11 or newer is needed.")


def _tmux() -> Finding:
    path = shutil.which("tmux")
    remedy = "" if path else "Install tmux, or use `groupchat chat` and `groupchat join` in separate terminals."
    return Finding("tmux", path is not None, path or "not found", remedy)


def _folder(state: Path) -> Iterator[Finding]:
    if not state.exists():
        yield Finding("state folder", True, f"{state} does not exist yet; the first start makes it")
        return
    yield _private("state folder", state, 0o700)
    for file in sorted((state / TOKENS_FOLDER).rglob("*")):
        yield from _if_wrong(_private("token folder" if file.is_dir() else "token file", file, _wanted(file)))
    for name in (GATEWAY_FILE, LOCK_FILE, TEAM_RECORD, GATEWAY_SOCKET, *(f"{DATABASE}{end}" for end in SIDE_FILES)):
        if (state / name).exists():
            yield from _if_wrong(_private("private file", state / name, 0o600))
    free = shutil.disk_usage(state).free
    ok = free > ENOUGH_DISK
    yield Finding("disk", ok, f"{free // 1024**2} MB free", "" if ok else "Free some space; messages need it.")


def _wanted(path: Path) -> int:
    return 0o700 if path.is_dir() else 0o600


def _if_wrong(finding: Finding) -> Iterator[Finding]:
    if not finding.ok:
        yield finding


def _private(what: str, path: Path, wanted: int) -> Finding:
    """Whose it is, and who else could read it or put another in its place. Looking changes nothing."""
    us = os.geteuid()
    try:
        check_way(path)
        found = found_at(path, path.stat())
    except (GroupChatError, OSError) as error:
        return Finding(what, False, str(error), "See above: whose it is, and what to do.")
    if wrong := of_ours(found, us, name_of(us)):
        return Finding(what, False, wrong, f"chown {name_of(us)} {path}")
    wide = too_wide(found)
    return Finding(what, not wide, f"{path} ({found.permissions})", f"chmod {wanted:o} {path}" if wide else "")


def _database(state: Path) -> Iterator[Finding]:
    path = state / DATABASE
    if not path.exists():
        return
    try:
        with sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    remedy = f"Restore a backup, or rescue it: sqlite3 {path} .recover | sqlite3 rescued.db"
    yield Finding("database", verdict == "ok", f"{path}: {verdict}", "" if verdict == "ok" else remedy)


async def _gateway(state: Path) -> Finding:
    try:
        running = running_now(state)
        if running is None:
            return Finding("gateway", True, "not running", remedy_in(state))
        async with Client(find_endpoint(limit_alone(os.environ), state=state)) as client:
            health = await client.request(Status(), Health)
    except GroupChatError as error:
        return Finding("gateway", False, error.message, f"Its log says more. {remedy_in(state)}")
    return Finding("gateway", True, f"{running.url}, version {health.version}, {health.members} members")
