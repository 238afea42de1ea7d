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
from gateway.protocol.types import name_of

DEFAULT_TEAM = "default"
TEAM_FILE = "team.toml"
TEAMS_FOLDER = "teams"
VARIABLE = "GROUPCHAT_STATE"
BY_NAME = "Name one with --state DIR; `groupchat teams` lists them."


class TeamRecord(msgspec.Struct, frozen=True):
    """What `groupchat up` wrote down in a state folder, as far as others need it. `file`: the team file that it read;
    empty if there was none, or if that is not there any more. `alive`: its gateway runs."""

    team: str = DEFAULT_TEAM
    file: str = ""
    alive: bool = False


@dataclass(frozen=True)
class FoundFile:
    """A team file of the current folder, or of one above it. `path` is where it really is, `folder` where it was found;
    `here`: that is the current folder itself. `distrust`: why nothing in it was read. `broken`: why the name of its
    team cannot be told."""

    path: str
    folder: str = ""
    name: str = DEFAULT_TEAM
    distrust: str = ""
    broken: str = ""
    here: bool = False


class Ground(StrEnum):
    """What a choice rests on."""

    OPTION = "--state"
    VARIABLE = VARIABLE
    FILE = "team file"
    NAME = "name"
    DEFAULT = "default"


@dataclass(frozen=True)
class TeamChoice:
    """`name` is empty where only a folder was named and no team has been started with it. `file`: what the choice rests
    on, or was started from. `remark` is for a person to read. `conflict`: why nothing that runs may be changed."""

    state: str
    name: str
    ground: Ground
    file: str = ""
    remark: str = ""
    conflict: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What a choice is made from. `files`, the nearest first; `teams`: what is known of each state folder."""

    home: str
    option: str = ""
    variable: str = ""
    files: Sequence[FoundFile] = ()
    teams: Mapping[str, TeamRecord] = field(default_factory=dict)


def team_name_of(text: str) -> str:
    """Part of a tmux session's name, where `.` and `:` mean something."""
    return name_of(text).replace(".", "-")


def state_of(home: str, team: str) -> str:
    """Each further team has a state of its own beside the default one's."""
    return home if team == DEFAULT_TEAM else f"{home}/{TEAMS_FOLDER}/{team}"


def choose(found: Surroundings) -> TeamChoice:
    if found.option:
        return _exactly(found, found.option, Ground.OPTION)
    file = nearest(found)
    if found.variable:
        choice = _exactly(found, found.variable, Ground.VARIABLE)
        return choice if file is None else _beside(found, choice, file)
    if file is not None:
        return _of_file(found, file)
    return _default(found)


def nearest(found: Surroundings) -> FoundFile | None:
    """The file whose team is meant; one that others could have written counts only for a team that runs from it."""
    return next((one for one in found.files if not one.distrust or _started(found, one)), None)


def state_to_start(found: Surroundings, team: str, file: str) -> str:
    """Where `up` starts this team: in the folder that is named, or where a team from this file runs, or in its own."""
    if named := found.option or found.variable:
        return named
    from_it = {record.team: state for state, record in found.teams.items() if file and record.file == file}
    if team in from_it:
        return from_it[team]
    running = (state for state in from_it.values() if found.teams[state].alive)
    return next(running, state_of(found.home, team))


def is_of_another(record: TeamRecord, team: str, file: str) -> bool:
    """Whether this is the record of another team than the one of this name, or of a namesake from another file."""
    return (bool(team) and record.team != team) or bool(file and record.file and record.file != file)


def two_teams(state: str, record: TeamRecord, team: str, file: str) -> str:
    """The sentence for a state folder in which another team lives than the one that is meant."""
    started = f", which was started from {record.file}" if record.file else ""
    meant = f"the team {team}" + (f" of {file}" if file else "")
    return (
        f"{state} holds the team {record.team}{started}, and not {meant}. Two teams never share a folder: "
        f"`groupchat down {record.team}` ends that one; another name in the team file, or --state DIR, keeps both."
    )


def _exactly(found: Surroundings, state: str, ground: Ground) -> TeamChoice:
    record = found.teams.get(state)
    return TeamChoice(state, record.team if record else "", ground, record.file if record else "")


def _beside(found: Surroundings, choice: TeamChoice, file: FoundFile) -> TeamChoice:
    """The variable goes first. Where it means another team than the folder, that is said, and nothing is ended."""
    if not choice.name:
        return choice
    name = _started(found, file) or ("" if file.broken else file.name)
    if not name or not is_of_another(TeamRecord(choice.name, choice.file), name, file.path):
        return choice
    conflict = (
        f"{VARIABLE} names {choice.state}, which holds the team {choice.name}, and {file.path} is of the team {name}. "
        f"Say which: `--state {choice.state}`, or unset {VARIABLE}."
    )
    remark = f"{VARIABLE} means the team {choice.name} of {choice.state}, not {name} of {file.path}."
    return TeamChoice(choice.state, choice.name, choice.ground, choice.file, remark, conflict)


def _of_file(found: Surroundings, file: FoundFile) -> TeamChoice:
    remark = passed_over(found, file)
    name = _started(found, file)
    if name:
        state = next(one for one, record in _from(found, file) if record.team == name)
        return TeamChoice(state, name, Ground.FILE, file.path, remark)
    if file.broken:
        raise BadRequest(f"{file.broken} So its team is not known. Mend it. Or: {BY_NAME}")
    state = state_of(found.home, file.name)
    record = found.teams.get(state)
    if record is not None and record.alive and is_of_another(record, file.name, file.path):
        raise Conflict(two_teams(state, record, file.name, file.path))
    return TeamChoice(state, file.name, Ground.FILE, file.path, remark)


def _default(found: Surroundings) -> TeamChoice:
    record = found.teams.get(found.home, TeamRecord())
    passed = passed_over(found, None)
    remark = f"{passed} This is the team {record.team}." if passed else ""
    conflict = f"{passed} Say which team is meant, such as `groupchat down {record.team}`." if passed else ""
    return TeamChoice(found.home, record.team, Ground.DEFAULT, record.file, remark, conflict)


def passed_over(found: Surroundings, chosen: FoundFile | None) -> str:
    """A file that is nearer than the chosen one, and is not believed."""
    for one in found.files:
        if one is chosen:
            return ""
        if one.distrust:
            return f"{one.path} is passed over: {one.distrust}."
    return ""


def _from(found: Surroundings, file: FoundFile) -> list[tuple[str, TeamRecord]]:
    return [(state, record) for state, record in found.teams.items() if record.file == file.path]


def _started(found: Surroundings, file: FoundFile) -> str:
    """The team that was started from this file: the one that it names, if that is among them."""
    names = [record.team for _, record in _from(found, file)]
    return "" if not names else file.name if file.name in names else names[0]
