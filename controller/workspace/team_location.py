"""Where a team runs, and how its own gateway is reached."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from controller.team import team_record as records
from controller.team.team import Team
from controller.tmux.session import Workspace
from gateway.client import Client, Endpoint, find_endpoint
from gateway.client.discovery.timeouts import limit_alone

Tell = Callable[[str], None]


def silent(words: str) -> None:
    pass


@dataclass(frozen=True)
class Site:
    """Where a team runs: its state, its session, the environment it is started from."""

    state: Path
    workspace: Workspace
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path()
    size: tuple[int, int] | None = None

    @classmethod
    def of(cls, state: Path, session: str, socket: str | None) -> Site:
        size = os.get_terminal_size() if sys.stdout.isatty() else None
        return cls(state, Workspace(session, socket), os.environ, Path.cwd(), size and (size.columns, size.lines))


def site_at(state: Path, socket: str | None = None) -> Site:
    """The site of a running team, as its record says."""
    found = records.recall(state)
    if found is not None:
        return Site.of(state, found.session, socket or found.socket)
    return Site.of(state, Team().session, socket)


@asynccontextmanager
async def reached(site: Site, url: str) -> AsyncIterator[tuple[Client, Endpoint]]:
    endpoint = find_endpoint(site.env if url else limit_alone(site.env), gateway=url or None, state=site.state)
    async with Client(endpoint) as client:
        yield client, endpoint
