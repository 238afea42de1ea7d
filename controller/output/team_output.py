"""Prints which team a command means, where that is not plain, and the list of teams."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.client.discovery.team_choice import DEFAULT_TEAM, TeamChoice
from gateway.console.console_output import print_json, print_lines

if TYPE_CHECKING:
    from controller.workspace.team_list import TeamView


def of_team_text(choice: TeamChoice) -> str:
    """The name of the team; empty for the default one."""
    return "" if choice.name in ("", DEFAULT_TEAM) else f" of the team {choice.name}"


def print_remark(choice: TeamChoice) -> None:
    """Print what was ignored in the choice of the team."""
    if choice.remark:
        print_lines(choice.remark, err=True)


def print_team(choice: TeamChoice) -> None:
    """One line, beside the answer; a remark has named the team already."""
    if of_team_text(choice) and not choice.remark:
        print_lines(f"Team {choice.name} ({short_path(choice.file or choice.state)}).", err=True, dim=True)


def print_teams(found: list[TeamView], as_json: bool) -> None:
    if as_json:
        print_json({"teams": found})
    else:
        print_lines(
            *([line for one in found for line in _team_rows(one)] or ["No team runs; `groupchat up` starts one."])
        )


def _team_rows(one: TeamView) -> list[str]:
    gateway = {"yes": one.url, "elsewhere": f"{one.url} (elsewhere)"}.get(one.gateway, "does not run")
    return [
        f"{one.team}: {_since_text(one)}",
        f"  from     {short_path(one.file) or 'no team file'}",
        f"  state    {short_path(one.state)}",
        f"  agents   {', '.join(one.agents) or 'none'}",
        f"  gateway  {gateway}",
    ]


def _since_text(one: TeamView) -> str:
    if not one.runs:
        return "does not run"
    when = f" since {_local_time_of(one.since)}" if one.since else ""
    return f"session {one.session}{when}" if one.session else f"only its gateway{when}"


def _local_time_of(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"


def short_path(path: str) -> str:
    home = str(Path.home())
    return f"~{path.removeprefix(home)}" if path.startswith(f"{home}/") else path
