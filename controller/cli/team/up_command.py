"""The options of `up`, the checks before a start, and the command that enters the session."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from controller.cli.team.preview_text import preview_lines
from controller.cli.team.team_file_consent import require_consent
from controller.team.preflight import PreflightCheck, run_checks
from controller.team.team import Team, with_interrupt
from controller.team.workspace_record import read_workspace_record
from controller.workspace import launcher
from controller.workspace.startup.rules_file_lookup import with_rules_files
from controller.workspace.startup.start_preview import StartPreview, preview_start
from controller.workspace.startup.startup_facts import TeamFiles, build_team, gather_facts, read_team_files, up_options
from controller.workspace.team_location import PrintLine, TeamLocation, location_from_record
from gateway.client.discovery.team_choice import (
    DEFAULT_TEAM,
    TeamSources,
    ignored_file_remark,
    nearest_team_file,
    state_folder_of,
    state_folder_to_start,
)
from gateway.client.discovery.team_discovery import find_team_sources, home_folder, named_folder, team_for_folder
from gateway.console.console_output import print_json, print_lines
from gateway.console.run_command import run
from gateway.protocol.errors import GroupChatError, Unavailable


@dataclass(frozen=True)
class Wanted:
    """The options of `up`."""

    team: str | None
    demo: bool
    port: int | None
    socket: str | None
    state: str | None
    yes: bool
    interrupt: bool
    fresh: bool = False


@dataclass(frozen=True)
class FoundTeam:
    """The team that is meant, its location, and the files that it was read from."""

    team: Team
    site: TeamLocation
    files: TeamFiles


def _find_team_to_start(wanted: Wanted, tell: PrintLine) -> FoundTeam:
    found, cwd = find_team_sources(os.environ, wanted.state), Path.cwd()
    if not wanted.team:
        cwd = _folder_of_the_team(found, cwd, tell)
    files = read_team_files(wanted.team, cwd, _distrust_of(found))
    team = build_team(os.environ, up_options(wanted.demo, wanted.port), files)
    team = with_interrupt(team) if wanted.interrupt else team
    folder = Path(state_folder_to_start(found, team.name, team.file))
    team = with_rules_files(team, cwd, folder, files.folder)
    return FoundTeam(team, replace(TeamLocation.of(folder, team.session, wanted.socket), cwd=cwd), files)


async def find_and_start_team(wanted: Wanted, as_json: bool) -> tuple[launcher.StartedTeam, TeamLocation]:
    tell = quiet if as_json else told
    found = _find_team_to_start(wanted, tell)
    team, site = found.team, found.site
    require_consent(named_folder(os.environ, wanted.state) or home_folder(), found.files, wanted.yes)
    if read_workspace_record(site.state) is None:
        _judge(list(run_checks(team, await gather_facts(team, site))), tell)
    started = await launcher.start_team(team, site, tell, fresh=wanted.fresh)
    for name, problem in started.problems.items():
        tell(f"{name}: {problem}")
    return started, location_from_record(site.state, wanted.socket)


async def preview_team(wanted: Wanted, as_json: bool) -> StartPreview:
    """What `up` would do. No program of the team is run, so nobody is asked for consent."""
    found = _find_team_to_start(wanted, quiet if as_json else told)
    return await preview_start(found.team, found.site, fresh=wanted.fresh)


def print_preview(preview: StartPreview, as_json: bool) -> None:
    if as_json:
        print_json(asdict(preview))
    else:
        print_lines(*preview_lines(preview, datetime.now().astimezone(), Path.home()))


def _folder_of_the_team(found: TeamSources, cwd: Path, tell: PrintLine) -> Path:
    """The current folder, or the folder above it whose team file counts. A file in the current folder counts whoever
    owns it, because `up` asks before it runs it. A file above counts only if nobody else could have put it there."""
    here = next((one for one in found.files if one.here), None)
    if here is not None:
        return cwd
    file = nearest_team_file(found)
    if words := ignored_file_remark(found, file):
        tell(f"! {words}")
    return Path(file.folder) if file is not None else cwd


def _distrust_of(found: TeamSources) -> str:
    """Why a file in this folder may be written by another user."""
    return next((one.distrust for one in found.files if one.here), "")


def _judge(found: list[PreflightCheck], tell: PrintLine) -> None:
    for check in found:
        tell(f"{'✓' if check.good else '✗' if check.stops else '!'} {check.text}")
    if stops := [check.text for check in found if check.stops]:
        raise Unavailable(f"This cannot start yet: {'; '.join(stops)}.")


def told(words: str) -> None:
    """Print progress for people; the answer is separate."""
    print_lines(words if words[:1] in "✓✗!" else f"· {words}", err=True)


def quiet(words: str) -> None:
    pass


def as_answer(started: launcher.StartedTeam, site: TeamLocation) -> dict[str, object]:
    return {
        "url": started.url,
        "session": started.session,
        "team": started.team,
        "state": str(site.state),
        "agents": list(started.agents),
        "problems": dict(started.problems),
        "conversations": dict(started.conversations),
    }


def how_to_enter(team: str, site: TeamLocation) -> str:
    """The shortest command that enters the session from here."""
    if state_folder_of(str(home_folder()), team) == str(site.state) and team != DEFAULT_TEAM:
        return f"`groupchat attach {team}`"
    with contextlib.suppress(GroupChatError):
        if team_for_folder(os.environ).state == str(site.state):
            return "`groupchat attach`"
    return f"`groupchat attach --state {site.state}`"


def enter(site: TeamLocation, as_json: bool) -> NoReturn:
    command = run(lambda: site.workspace.attach_command(os.environ), as_json=as_json)
    sys.stdout.flush()
    os.execvp(command[0], command)
