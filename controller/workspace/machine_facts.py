"""What this machine offers: the facts that the preflight judges, the team file, the person's settings."""

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

from controller.team.preflight import Facts, Foreseen, Program
from controller.team.team import FIRST_CLIS, FURTHER_CLIS, AgentSpec, Team, Wish, parse_settings, parse_team, team_for
from controller.team.toml_reader import TeamError
from controller.tmux.session import is_new_enough
from controller.workspace.team_location import Site
from gateway.client.discovery.running_gateway import running_now
from gateway.client.discovery.team_choice import TEAM_FILE

MODES = "modes"
VERSION_WITHIN = 4.0
FORESEE = (sys.executable, "-P", "-m", "sidecar.cli", "foresee")


@dataclass(frozen=True)
class TeamFiles:
    """The team file and the modes beside it, as they were read: `contents` by their names in that folder. `distrust`:
    why it may be another user's word."""

    path: Path
    named: bool
    contents: Mapping[str, bytes]
    distrust: str = ""

    @property
    def place(self) -> str:
        """Where the team file really is; empty if there is none."""
        return str(self.path.resolve()) if self.path.name in self.contents else ""

    @property
    def team(self) -> Team | None:
        found = self.contents.get(self.path.name)
        return None if found is None else parse_team(_decoded(self.path, found), self.path.name)


def files_at(chosen: str | None, cwd: Path, distrust: str = "") -> TeamFiles:
    path = Path(chosen).expanduser() if chosen else cwd / TEAM_FILE
    contents = {path.name: _read(path)} if chosen or path.exists() else {}
    modes = sorted((path.resolve().parent / MODES).glob("*.toml"))
    contents |= {f"{MODES}/{one.name}": _read(one) for one in modes}
    return TeamFiles(path, bool(chosen), contents, distrust)


def team_of(env: Mapping[str, str], wish: Wish, files: TeamFiles) -> Team:
    """The team that `up` would start: of the file that is named or was found, else what the machine offers."""
    settings = {**_settings(env), **env}
    team = team_for(settings, wish, lambda name: shutil.which(name) is not None, files.team)
    return replace(team, file=files.place, gateway=replace(team.gateway, modes=_modes_beside(files.path)))


def _modes_beside(team: Path) -> str:
    folder = team.resolve().parent / MODES
    return str(folder) if folder.is_dir() else ""


def _settings(env: Mapping[str, str]) -> dict[str, str]:
    """The specification's CSP_CONFIG_FILE, only where it is named; the environment itself goes before it."""
    path = env.get("CSP_CONFIG_FILE")
    return parse_settings(_text(Path(path).expanduser()), path) if path else {}


def _text(path: Path) -> str:
    return _decoded(path, _read(path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TeamError(f"{path} cannot be read: {error.strerror or error}.") from None


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise TeamError(f"{path} cannot be read: {error}.") from None


async def gather(team: Team, site: Site) -> Facts:
    """Facts for the preflight. Programs that are slow to tell their version do not hold up the start."""
    known = [agent for agent in team.agents if _is_known(agent)]
    version, programs, foreseen = await asyncio.gather(
        _tmux(), asyncio.gather(*(_program(agent) for agent in known)), _foreseen(known, site.cwd)
    )
    runs_already = running_now(site.state) is not None
    return Facts(
        tmux=version,
        tmux_new_enough=version is not None and is_new_enough(version),
        port_taken=not runs_already and _taken(team.gateway.port),
        disk_free=shutil.disk_usage(_existing(site.state)).free,
        programs=tuple(programs),
        foreseen=dict(zip([one.name for one in known], foreseen, strict=False)),
        missing_projects=tuple(
            (agent.name, agent.project)
            for agent in team.agents
            if not (site.cwd / Path(agent.project).expanduser()).is_dir()
        ),
    )


async def _tmux() -> str | None:
    path = shutil.which("tmux")
    return None if path is None else (await _asked(path, "-V")).strip().removeprefix("tmux ")


def _is_known(agent: AgentSpec) -> bool:
    """Ours need no check."""
    return agent.command[0] != sys.executable


async def _program(agent: AgentSpec) -> Program:
    name = agent.command[0]
    path = shutil.which(name)
    own = Path(name).name
    if path is None or own not in (*FIRST_CLIS, *FURTHER_CLIS):
        return Program(agent.name, name, path)
    return Program(agent.name, name, path, await _asked(path, "--version"))


async def _foreseen(agents: Sequence[AgentSpec], cwd: Path) -> list[Foreseen]:
    """What the sidecar's own knowledge of the vendors tells; nothing where it cannot be asked."""
    if not agents:
        return []
    wanted = [
        {
            "command": agent.command,
            "agent": agent.agent,
            "project": str(cwd / Path(agent.project).expanduser()),
            "env": dict(agent.env),
        }
        for agent in agents
    ]
    told = await _asked(*FORESEE, told=msgspec.json.encode(wanted))
    with contextlib.suppress(msgspec.MsgspecError):
        return msgspec.json.decode(told, type=list[Foreseen])
    return []


async def _asked(*command: str, told: bytes = b"") -> str:
    pipe, quiet = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    with contextlib.suppress(OSError):
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=quiet)
        try:
            out, _ = await asyncio.wait_for(process.communicate(told), VERSION_WITHIN)
            return out.decode(errors="replace")
        except TimeoutError:
            process.kill()
            await process.wait()
    return ""


def _taken(port: int) -> bool:
    """Whether somebody listens there. Port 0 is any free one."""
    if not port:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _existing(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())


def wish_of(demo: bool, port: int | None) -> Wish:
    return Wish(demo, port, sys.executable)
