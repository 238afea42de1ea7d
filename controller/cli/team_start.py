"""Starting a team: what the options of `up` mean, the checks before it, and how to enter its session."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from controller.cli.consent_prompt import need_agreement
from controller.team.preflight import Check, checks
from controller.team.team import interrupting
from controller.team.team_record import recall
from controller.workspace import launcher
from controller.workspace.machine_facts import files_at, gather, team_of, wish_of
from controller.workspace.team_location import Site, Tell, site_at
from gateway.client.console.cli_options import run
from gateway.client.console.console_output import say
from gateway.client.discovery.team_choice import (
    DEFAULT_TEAM,
    Surroundings,
    nearest,
    passed_over,
    state_of,
    state_to_start,
)
from gateway.client.discovery.team_discovery import home_folder, meant_team, named_folder, surroundings
from gateway.protocol.errors import GroupChatError, Unavailable


@dataclass(frozen=True)
class Wanted:
    """What the options of `up` say."""

    team: str | None
    demo: bool
    port: int | None
    socket: str | None
    state: str | None
    yes: bool
    interrupt: bool


async def start_team(wanted: Wanted, as_json: bool) -> tuple[launcher.Started, Site]:
    found, cwd = surroundings(os.environ, wanted.state), Path.cwd()
    tell = quiet if as_json else told
    if not wanted.team:
        cwd = _folder_of_the_team(found, cwd, tell)
    files = files_at(wanted.team, cwd, _distrust_of(found))
    team = team_of(os.environ, wish_of(wanted.demo, wanted.port), files)
    team = interrupting(team) if wanted.interrupt else team
    need_agreement(named_folder(os.environ, wanted.state) or home_folder(), files, wanted.yes)
    folder = Path(state_to_start(found, team.name, team.file))
    site = replace(Site.of(folder, team.session, wanted.socket), cwd=cwd)
    if recall(folder) is None:
        _judge(list(checks(team, await gather(team, site))), tell)
    started = await launcher.up(team, site, tell)
    for name, problem in started.problems.items():
        tell(f"{name}: {problem}")
    return started, site_at(folder, wanted.socket)


def _folder_of_the_team(found: Surroundings, cwd: Path, tell: Tell) -> Path:
    """The current folder, or the one above whose team file is meant. A file that lies here counts, whosever it is: what
    it would run is asked about. One that lies above counts only if nobody else could have put it there."""
    here = next((one for one in found.files if one.here), None)
    if here is not None:
        return cwd
    file = nearest(found)
    if words := passed_over(found, file):
        tell(f"! {words}")
    return Path(file.folder) if file is not None else cwd


def _distrust_of(found: Surroundings) -> str:
    """Why a file that lies here may be another user's word."""
    return next((one.distrust for one in found.files if one.here), "")


def _judge(found: list[Check], tell: Tell) -> None:
    for check in found:
        tell(f"{'✓' if check.good else '✗' if check.stops else '!'} {check.text}")
    if stops := [check.text for check in found if check.stops]:
        raise Unavailable(f"This cannot start yet: {'; '.join(stops)}.")


def told(words: str) -> None:
    """Progress is for people, beside the answer."""
    say(words if words[:1] in "✓✗!" else f"· {words}", err=True)


def quiet(words: str) -> None:
    pass


def as_answer(started: launcher.Started, site: Site) -> dict[str, object]:
    return {
        "url": started.url,
        "session": started.session,
        "team": started.team,
        "state": str(site.state),
        "agents": list(started.agents),
        "problems": dict(started.problems),
    }


def how_to_enter(team: str, site: Site) -> str:
    """By what is shortest from here."""
    if state_of(str(home_folder()), team) == str(site.state) and team != DEFAULT_TEAM:
        return f"`groupchat attach {team}`"
    with contextlib.suppress(GroupChatError):
        if meant_team(os.environ).state == str(site.state):
            return "`groupchat attach`"
    return f"`groupchat attach --state {site.state}`"


def enter(site: Site, as_json: bool) -> NoReturn:
    command = run(lambda: site.workspace.attach_command(os.environ), as_json=as_json)
    sys.stdout.flush()
    os.execvp(command[0], command)
