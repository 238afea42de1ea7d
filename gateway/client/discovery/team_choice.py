"""Which team a command means. Pure: the options, the variables, and what was found of team files and of teams go in; a
choice, or an error that says what to do, comes out.

`--state` before GROUPCHAT_STATE, both exactly that folder; then the nearest team file from the current folder upwards;
then the default team. Of a file only the name of its team is used, and only a file that nobody else could have written
counts, or one from which this user has started a team: it chooses among this user's own state folders, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from gateway.protocol.errors import BadRequest, Conflict
from gateway.protocol.types import canonical_name

DEFAULT_TEAM = "default"
TEAM_FILE = "team.toml"
TEAMS_FOLDER = "teams"
STATE_VARIABLE = "GROUPCHAT_STATE"
NAME_ONE_HINT = "Name one with --state DIR; `groupchat teams` lists them."


class TeamRecord(msgspec.Struct, frozen=True):
    """What `groupchat up` wrote down in a state folder, as far as others need it. `file`: the team file that it read;
    empty if there was none, or if that is not there any more. `alive`: its gateway runs."""

    team: str = DEFAULT_TEAM
    file: str = ""
    alive: bool = False


@dataclass(frozen=True)
class FoundTeamFile:
    """A team file of the current folder, or of one above it. `path` is where it really is, `folder` where it was found;
    `here`: that is the current folder itself. `distrust`: why nothing in it was read. `broken`: why the name of its
    team cannot be told."""

    path: str
    folder: str = ""
    name: str = DEFAULT_TEAM
    distrust: str = ""
    broken: str = ""
    here: bool = False


class ChoiceBasis(StrEnum):
    """What a choice rests on."""

    OPTION = "--state"
    VARIABLE = STATE_VARIABLE
    FILE = "team file"
    NAME = "name"
    DEFAULT = "default"


@dataclass(frozen=True)
class TeamChoice:
    """`name` is empty where only a folder was named and no team has been started with it. `file`: what the choice rests
    on, or was started from. `remark` is for a person to read. `conflict`: why nothing that runs may be changed."""

    state: str
    name: str
    ground: ChoiceBasis
    file: str = ""
    remark: str = ""
    conflict: str = ""


@dataclass(frozen=True)
class TeamSources:
    """What a choice is made from. `files`, the nearest first; `teams`: what is known of each state folder."""

    home: str
    option: str = ""
    variable: str = ""
    files: Sequence[FoundTeamFile] = ()
    teams: Mapping[str, TeamRecord] = field(default_factory=dict)


def normalize_team_name(text: str) -> str:
    """Part of a tmux session's name, where `.` and `:` mean something."""
    return canonical_name(text).replace(".", "-")


def state_folder_of(home: str, team: str) -> str:
    """Each further team has a state of its own beside the default one's."""
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
    """The file whose team is meant; one that others could have written counts only for a team that runs from it."""
    return next((one for one in found.files if not one.distrust or _started_team(found, one)), None)


def state_folder_to_start(found: TeamSources, team: str, file: str) -> str:
    """Where `up` starts this team: in the folder that is named, or where a team from this file runs, or in its own."""
    if named := found.option or found.variable:
        return named
    from_it = {record.team: state for state, record in found.teams.items() if file and record.file == file}
    if team in from_it:
        return from_it[team]
    running = (state for state in from_it.values() if found.teams[state].alive)
    return next(running, state_folder_of(found.home, team))


def is_of_another(record: TeamRecord, team: str, file: str) -> bool:
    """Whether this is the record of another team than the one of this name, or of a namesake from another file."""
    return (bool(team) and record.team != team) or bool(file and record.file and record.file != file)


def two_teams_error(state: str, record: TeamRecord, team: str, file: str) -> str:
    """The sentence for a state folder in which another team lives than the one that is meant."""
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
    """The variable goes first. Where it means another team than the folder, that is said, and nothing is ended."""
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
    """A file that is nearer than the chosen one, and is not believed."""
    for one in found.files:
        if one is chosen:
            return ""
        if one.distrust:
            return f"{one.path} is passed over: {one.distrust}."
    return ""


def _teams_from_file(found: TeamSources, file: FoundTeamFile) -> list[tuple[str, TeamRecord]]:
    return [(state, record) for state, record in found.teams.items() if record.file == file.path]


def _started_team(found: TeamSources, file: FoundTeamFile) -> str:
    """The team that was started from this file: the one that it names, if that is among them."""
    names = [record.team for _, record in _teams_from_file(found, file)]
    return "" if not names else file.name if file.name in names else names[0]
