"""Finds the rules files of a team's agents: in the state folder, beside the team file, in the agent's project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from controller.team.team import AgentSpec, Team
from gateway.client.discovery.rules_files import RULES_FOLDER, rules_file_of, start_command
from gateway.protocol.errors import BadRequest


def with_rules_files(team: Team, *folders: Path) -> Team:
    return replace(team, agents=tuple(with_rules_file(agent, *folders) for agent in team.agents))


def with_rules_file(agent: AgentSpec, *folders: Path) -> AgentSpec:
    """The agent with the path of its rules file, and with the command of that file if nobody gave one. Without an
    `agent` its name counts, but only if no command says what it is."""
    given = agent.command not in ((), (agent.name,))
    path = None if given and not agent.agent else rules_file_of(agent.agent or agent.name, *folders)
    if path is None:
        return agent
    return replace(agent, agent=str(path), command=agent.command if given else start_command(path) or agent.command)


def rules_contents(team: Team, folder: Path) -> Mapping[str, bytes]:
    """The rules files beside a team file that its agents use, by their names in that folder."""
    paths = (Path(agent.agent) for agent in with_rules_files(team, folder).agents if agent.agent.startswith("/"))
    return {f"{RULES_FOLDER}/{path.name}": path.read_bytes() for path in paths}


def require_command(agent: AgentSpec, folders: Sequence[Path]) -> AgentSpec:
    if agent.command:
        return agent
    kind = agent.agent or agent.name
    places = " or ".join(str(one / RULES_FOLDER / f"{Path(kind).stem}.toml") for one in folders)
    raise BadRequest(
        f"What starts {agent.name}? Give its command after `--`, such as `groupchat add {agent.name} -- {agent.name}`, "
        f"or write it into a rules file: `command` of [launch] in {places}."
    )
