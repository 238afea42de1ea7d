"""The record of what `up` started, for `down`, `add`, `restart` and the chat."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from controller.team.team import AgentSpec, ChatSpec, LayoutSpec, RoomSpec
from gateway.client.discovery.running_gateway import TEAM_RECORD
from gateway.files.private_files import write_private
from gateway.protocol.errors import NotFound
from gateway.protocol.types.loop_limits import Limits


class StartedProcess(msgspec.Struct, frozen=True):
    pid: int
    started: str = ""


class WorkspaceRecord(msgspec.Struct, frozen=True):
    """`born` distinguishes the session from a later one of the same name, and is empty until all its panes exist;
    `gateway` is there only if we started it. `file`: the team file that was read; `since`: when it was started, in
    seconds of the epoch; `rooms`, `encryption`: those of the team file. Whichever commands look for a team read `team`
    and `file` (gateway.client.discovery.team_discovery)."""

    team: str
    session: str
    born: str
    socket: str | None
    agents: tuple[AgentSpec, ...]
    layout: LayoutSpec
    chat: ChatSpec
    gateway: StartedProcess | None = None
    port: int = 0
    url: str = ""
    rate: float = 50
    burst: float = 100
    limits: Limits = Limits()
    modes: str = ""
    file: str = ""
    since: float = 0
    rooms: tuple[RoomSpec, ...] = ()
    encryption: bool = False


def write_workspace_record(state: Path, record: WorkspaceRecord) -> None:
    write_private(state / TEAM_RECORD, msgspec.json.format(msgspec.json.encode(record).decode()))


def read_workspace_record(state: Path) -> WorkspaceRecord | None:
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((state / TEAM_RECORD).read_bytes(), type=WorkspaceRecord)
    return None


def require_workspace_record(state: Path) -> WorkspaceRecord:
    found = read_workspace_record(state)
    if found is None:
        raise NotFound(f"No team was started with {state}; `groupchat up` starts one.")
    return found


def remove_workspace_record(state: Path) -> None:
    (state / TEAM_RECORD).unlink(missing_ok=True)
