"""Writes the script of each pane, and says what environment it gets."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from controller.team import pane_scripts
from controller.team.pane_scripts import PaneEnvironment
from controller.team.team import AgentSpec
from controller.team.workspace_record import WorkspaceRecord
from controller.tmux.panes import PanePlan
from controller.wording.member_state_text import title_with_role
from controller.workspace.team_location import TeamLocation
from controller.workspace.team_ownership import chat_script_path
from gateway.files.private_files import write_private

STATE_VARIABLE = "GROUPCHAT_STATE"
OWN_VARIABLE_PREFIXES = ("TMUX", "TERM", "CSP_", "GROUPCHAT_")
SHELL_VARIABLES = ("PWD", "OLDPWD", "SHLVL", "_", "COLUMNS", "LINES")


def environment_for_agents(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of the agents: that of this shell, since the tmux server may have another. It holds no token of
    ours, and no variable that identifies this terminal. Panes that a person opens get the state folder, as here."""
    return {
        name: value
        for name, value in env.items()
        if (name == STATE_VARIABLE or not name.startswith(OWN_VARIABLE_PREFIXES))
        and name not in SHELL_VARIABLES
        and name.isidentifier()
        and "\n" not in value
    }


def pane_plan(site: TeamLocation, name: str, title: str, text: str) -> PanePlan:
    path = chat_script_path(site.state, name)
    write_private(path, text)
    return PanePlan(name, title, path)


def agent_plan(site: TeamLocation, environment: PaneEnvironment, agent: AgentSpec) -> PanePlan:
    return pane_plan(
        site, agent.name, title_with_role(agent.name, agent.role), pane_scripts.agent_script(environment, agent)
    )


def with_absolute_project(agent: AgentSpec, cwd: Path) -> AgentSpec:
    """The agent with an absolute project folder, so that a later command in another folder means the same."""
    return replace(agent, project=str((cwd / Path(agent.project).expanduser()).resolve()))


def join_options(*, fresh: bool) -> tuple[str, ...]:
    return ("--fresh",) if fresh else ()


def write_agent_scripts(site: TeamLocation, environment: PaneEnvironment, agents: Sequence[AgentSpec]) -> None:
    """`--fresh` is an order for one start: whoever starts a pane later comes back to the conversation."""
    for agent in agents:
        agent_plan(site, environment, agent)


def write_recorded_script(site: TeamLocation, record: WorkspaceRecord, name: str, *, fresh: bool = False) -> None:
    url = "" if record.gateway else record.url
    environment = PaneEnvironment(sys.executable, site.state, url, join_options(fresh=fresh))
    write_agent_scripts(site, environment, [agent for agent in record.agents if agent.name == name])
