"""Gathers the inputs for the choice of a team: the variables, the team files from a folder upwards, and the teams that
this user has started. It creates nothing and runs nothing."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from gateway.client.discovery.running_gateway import TEAM_RECORD, has_live_gateway
from gateway.client.discovery.team_choice import (
    DEFAULT_TEAM,
    STATE_VARIABLE,
    TEAM_FILE,
    TEAMS_FOLDER,
    FoundTeamFile,
    TeamChoice,
    TeamRecord,
    TeamSources,
    choose_team,
    normalize_team_name,
)
from gateway.files.file_ownership import distrust_of_team_file
from gateway.files.private_files import check_path_owners, ownership_of, trusted_users
from gateway.protocol.errors import Forbidden, GroupChatError

APPLICATION = "llm-groupchat"
MAX_FILE_BYTES = 1_000_000


def home_folder() -> Path:
    """The state folder of the default team; it contains those of the other teams."""
    home, chosen = os.environ.get("HOME", ""), os.environ.get("XDG_STATE_HOME", "")
    if sys.platform == "linux" and os.path.isabs(home) and (not chosen or os.path.isabs(chosen)):
        return Path(chosen or Path(home, ".local", "state"), APPLICATION)
    import platformdirs  # noqa: PLC0415  a Tab in a shell waits for each import, and this one loads many

    return Path(platformdirs.user_state_dir(APPLICATION))


def named_folder(env: Mapping[str, str], chosen: str | os.PathLike[str] | None = None) -> Path | None:
    """The state folder named by an option or the variable."""
    wanted = chosen or env.get(STATE_VARIABLE)
    return Path(wanted).expanduser().absolute() if wanted else None


def state_folder(env: Mapping[str, str], chosen: str | os.PathLike[str] | None = None) -> Path:
    """The state folder of the selected team, which holds everything that is written. Looking it up creates nothing."""
    return Path(team_for_folder(env, chosen).state)


def team_for_folder(
    env: Mapping[str, str], chosen: str | os.PathLike[str] | None = None, cwd: Path | None = None
) -> TeamChoice:
    return choose_team(find_team_sources(env, chosen, cwd))


def find_team_sources(
    env: Mapping[str, str], chosen: str | os.PathLike[str] | None = None, cwd: Path | None = None
) -> TeamSources:
    option, variable = named_folder({}, chosen), named_folder(env)
    states = own_state_folders([one for one in (option, variable) if one is not None])
    teams = {str(state): record for state in states if (record := read_record(state)) is not None}
    files = list(_find_team_files(cwd or _cwd(), {record.file for record in teams.values()}))
    return TeamSources(str(home_folder()), str(option or ""), str(variable or ""), files, teams)


def own_state_folders(named: Collection[Path] = ()) -> list[Path]:
    """The state folders in which this user may have teams."""
    home = home_folder()
    further = sorted(one for one in (home / TEAMS_FOLDER).glob("*") if one.is_dir())
    return list(dict.fromkeys([home, *further, *named]))


def read_record(state: Path) -> TeamRecord | None:
    try:
        record = msgspec.json.decode((state / TEAM_RECORD).read_bytes(), type=TeamRecord)
    except (OSError, msgspec.MsgspecError):
        return None
    return TeamRecord(record.team, existing_team_file(record.file), _is_running(state))


def existing_team_file(file: str) -> str:
    """The file that a team was started from; empty if it is gone."""
    with contextlib.suppress(OSError, ValueError):
        return file if file and Path(file).exists() else ""
    return ""


def _is_running(state: Path) -> bool:
    with contextlib.suppress(OSError, GroupChatError):
        return has_live_gateway(state)
    return False


def _cwd() -> Path | None:
    with contextlib.suppress(OSError):  # the folder has been removed
        return Path.cwd()
    return None


def _find_team_files(cwd: Path | None, started: Collection[str]) -> Iterator[FoundTeamFile]:
    """Team files upwards from a folder, up to the first that counts."""
    for folder in [] if cwd is None else [cwd, *cwd.parents]:
        path = folder / TEAM_FILE
        if not _is_file(path):
            continue
        found = _inspect_team_file(path, here=folder == cwd)
        yield found
        if not found.distrust or found.path in started:
            return


def _is_file(path: Path) -> bool:
    with contextlib.suppress(OSError):  # we may not read the folder
        return path.is_file()
    return False


def _inspect_team_file(path: Path, *, here: bool) -> FoundTeamFile:
    found = FoundTeamFile(str(path.resolve()), str(path.parent), here=here)
    if distrust := _distrust_of(path):
        return replace(found, distrust=distrust)
    try:
        return replace(found, name=_read_team_name(path))
    except OSError as error:
        return replace(found, broken=f"{path} cannot be read: {error.strerror or error}.")
    except (ValueError, GroupChatError) as error:
        return replace(found, broken=f"{path}: {str(error).rstrip('.')}.")


def _distrust_of(path: Path) -> str:
    try:
        check_path_owners(path)
        real = path.resolve()
        folders = {path.parent, real.parent}
        return distrust_of_team_file(
            ownership_of(real, os.stat(real)), [ownership_of(one, os.stat(one)) for one in folders], trusted_users()
        )
    except (Forbidden, OSError) as error:
        return str(error).rstrip(".")


def _read_team_name(path: Path) -> str:
    """The team's name from the file. Nothing else of it is used."""
    with path.open("rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no file")
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"it is larger than {MAX_FILE_BYTES} bytes")
    import tomllib  # noqa: PLC0415  only where there is a team file

    name = tomllib.loads(content.decode()).get("name", DEFAULT_TEAM)
    if not isinstance(name, str):
        raise ValueError("`name` must be text in quotes")
    return normalize_team_name(name) if name else DEFAULT_TEAM
