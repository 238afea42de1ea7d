"""The location of a team, and the way to its own gateway."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from controller.team import workspace_record
from controller.team.team import Team
from controller.tmux.session import Workspace
from gateway.client import Client, Endpoint, find_endpoint
from gateway.client.timeouts import timeout_environment

PrintLine = Callable[[str], None]


def print_nothing(words: str) -> None:
    pass


@dataclass(frozen=True)
class TeamLocation:
    """Where a team runs: its state, its session, the environment it is started from."""

    state: Path
    workspace: Workspace
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path()
    size: tuple[int, int] | None = None

    @classmethod
    def of(cls, state: Path, session: str, socket: str | None) -> TeamLocation:
        size = os.get_terminal_size() if sys.stdout.isatty() else None
        return cls(state, Workspace(session, socket), os.environ, Path.cwd(), size and (size.columns, size.lines))


def location_from_record(state: Path, socket: str | None = None) -> TeamLocation:
    """The site of a running team, as its record says."""
    found = workspace_record.read_workspace_record(state)
    if found is not None:
        return TeamLocation.of(state, found.session, socket or found.socket)
    return TeamLocation.of(state, Team().session, socket)


@asynccontextmanager
async def connect_to_team(site: TeamLocation, url: str) -> AsyncIterator[tuple[Client, Endpoint]]:
    endpoint = find_endpoint(site.env if url else timeout_environment(site.env), gateway=url or None, state=site.state)
    async with Client(endpoint) as client:
        yield client, endpoint
