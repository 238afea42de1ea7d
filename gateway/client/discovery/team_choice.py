"""Decides which team a command means. Pure: options, variables, and the team files and teams that were found go in; a
choice, or an error that says what to do, comes out.

The order: `--state`, then GROUPCHAT_STATE, both meaning exactly that folder; then the nearest team file from the
current folder upwards; then the default team. Only the team's name is used from a file. A file counts only if nobody
else could have written it, or if this user has started a team from it: it selects among this user's own state folders,
nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from gateway.protocol.errors import BadRequest, Conflict
from gateway.protocol.types.core_types import canonical_name

DEFAULT_TEAM = "default"
TEAM_FILE = "team.toml"
TEAMS_FOLDER = "teams"
STATE_VARIABLE = "GROUPCHAT_STATE"
NAME_ONE_HINT = "Name one with --state DIR; `groupchat teams` lists them."


class TeamRecord(msgspec.Struct, frozen=True):
    """What `groupchat up` recorded in a state folder, as far as others need it. `file`: the team file that it read;
    empty if there was none or it is gone. `alive`: the team's gateway runs."""

    team: str = DEFAULT_TEAM
    file: str = ""
    alive: bool = False


@dataclass(frozen=True)
class FoundTeamFile:
    """A team file of the current folder or one above it. `path` is its real path, `folder` where it was found; `here`:
    that is the current folder. `distrust`: why it was not read. `broken`: why its team name cannot be read."""

    path: str
    folder: str = ""
    name: str = DEFAULT_TEAM
    distrust: str = ""
    broken: str = ""
    here: bool = False


class ChoiceBasis(StrEnum):
    """What a choice is based on."""

    OPTION = "--state"
    VARIABLE = STATE_VARIABLE
    FILE = "team file"
    NAME = "name"
    DEFAULT = "default"


@dataclass(frozen=True)
class TeamChoice:
    """The chosen team. `name` is empty if only a folder was named and no team was started with it. `file`: the file
    that the choice is based on, or that the team was started from. `remark` is for a person to read. `conflict`: why a
    running team may not be changed."""

    state: str
    name: str
    ground: ChoiceBasis
    file: str = ""
    remark: str = ""
    conflict: str = ""


@dataclass(frozen=True)
class TeamSources:
    """The inputs of a choice. `files`: nearest first; `teams`: what is known of each state folder."""

    home: str
    option: str = ""
    variable: str = ""
    files: Sequence[FoundTeamFile] = ()
    teams: Mapping[str, TeamRecord] = field(default_factory=dict)


def normalize_team_name(text: str) -> str:
    """A team name that can be part of a tmux session's name, where `.` and `:` have a meaning."""
    return canonical_name(text).replace(".", "-")


def state_folder_of(home: str, team: str) -> str:
    """The state folder of a team. Teams other than the default one have theirs inside the default team's."""
    return home if team == DEFAULT_TEAM else f"{home}/{TEAMS_FOLDER}/{team}"


def choose_team(found: TeamSources) -> TeamChoice:
    if found.option:
        return _choice_of_state(found, found.option, ChoiceBasis.OPTION)
    file = nearest_team_file(found)
    if found.variable:
        choice = _choice_of_state(found, found.variable, ChoiceBasis.VARIABLE)
        return choice if file is None else _choice_of_variable(found, choice, file)
    if file is not None:
        return _choice_of_file(found, file)
    return _default_choice(found)


def nearest_team_file(found: TeamSources) -> FoundTeamFile | None:
    """The team file that decides. One that others could have written counts only for a team that was
    started from it."""
    return next((one for one in found.files if not one.distrust or _started_team(found, one)), None)


def state_folder_to_start(found: TeamSources, team: str, file: str) -> str:
    """Where `up` starts this team: in the named folder, or where a team from this file runs, or in the team's own
    folder."""
    if named := found.option or found.variable:
        return named
    from_it = {record.team: state for state, record in found.teams.items() if file and record.file == file}
    if team in from_it:
        return from_it[team]
    running = (state for state in from_it.values() if found.teams[state].alive)
    return next(running, state_folder_of(found.home, team))


