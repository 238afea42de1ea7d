"""Lists the commands that a team file found in a folder would run, so that a person can be asked first. Pure."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath

from controller.team.team import AgentSpec, Team
from gateway.protocol.text.printable_text import printable_line

_FILE_BY_FOLDER = {
    "modes": "a mode with prompts for agents",
    "rules": "rules that say how an agent is started, and when messages are typed",
}


def files_digest(files: Mapping[str, bytes]) -> str:
    """The digest of the file and of all files read beside it, with their names. Consent is given for exactly this
    content."""
    found = hashlib.sha256()
    for name, content in sorted(files.items()):
        found.update(f"{len(name.encode())} {len(content)} {name}".encode() + content)
    return found.hexdigest()


def consent_lines(team: Team, files: Mapping[str, bytes]) -> list[str]:
    """A line for each command that it would run and each address that it would use; empty if there are none."""
    lines = [_agent_line(one) for one in team.agents]
    if team.chat.notify:
        lines.append(f"for each notice: {shlex.join(team.chat.notify)}")
    if team.gateway.url:
        lines.append(f"joins the gateway at {team.gateway.url}")
    for folder, what in _FILE_BY_FOLDER.items():
        lines += [f"{what}: {name}" for name in sorted(files) if PurePosixPath(name).parent.name == folder]
    return [printable_line(line) for line in lines]


def _agent_line(agent: AgentSpec) -> str:
    env = "".join(f"{name}={shlex.quote(value)} " for name, value in agent.env)
    folder = f", in {agent.project}" if agent.project != "." else ""
    told = f", is told: {agent.prompt}" if agent.prompt else ""
    return f"{agent.name}: {env}{shlex.join(agent.command)}{folder}{told}"
