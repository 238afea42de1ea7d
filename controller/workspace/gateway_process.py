"""The gateway's process: started, found, restarted where it was."""

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

from controller.team import team_record as records
from controller.team.team import AgentSpec, GatewaySpec
from controller.team.team_record import Process, Record
from controller.workspace.child_processes import LOOK_AGAIN, alive, end, started_at
from controller.workspace.team_location import Site, Tell, silent
from gateway.client.discovery.running_gateway import SUPERVISOR_FILE, Running, is_owned, read_running, running_now
from gateway.client.files.private_files import read_private
from gateway.protocol.errors import Conflict, Unavailable
from gateway.protocol.loop_limits import Limits

GATEWAY_WITHIN = 30.0
ENDS_WITHIN = 15.0
SUPERVISE = (sys.executable, "-P", "-m", "gateway.server.supervisor")


async def start_gateway(
    state: Path, port: int, wish: GatewaySpec | Record, agents: Sequence[AgentSpec] = ()
) -> tuple[Running, Process]:
    """The gateway, and its supervisor, which starts it again when it dies. In a session of its own: closing the
    terminal does not end it. The person is called like none of `agents`."""
    command = [sys.executable, "-P", "-m", "gateway.cli", "serve", "--json", "--state", str(state), "--port", str(port)]
    limits = ["--rate", str(wish.rate), "--burst", str(wish.burst), *options(wish.limits)]
    limits += ["--agents", ",".join(one.name for one in agents)] if agents else []
    log = state / "gateway.log"
    with log.open("ab") as file:
        log.chmod(0o600)
        process = subprocess.Popen(
            [
                *SUPERVISE,
                str(state),
                str(log),
                "--",
                *command,
                "--log-file",
                str(log),
                *limits,
                *_modes(wish.modes),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=file,
            start_new_session=True,
        )
    assert process.stdout is not None
    line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), GATEWAY_WITHIN)
    process.stdout.close()
    running = read_running(state)
    if not line or running is None:
        raise Unavailable(f"The gateway did not start: {_last_words(log)}")
    return running, Process(process.pid, started_at(process.pid))


def options(limits: Limits) -> list[str]:
    """As `serve` takes them. What is as ever is left to it, and to its variables."""
    usual = Limits()
    changed = [name for name in limits.__struct_fields__ if getattr(limits, name) != getattr(usual, name)]
    return [f"--{name.replace('_', '-')}={getattr(limits, name)}" for name in changed]


def _modes(folder: str) -> list[str]:
    return ["--modes", folder] if folder else []


def _last_words(log: Path) -> str:
    """The error that it wrote last, as a sentence if it was one."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    with contextlib.suppress(ValueError, KeyError, TypeError, IndexError):
        return str(json.loads(lines[-1])["error"]["message"])
    return f"{lines[-1][:300] if lines else 'it said nothing'} ({log})"


def supervisor_of(state: Path) -> Process | None:
    """The living supervisor of a gateway that some `up` started here, also of one that was killed at it."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        found = msgspec.json.decode(read_private(state / SUPERVISOR_FILE), type=Process)
        if alive(found.pid, found.started):
            return found
    record = records.recall(state)
    known = record.gateway if record is not None else None
    return known if known is not None and alive(known.pid, known.started) else None


async def restart_gateway(site: Site, tell: Tell = silent) -> None:
    """On the same port: whoever was connected finds it again."""
    record = records.recalled(site.state)
    supervisor = supervisor_of(site.state) or record.gateway
    if supervisor is None:
        raise Conflict("This gateway was not started by `groupchat up`; restart it where it runs.")
    if not await end(supervisor.pid, supervisor.started, ENDS_WITHIN):
        raise Unavailable(f"The gateway (process {supervisor.pid}) does not end; `groupchat logs gateway`.")
    await left(site.state, ENDS_WITHIN)
    port = int(record.url.rpartition(":")[2] or record.port)
    running, process = await start_gateway(site.state, port, record, record.agents)
    records.keep(site.state, msgspec.structs.replace(record, gateway=process, url=running.url))
    tell(f"the gateway listens at {running.url} again")


async def left(state: Path, seconds: float) -> bool:
    """Whether no gateway lives here any more; one whose supervisor was killed ends by itself, a little later."""
    deadline = time.monotonic() + seconds
    while is_owned(state):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_AGAIN)
    return True


async def coming_back(state: Path, supervisor: Process | None) -> Running | None:
    """The gateway that lives here, or that its supervisor is just starting again."""
    deadline = time.monotonic() + GATEWAY_WITHIN
    while (running := running_now(state)) is None:
        if supervisor is None or not alive(supervisor.pid, supervisor.started) or time.monotonic() > deadline:
            return None
        await asyncio.sleep(LOOK_AGAIN)
    return running
