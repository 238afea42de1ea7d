"""Finds the running team that a command means, and checks whether the command may change it.

Which team a command means is decided in `gateway/client/discovery/team_choice.py`; here a name given on the line goes
first.
"""

from __future__ import annotations

import os
from pathlib import Path

from controller.workspace.team_list import find_team_by_name
from controller.workspace.team_location import TeamLocation, location_from_record
from controller.workspace.team_ownership import check_own_team
from gateway.client.discovery.team_choice import DEFAULT_TEAM, TeamChoice, normalize_team_name
from gateway.client.discovery.team_discovery import named_folder, team_for_folder
from gateway.protocol.errors import Conflict


def named(choice: TeamChoice) -> str:
    return f"The team {choice.name or DEFAULT_TEAM} ({choice.file or choice.state})"


async def find_team(state: str | None, team: str | None = None) -> TeamChoice:
    """The team of this name, or of the current folder."""
    if not team:
        return team_for_folder(os.environ, state)
    name, folder = normalize_team_name(team), named_folder(os.environ, state)
    if state is None:
        return await find_team_by_name(name, [folder] if folder else [])
    choice = team_for_folder(os.environ, state)
    if choice.name not in ("", name):
        raise Conflict(
            f"{choice.state} belongs to the team {choice.name}, not {name}. Leave out --state, or name that team."
        )
    return choice


async def team_to_change(
    state: str | None, socket: str | None, team: str | None = None
) -> tuple[TeamChoice, TeamLocation]:
    """The team to change or end: never another one than the folder's."""
    choice = await find_team(state, team)
    site = location_from_record(Path(choice.state), socket)
    await check_own_team(site, choice)
    return choice, site
