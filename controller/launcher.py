"""Starts and ends what a team needs: the gateway, then the session. Each is waited for by a sign that it is ready."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.workspace import PanePlan, Workspace
from gateway.client import Client, find_endpoint, state_folder
from gateway.client.endpoint import Running, private_folder, read_running
from gateway.protocol.errors import TimedOut, Unavailable
from gateway.protocol.nouns import Activity, Presence
from gateway.protocol.requests import Members
from gateway.protocol.results import MemberList

READY_WITHIN = 30.0
LOOK_AGAIN = 0.05


@dataclass(frozen=True)
class AgentPlan:
    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Team:
    """What to start, and where."""

    state: Path
    agents: tuple[AgentPlan, ...]
    port: int = 0
    socket: str | None = None


DEMO = AgentPlan("demo", (sys.executable, "-P", "-m", "sidecar.demo_agent"))


KNOWN_CLIS = ("claude", "gemini", "codex")


def agents_for(demo: bool) -> tuple[AgentPlan, ...]:
    """The CLIs on this machine, as their users start them; without any, the demo agent."""
    found = tuple(AgentPlan(name, (name,)) for name in KNOWN_CLIS if shutil.which(name))
    return (DEMO,) if demo or not found else found


async def up(team: Team) -> Running:
    running = read_running(team.state)
    if running is None or not _alive(running.pid):
        running = await _start_gateway(team)
    me = [sys.executable, "-P", "-m"]
    environment = {"GROUPCHAT_STATE": str(team.state)}
    agents = [PanePlan(one.name, (*me, "sidecar.cli", "join", one.name, "--", *one.command)) for one in team.agents]
    chat = PanePlan("chat", (*me, "controller.cli", "chat"))
    await asyncio.to_thread(Workspace(socket=team.socket).build, chat, agents, environment)
    await _until_ready(team)
    return running


async def _start_gateway(team: Team) -> Running:
    """A process of its own session: closing the terminal does not end it."""
    private_folder(team.state)
    command = [sys.executable, "-P", "-m", "gateway.cli", "serve", "--json"]
    with (team.state / "gateway.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--state", str(team.state), "--port", str(team.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert process.stdout is not None
    line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), READY_WITHIN)
    process.stdout.close()
    if not line:
        raise Unavailable(f"The gateway did not start; {team.state / 'gateway.log'} says why.")
    json.loads(line)
    running = read_running(team.state)
    assert running is not None
    return running


async def _until_ready(team: Team) -> None:
    """Every agent is here and has shown what it is doing."""
    wanted = {one.name for one in team.agents}
    deadline = time.monotonic() + READY_WITHIN
    async with Client(find_endpoint({}, state=team.state)) as client:
        while time.monotonic() < deadline:
            found = await client.request(Members(), MemberList)
            ready = {
                one.name
                for one in found.agents
                if one.presence is Presence.ONLINE and one.activity not in (Activity.UNKNOWN, Activity.STARTING)
            }
            if wanted <= ready:
                return
            await asyncio.sleep(LOOK_AGAIN)
    missing = ", ".join(sorted(wanted - ready))
    raise TimedOut(f"{missing} did not become ready within {READY_WITHIN:g} s; `groupchat attach` shows the panes.")


def down(state: Path, socket: str | None) -> list[str]:
    """End the session and the gateway of this state folder, and nothing else."""
    ended: list[str] = []
    workspace = Workspace(socket=socket)
    if workspace.exists():
        workspace.kill()
        ended.append("session")
    running = read_running(state)
    if running is not None and _alive(running.pid):
        os.kill(running.pid, signal.SIGTERM)
        _wait_gone(running.pid)
        ended.append("gateway")
    return ended


def _wait_gone(pid: int) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, IndexError):
        return False


def plan(state: str | None, agents: Sequence[AgentPlan], port: int, socket: str | None) -> Team:
    return Team(state_folder(os.environ, state), tuple(agents), port, socket)