def is_of_another(record: TeamRecord, team: str, file: str) -> bool:
    """Whether the record belongs to a team with another name, or to a team of the same name from another file."""
    return (bool(team) and record.team != team) or bool(file and record.file and record.file != file)


def two_teams_error(state: str, record: TeamRecord, team: str, file: str) -> str:
    """The error for a state folder that belongs to another team than the one that is meant."""
    started = f", which was started from {record.file}" if record.file else ""
    meant = f"the team {team}" + (f" of {file}" if file else "")
    return (
        f"{state} holds the team {record.team}{started}, and not {meant}. Two teams never share a folder: "
        f"`groupchat down {record.team}` ends that one; another name in the team file, or --state DIR, keeps both."
    )


def _choice_of_state(found: TeamSources, state: str, ground: ChoiceBasis) -> TeamChoice:
    record = found.teams.get(state)
    return TeamChoice(state, record.team if record else "", ground, record.file if record else "")


def _choice_of_variable(found: TeamSources, choice: TeamChoice, file: FoundTeamFile) -> TeamChoice:
    """The variable wins. If it selects another team than the folder does, the choice says so, and no team may be
    stopped."""
    if not choice.name:
        return choice
    name = _started_team(found, file) or ("" if file.broken else file.name)
    if not name or not is_of_another(TeamRecord(choice.name, choice.file), name, file.path):
        return choice
    conflict = (
        f"{STATE_VARIABLE} names {choice.state}, which holds the team {choice.name}, "
        f"and {file.path} is of the team {name}. "
        f"Say which: `--state {choice.state}`, or unset {STATE_VARIABLE}."
    )
    remark = f"{STATE_VARIABLE} means the team {choice.name} of {choice.state}, not {name} of {file.path}."
    return TeamChoice(choice.state, choice.name, choice.ground, choice.file, remark, conflict)


def _choice_of_file(found: TeamSources, file: FoundTeamFile) -> TeamChoice:
    remark = ignored_file_remark(found, file)
    name = _started_team(found, file)
    if name:
        state = next(one for one, record in _teams_from_file(found, file) if record.team == name)
        return TeamChoice(state, name, ChoiceBasis.FILE, file.path, remark)
    if file.broken:
        raise BadRequest(f"{file.broken} So its team is not known. Mend it. Or: {NAME_ONE_HINT}")
    state = state_folder_of(found.home, file.name)
    record = found.teams.get(state)
    if record is not None and record.alive and is_of_another(record, file.name, file.path):
        raise Conflict(two_teams_error(state, record, file.name, file.path))
    return TeamChoice(state, file.name, ChoiceBasis.FILE, file.path, remark)


def _default_choice(found: TeamSources) -> TeamChoice:
    record = found.teams.get(found.home, TeamRecord())
    passed = ignored_file_remark(found, None)
    remark = f"{passed} This is the team {record.team}." if passed else ""
    conflict = f"{passed} Say which team is meant, such as `groupchat down {record.team}`." if passed else ""
    return TeamChoice(found.home, record.team, ChoiceBasis.DEFAULT, record.file, remark, conflict)


def ignored_file_remark(found: TeamSources, chosen: FoundTeamFile | None) -> str:
    """The remark about a nearer team file that is not trusted."""
    for one in found.files:
        if one is chosen:
            return ""
        if one.distrust:
            return f"{one.path} is passed over: {one.distrust}."
    return ""


def _teams_from_file(found: TeamSources, file: FoundTeamFile) -> list[tuple[str, TeamRecord]]:
    return [(state, record) for state, record in found.teams.items() if record.file == file.path]


def _started_team(found: TeamSources, file: FoundTeamFile) -> str:
    """The team that was started from this file: the one that it names, if that was started."""
    names = [record.team for _, record in _teams_from_file(found, file)]
    return "" if not names else file.name if file.name in names else names[0]
