"""What can be wrong on a machine, looked at one by one, each with its remedy."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.client import Client, find_endpoint
from gateway.client.endpoint import TOKENS_FOLDER
from gateway.client.running import remedy_in, running_now
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests import Status
from gateway.protocol.results import Health
from gateway.server import DATABASE

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
    mode = stat.S_IMODE(state.stat().st_mode)
    private = mode & 0o077 == 0
    yield Finding("state folder", private, f"{state} ({mode:o})", "" if private else f"chmod 700 {state}")
    for file in sorted((state / TOKENS_FOLDER).glob("*")):
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            yield Finding("token file", False, f"{file} ({mode:o})", f"chmod 600 {file}")
    free = shutil.disk_usage(state).free
    ok = free > ENOUGH_DISK
    yield Finding("disk", ok, f"{free // 1024**2} MB free", "" if ok else "Free some space; messages need it.")


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
        async with Client(find_endpoint({}, state=state)) as client:
            health = await client.request(Status(), Health)
    except GroupChatError as error:
        return Finding("gateway", False, error.message, f"Its log says more. {remedy_in(state)}")
    return Finding("gateway", True, f"{running.url}, version {health.version}, {health.members} members")
