"""The gateway of a state folder: what it announced there, whether it lives, and what helps where it does not."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
from pathlib import Path

import msgspec

from gateway.client.files.private_files import open_private, read_private
from gateway.protocol.errors import GroupChatError

GATEWAY_FILE = "gateway.json"
LOCK_FILE = "gateway.lock"
SUPERVISOR_FILE = "gateway.supervisor"  # the process that starts a team's gateway again; it writes this itself
GIVEN_UP_FILE = "gateway.failed"  # why the supervisor of a team's gateway does not start it any more
TEAM_RECORD = "workspace.json"  # `groupchat up` keeps there what it started


class RunningGateway(msgspec.Struct, frozen=True):
    """What a running gateway leaves in its state folder for those who look for it. `listeners` are the further doors
    of `--listen`: a dialect's name, and where it is spoken. `socket` is where our own programs reach it."""

    url: str
    pid: int
    operator: str
    fingerprint: str | None = None
    listeners: dict[str, str] = {}
    socket: str = ""


def read_running(state: Path) -> RunningGateway | None:
    """What stands in the folder. A gateway that was killed has left it behind."""
    try:
        return msgspec.json.decode(read_private(state / GATEWAY_FILE), type=RunningGateway)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def read_live_gateway(state: Path) -> RunningGateway | None:
    """What stands in the folder, if the gateway that wrote it lives."""
    return read_running(state) if has_live_gateway(state) else None


def has_live_gateway(state: Path) -> bool:
    """Whether a gateway lives on this folder now; one that was killed leaves its files but not its lock."""
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
    """The sentence of a supervisor that has given up; nothing as long as it tries."""
    with contextlib.suppress(OSError, GroupChatError):
        return read_private(state / GIVEN_UP_FILE).decode(errors="replace").strip()
    return ""


def start_remedy(state: Path, *, by_option: bool = False, of_a_team: bool = False) -> str:
    """The command that starts the gateway which this user misses."""
    verb = "up" if of_a_team else start_command_name(state)
    return (
        f"{read_supervisor_failure(state)} Start it with `groupchat {verb}{_state_option(state, by_option)}`.".strip()
    )


def silent_gateway_remedy(state: Path, *, by_option: bool = False) -> str:
    """What helps where the gateway lives and does not answer: a frozen one keeps its place from a new one."""
    option = _state_option(state, by_option)
    if (state / TEAM_RECORD).exists():
        return f"If that goes on, `groupchat restart gateway{option}` ends it and starts it anew."
    running = read_running(state)
    process = f" (process {running.pid})" if running is not None else ""
    return f"If that goes on, end it{process} and start it anew with `groupchat serve{option}`."


def _state_option(state: Path, by_option: bool) -> str:
    """Of a command that means this folder, where an option has named it."""
    return f" --state {shlex.quote(str(state))}" if by_option else ""


def start_command_name(state: Path) -> str:
    return "up" if (state / TEAM_RECORD).exists() else "serve"
