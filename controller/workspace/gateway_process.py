"""Starts, finds and restarts the gateway's process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from controller.team import workspace_record
from controller.team.team import AgentSpec, GatewaySpec
from controller.team.workspace_record import StartedProcess, WorkspaceRecord
from controller.workspace.child_processes import CHECK_INTERVAL_S, end_process, is_alive, process_start_time
from controller.workspace.team_location import PrintLine, TeamLocation, print_nothing
from gateway.client.discovery.running_gateway import (
    SUPERVISOR_FILE,
    RunningGateway,
    has_live_gateway,
    read_live_gateway,
    read_running,
)
from gateway.files.private_files import read_private
from gateway.protocol.errors import Conflict, Unavailable
from gateway.protocol.types.loop_limits import Limits

START_TIMEOUT_S = 30.0
GATEWAY_START_TIMEOUT_S = 90.0  # on a machine with much to do, such as one that has just been started
END_TIMEOUT_S = 15.0
SUPERVISOR_COMMAND = (sys.executable, "-P", "-m", "gateway.server.supervisor")


async def start_gateway(
    state: Path,
    port: int,
    wish: GatewaySpec | WorkspaceRecord,
    agents: Sequence[AgentSpec] = (),
    within: float = GATEWAY_START_TIMEOUT_S,
) -> tuple[RunningGateway, StartedProcess]:
    """Start the gateway and its supervisor, which restarts it when it dies. They run in a session of their own, so
    closing the terminal does not end them. The person's name differs from all of `agents`."""
    command = [sys.executable, "-P", "-m", "gateway.cli", "serve", "--json", "--state", str(state), "--port", str(port)]
    limits = ["--rate", str(wish.rate), "--burst", str(wish.burst), *limit_options(wish.limits)]
    limits += ["--agents", ",".join(one.name for one in agents)] if agents else []
    log = state / "gateway.log"
    with log.open("ab") as file:
        log.chmod(0o600)
        process = subprocess.Popen(
            [
                *SUPERVISOR_COMMAND,
                str(state),
                str(log),
                "--",
                *command,
                "--log-file",
                str(log),
                *limits,
                *_modes_options(wish.modes),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
            start_new_session=True,
        )
    assert process.stdout is not None
    started = StartedProcess(process.pid, process_start_time(process.pid))
    try:
        async with asyncio.timeout(within):
            line = await asyncio.to_thread(process.stdout.readline)
    except TimeoutError:
        if await end_process(started.pid, started.started, END_TIMEOUT_S):
            process.wait()
            process.stdout.close()
        raise Unavailable(f"The gateway did not start within {within:g} s: {_last_log_error(log)}") from None
    process.stdout.close()
    running = read_running(state)
    if not line or running is None:
        raise Unavailable(f"The gateway did not start: {_last_log_error(log)}")
    return running, started


def limit_options(limits: Limits) -> list[str]:
    """The limits as options of `serve`. Defaults are left to `serve` and its variables."""
    usual = Limits()
    changed = [name for name in limits.__struct_fields__ if getattr(limits, name) != getattr(usual, name)]
    return [f"--{name.replace('_', '-')}={getattr(limits, name)}" for name in changed]


def _modes_options(folder: str) -> list[str]:
    return ["--modes", folder] if folder else []


def _last_log_error(log: Path) -> str:
    """The last error in the log, as a sentence if possible."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    with contextlib.suppress(ValueError, KeyError, TypeError, IndexError):
        return str(json.loads(lines[-1])["error"]["message"])
    return f"{lines[-1][:300] if lines else 'no output'} ({log})"


def find_supervisor(state: Path) -> StartedProcess | None:
    """The running supervisor of a gateway that an `up` started here, even if that `up` was killed."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        found = msgspec.json.decode(read_private(state / SUPERVISOR_FILE), type=StartedProcess)
        if is_alive(found.pid, found.started):
            return found
    record = workspace_record.read_workspace_record(state)
    known = record.gateway if record is not None else None
    return known if known is not None and is_alive(known.pid, known.started) else None


async def restart_gateway(site: TeamLocation, tell: PrintLine = print_nothing) -> None:
    """Restart on the same port, so that clients reconnect."""
    record = workspace_record.require_workspace_record(site.state)
    supervisor = find_supervisor(site.state) or record.gateway
    if supervisor is None:
        raise Conflict(
            "This gateway was not started by `groupchat up`; restart it where it runs. A service restarts with "
            "`groupchat service install` and the options that it was installed with."
        )
    if not await end_process(supervisor.pid, supervisor.started, END_TIMEOUT_S):
        raise Unavailable(f"The gateway (process {supervisor.pid}) does not end; `groupchat logs gateway` may say why.")
    await wait_until_no_gateway(site.state, END_TIMEOUT_S)
    port = int(record.url.rpartition(":")[2] or record.port)
    running, process = await start_gateway(site.state, port, record, record.agents)
    workspace_record.write_workspace_record(
        site.state, msgspec.structs.replace(record, gateway=process, url=running.url)
    )
    tell(f"the gateway listens at {running.url} again")


async def wait_until_no_gateway(state: Path, seconds: float) -> bool:
    """Whether no gateway runs here any more. A gateway whose supervisor was killed ends by itself a little later."""
    deadline = time.monotonic() + seconds
    while has_live_gateway(state):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(CHECK_INTERVAL_S)
    return True


async def find_restarting_gateway(state: Path, supervisor: StartedProcess | None) -> RunningGateway | None:
    """The gateway that runs here, or that its supervisor is restarting."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while (running := read_live_gateway(state)) is None:
        if supervisor is None or not is_alive(supervisor.pid, supervisor.started) or time.monotonic() > deadline:
            return None
        await asyncio.sleep(CHECK_INTERVAL_S)
    return running
