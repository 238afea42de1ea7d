"""Which team a command means, by its name or by the folder it runs in, and whether it may change it."""

from __future__ import annotations

import os
from pathlib import Path

from controller.workspace.session_ownership import check_own
from controller.workspace.team_list import team_called
from controller.workspace.team_location import Site, site_at
from gateway.client.discovery.team_choice import DEFAULT_TEAM, TeamChoice, team_name_of
from gateway.client.discovery.team_discovery import meant_team, named_folder
from gateway.protocol.errors import Conflict


def named(choice: TeamChoice) -> str:
    return f"The team {choice.name or DEFAULT_TEAM} ({choice.file or choice.state})"


async def find_team(state: str | None, team: str | None = None) -> TeamChoice:
    """By its name, or whose folder this is."""
    if not team:
        return meant_team(os.environ, state)
    name, folder = team_name_of(team), named_folder(os.environ, state)
    if state is None:
        return await team_called(name, [folder] if folder else [])
    choice = meant_team(os.environ, state)
    if choice.name not in ("", name):
        raise Conflict(f"{choice.state} holds the team {choice.name}, and not {name}.")
    return choice


async def team_to_change(state: str | None, socket: str | None, team: str | None = None) -> tuple[TeamChoice, Site]:
    """A team that is to be changed or ended: never another one than the folder's."""
    choice = await find_team(state, team)
    site = site_at(Path(choice.state), socket)
    await check_own(site, choice)
    return choice, site
