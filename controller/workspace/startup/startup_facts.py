"""Gathers facts of this machine: those that the preflight checks, the team file, the person's settings."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from controller.team.preflight import AgentRequirements, MachineFacts, Program
from controller.team.team import (
    FIRST_CLIS,
    FURTHER_CLIS,
    AgentSpec,
    Team,
    TeamOptions,
    build_team_spec,
    parse_settings,
    parse_team,
)
from controller.team.toml_reader import TeamError
from controller.tmux.session import is_new_enough
from controller.workspace.startup.rules_file_lookup import rules_paths
from controller.workspace.team_location import TeamLocation
from gateway.client.discovery.running_gateway import read_live_gateway
from gateway.client.discovery.team_choice import STATE_VARIABLE, TEAM_FILE

MODES_FOLDER = "modes"
VERSION_TIMEOUT_S, FORESEE_TIMEOUT_S = 4.0, 30.0
FORESEE_COMMAND = (sys.executable, "-P", "-m", "sidecar.cli", "foresee")


@dataclass(frozen=True)
class TeamFiles:
    """The team file, and the modes and rules beside it, as they were read: `contents` by their names in that folder.
    `distrust`: why another user may have written them."""

    path: Path
    named: bool
    contents: Mapping[str, bytes]
    distrust: str = ""

    @property
    def place(self) -> str:
        """The resolved path of the team file; empty if there is none."""
        return str(self.path.resolve()) if self.path.name in self.contents else ""

    @property
    def team(self) -> Team | None:
        found = self.contents.get(self.path.name)
        return None if found is None else parse_team(_decode_text(self.path, found), self.path.name)

    @property
    def folder(self) -> Path:
        return self.path.resolve().parent


def read_team_files(chosen: str | None, cwd: Path, distrust: str = "") -> TeamFiles:
    path = Path(chosen).expanduser() if chosen else cwd / TEAM_FILE
    contents = {path.name: _read_file_bytes(path)} if chosen or path.exists() else {}
    modes = sorted((path.resolve().parent / MODES_FOLDER).glob("*.toml"))
    contents |= {f"{MODES_FOLDER}/{one.name}": _read_file_bytes(one) for one in modes}
    found = TeamFiles(path, bool(chosen), contents, distrust)
    rules = rules_paths(found.team, found.folder) if found.team else {}
    return replace(found, contents=contents | {name: _read_file_bytes(path) for name, path in rules.items()})


def build_team(env: Mapping[str, str], wish: TeamOptions, files: TeamFiles) -> Team:
    """The team that `up` would start: from the named or found file, else from the programs on this machine."""
    settings = {**_read_settings(env), **env}
    team = build_team_spec(settings, wish, lambda name: shutil.which(name) is not None, files.team)
    return replace(team, file=files.place, gateway=replace(team.gateway, modes=_modes_folder_beside(files.path)))


def _modes_folder_beside(team: Path) -> str:
    folder = team.resolve().parent / MODES_FOLDER
    return str(folder) if folder.is_dir() else ""


def _read_settings(env: Mapping[str, str]) -> dict[str, str]:
    """The variables of CSP_CONFIG_FILE, if it is set. The environment itself overrides them."""
    path = env.get("CSP_CONFIG_FILE")
    return parse_settings(_read_optional_text(Path(path).expanduser()), path) if path else {}


def _read_optional_text(path: Path) -> str:
    return _decode_text(path, _read_file_bytes(path))


def _read_file_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TeamError(f"{path} cannot be read: {error.strerror or error}.") from None


def _decode_text(path: Path, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise TeamError(f"{path} cannot be read: {error}.") from None


async def gather_facts(team: Team, site: TeamLocation) -> MachineFacts:
    """Facts for the preflight. A program that is slow to print its version does not delay the start."""
    known = [agent for agent in team.agents if _is_foreign_program(agent)]
    version, programs, foreseen = await asyncio.gather(
        _tmux_version(),
        asyncio.gather(*(_inspect_program(agent) for agent in known)),
        ask_requirements(known, site),
    )
    runs_already = read_live_gateway(site.state) is not None
    return MachineFacts(
        tmux=version,
        tmux_new_enough=version is not None and is_new_enough(version),
        port_taken=None if runs_already else _is_port_taken(team.gateway.port),
        disk_free=shutil.disk_usage(_nearest_existing(site.state)).free,
        programs=tuple(programs),
        foreseen=dict(zip([one.name for one in known], foreseen, strict=False)),
        missing_projects=tuple(
            (agent.name, agent.project)
            for agent in team.agents
            if not (site.cwd / Path(agent.project).expanduser()).is_dir()
        ),
    )


async def _tmux_version() -> str | None:
    path = shutil.which("tmux")
    return None if path is None else (await _output_of(path, "-V")).strip().removeprefix("tmux ")


def _is_foreign_program(agent: AgentSpec) -> bool:
    """Whether the agent is a program that is not ours, so that it needs checks."""
    return not agent.connector and agent.command[0] != sys.executable


async def _inspect_program(agent: AgentSpec) -> Program:
    name = agent.command[0]
    path = shutil.which(name)
    own = Path(name).name
    if path is None or own not in (*FIRST_CLIS, *FURTHER_CLIS):
        return Program(agent.name, name, path)
    return Program(agent.name, name, path, await _output_of(path, "--version"))


async def ask_requirements(
    agents: Sequence[AgentSpec], site: TeamLocation, *, conversations: bool = False, fresh: bool = False
) -> list[AgentRequirements]:
    """What the sidecar's adapters know about the agents, and, if wanted, how their conversations would begin; empty if
    the sidecar does not run."""
    if not agents:
        return []
    wanted = [
        {
            "command": agent.command,
            "agent": agent.agent,
            "project": str(site.cwd / Path(agent.project).expanduser()),
            "env": dict(agent.env),
            "name": agent.name if conversations else "",
            "fresh": fresh,
        }
        for agent in agents
    ]
    env = {**site.env, STATE_VARIABLE: str(site.state)}
    patience = FORESEE_TIMEOUT_S if conversations else VERSION_TIMEOUT_S
    told = await _output_of(*FORESEE_COMMAND, told=msgspec.json.encode(wanted), env=env, patience=patience)
    with contextlib.suppress(msgspec.MsgspecError):
        return msgspec.json.decode(told, type=list[AgentRequirements])
    return []


async def _output_of(
    *command: str, told: bytes = b"", env: Mapping[str, str] | None = None, patience: float = VERSION_TIMEOUT_S
) -> str:
    pipe, quiet = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    with contextlib.suppress(OSError):
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=quiet, env=env)
        try:
            async with asyncio.timeout(patience):
                out, _ = await process.communicate(told)
            return out.decode(errors="replace")
        except TimeoutError:
            process.kill()
            await process.wait()
    return ""


def _is_port_taken(port: int) -> bool:
    """Whether the port is in use. Port 0 means any free one."""
    if not port:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _nearest_existing(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())


def up_options(demo: bool, port: int | None) -> TeamOptions:
    return TeamOptions(demo, port, sys.executable)
