"""The gateway of a state folder: the address that it published there, whether it runs, and what to do if not."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
from pathlib import Path

import msgspec

from gateway.files.private_files import open_private, read_private
from gateway.protocol.errors import GroupChatError

GATEWAY_FILE = "gateway.json"
LOCK_FILE = "gateway.lock"
SUPERVISOR_FILE = "gateway.supervisor"  # the process that restarts a team's gateway; it writes this file itself
GIVEN_UP_FILE = "gateway.failed"  # why the supervisor has stopped restarting a team's gateway
TEAM_RECORD = "workspace.json"  # where `groupchat up` records what it started


class RunningGateway(msgspec.Struct, frozen=True):
    """What a running gateway publishes in its state folder. `listeners` are the further listeners of `--listen`: a
    dialect's name, and its address. `socket` is where our own programs connect."""

    url: str
    pid: int
    operator: str
    fingerprint: str | None = None
    listeners: dict[str, str] = {}
    socket: str = ""


def read_running(state: Path) -> RunningGateway | None:
    """The record in the folder. A killed gateway leaves it behind."""
    try:
        return msgspec.json.decode(read_private(state / GATEWAY_FILE), type=RunningGateway)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def read_live_gateway(state: Path) -> RunningGateway | None:
    """The record in the folder, if the gateway that wrote it still runs."""
    return read_running(state) if has_live_gateway(state) else None


def has_live_gateway(state: Path) -> bool:
    """Whether a gateway runs on this folder now. A killed one leaves its files, but not its lock."""
    try:
        handle = open_private(state / LOCK_FILE, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def read_supervisor_failure(state: Path) -> str:
    """Why the supervisor has given up; empty while it still tries."""
    with contextlib.suppress(OSError, GroupChatError):
        return read_private(state / GIVEN_UP_FILE).decode(errors="replace").strip()
    return ""


def start_remedy(state: Path, *, by_option: bool = False, of_a_team: bool = False) -> str:
    """The command that starts the missing gateway."""
    verb = "up" if of_a_team else start_command_name(state)
    return (
        f"{read_supervisor_failure(state)} Start it with `groupchat {verb}{_state_option(state, by_option)}`.".strip()
    )


def silent_gateway_remedy(state: Path, *, by_option: bool = False) -> str:
    """What to do if the gateway runs and does not answer: a frozen gateway holds the lock, so a new
    one cannot start."""
    option = _state_option(state, by_option)
    if (state / TEAM_RECORD).exists():
        return f"If that goes on, `groupchat restart gateway{option}` ends it and starts it anew."
    running = read_running(state)
    process = f" (process {running.pid})" if running is not None else ""
    return f"If that goes on, end it{process} and start it anew with `groupchat serve{option}`."


def _state_option(state: Path, by_option: bool) -> str:
    """The `--state` option for a suggested command, if an option has named the folder."""
    return f" --state {shlex.quote(str(state))}" if by_option else ""


def start_command_name(state: Path) -> str:
    return "up" if (state / TEAM_RECORD).exists() else "serve"
