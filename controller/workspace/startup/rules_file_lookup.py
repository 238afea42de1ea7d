"""Finds the rules files of a team's agents: in the state folder, beside the team file, in the agent's project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from controller.team.team import AgentSpec, Team
from gateway.client.discovery.rules_files import RULES_FOLDER, is_rules_path, rules_file_of, start_command
from gateway.client.known_agents import KNOWN_AGENTS
from gateway.protocol.errors import BadRequest


def with_rules_files(team: Team, cwd: Path, *folders: Path) -> Team:
    """The project of each agent is the last place, where its sidecar would look, too: so a person is asked about it."""
    projects = [(cwd / Path(one.project).expanduser()).resolve() for one in team.agents]
    agents = (with_rules_file(one, *folders, project) for one, project in zip(team.agents, projects, strict=True))
    return replace(team, agents=tuple(agents))


def with_rules_file(agent: AgentSpec, *folders: Path) -> AgentSpec:
    """The agent with the path of its rules file, and with the command of that file if nobody gave one. Without an
    `agent` its name counts, but only if no command says what it is."""
    given = agent.command not in ((), (agent.name,))
    path = None if given and not agent.agent else rules_file_of(agent.agent or agent.name, *folders)
    if path is None:
        return agent
    return replace(agent, agent=str(path), command=agent.command if given else start_command(path) or agent.command)


def rules_paths(team: Team, folder: Path) -> Mapping[str, Path]:
    """The rules files that the agents of a team file in this folder use, by their names in the folder, or whole."""
    found = (Path(one.agent) for one in with_rules_files(team, folder, folder).agents if one.agent.startswith("/"))
    return {str(path.relative_to(folder) if path.is_relative_to(folder) else path): path for path in found}


def require_command(agent: AgentSpec, folders: Sequence[Path]) -> AgentSpec:
    if agent.command:
        return agent
    kind = agent.agent or agent.name
    sentence = (
        f"What starts {agent.name}? Give its command after `--`, such as `groupchat add {agent.name} -- {agent.name}`"
    )
    if kind in KNOWN_AGENTS or is_rules_path(kind):
        raise BadRequest(f"{sentence}.")
    places = " or ".join(str(one / RULES_FOLDER / f"{kind}.toml") for one in folders)
    raise BadRequest(f"{sentence}, or write it into a rules file: `command` of [launch] in {places}.")
