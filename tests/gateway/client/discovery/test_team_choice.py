"""Which team is meant, as a table: two teams, three folders, with and without the option and the variable."""

from __future__ import annotations

import pytest

from gateway.client.discovery.team_choice import (
    ChoiceBasis,
    FoundTeamFile,
    TeamChoice,
    TeamRecord,
    TeamSources,
    choose_team,
    is_of_another,
    state_folder_to_start,
)
from gateway.protocol.errors import BadRequest, Conflict

HOME, SITE, ELSEWHERE = "/home", "/home/teams/site", "/elsewhere"
FILE = FoundTeamFile("/site/team.toml", "/site", "site", here=True)
ABOVE = FoundTeamFile("/site/team.toml", "/site", "site")
UNNAMED = FoundTeamFile("/other/team.toml", "/other", here=True)
MALLORYS = FoundTeamFile("/tmp/team.toml", "/tmp", distrust="it belongs to mallory", here=True)
BROKEN = FoundTeamFile("/site/team.toml", "/site", broken="/site/team.toml: Expected '='.", here=True)
RUNS = {
    HOME: TeamRecord("default", alive=True),
    SITE: TeamRecord("site", "/site/team.toml", alive=True),
}


def meant(
    *files: FoundTeamFile, teams: dict[str, TeamRecord] = RUNS, option: str = "", variable: str = ""
) -> TeamChoice:
    return choose_team(TeamSources(HOME, option, variable, files, teams))


@pytest.mark.parametrize("folder", [(FILE,), (ABOVE,), (UNNAMED,), (), (MALLORYS,), (BROKEN,)])
@pytest.mark.parametrize("state", [HOME, SITE, ELSEWHERE])
def test_an_option_means_exactly_that_folder(folder: tuple[FoundTeamFile, ...], state: str) -> None:
    for variable in ("", HOME, SITE, ELSEWHERE):
        choice = meant(*folder, option=state, variable=variable)
        assert (choice.state, choice.ground, choice.conflict) == (state, ChoiceBasis.OPTION, "")


@pytest.mark.parametrize(
    ("files", "variable", "state", "name"),
    [
        ((FILE,), "", SITE, "site"),
        ((ABOVE,), "", SITE, "site"),
        ((UNNAMED,), "", HOME, "default"),
        ((), "", HOME, "default"),
        ((FILE,), SITE, SITE, "site"),
        ((ABOVE,), HOME, HOME, "default"),
        ((FILE,), ELSEWHERE, ELSEWHERE, ""),
        ((UNNAMED,), SITE, SITE, "site"),
        ((UNNAMED,), HOME, HOME, "default"),
        ((), SITE, SITE, "site"),
        ((), ELSEWHERE, ELSEWHERE, ""),
        ((BROKEN,), SITE, SITE, "site"),
        ((MALLORYS,), "", HOME, "default"),
        ((MALLORYS, ABOVE), "", SITE, "site"),
        ((MALLORYS,), SITE, SITE, "site"),
        ((BROKEN,), "", SITE, "site"),
    ],
)
def test_who_is_meant(files: tuple[FoundTeamFile, ...], variable: str, state: str, name: str) -> None:
    choice = meant(*files, variable=variable)
    assert (choice.state, choice.name) == (state, name)


@pytest.mark.parametrize(
    ("files", "variable", "conflicts"),
    [
        ((FILE,), "", False),
        ((), "", False),
        ((FILE,), SITE, False),
        ((FILE,), HOME, True),
        ((UNNAMED,), SITE, True),
        ((UNNAMED,), HOME, False),
        ((FILE,), ELSEWHERE, False),
        ((MALLORYS,), "", True),
        ((MALLORYS, ABOVE), "", False),
        ((MALLORYS,), SITE, False),
    ],
)
def test_what_is_in_doubt_is_said_and_ends_nothing(
    files: tuple[FoundTeamFile, ...], variable: str, conflicts: bool
) -> None:
    choice = meant(*files, variable=variable)
    assert bool(choice.conflict) == conflicts
    assert bool(choice.remark) or not conflicts


def test_both_teams_are_named() -> None:
    found = meant(FILE, variable=HOME)
    for words in (found.conflict, found.remark):
        assert "default" in words and "site" in words and "GROUPCHAT_STATE" in words


@pytest.mark.parametrize("file", [FILE, UNNAMED])
def test_a_namesake_that_runs_from_another_file_is_not_meant(file: FoundTeamFile) -> None:
    """Neither a copy of a project nor a hostile clone leads to the team of the first."""
    other = {SITE: TeamRecord("site", "/first/team.toml", True), HOME: TeamRecord("default", "/first/team.toml", True)}
    with pytest.raises(Conflict, match=r"/first/team\.toml.*Two teams never share a folder"):
        meant(file, teams=other)
    ended = {state: TeamRecord(one.team, one.file) for state, one in other.items()}
    assert meant(file, teams=ended).name == file.name


def test_a_team_is_known_by_the_file_that_it_was_started_from() -> None:
    renamed = FoundTeamFile("/site/team.toml", "/site", "web", here=True)
    assert meant(renamed).name == "site"
    theirs = FoundTeamFile("/site/team.toml", "/site", distrust="it belongs to alice", here=True)
    found = meant(theirs)
    assert (found.name, found.conflict, found.remark) == ("site", "", "")


def test_a_file_that_cannot_be_read_is_a_sentence() -> None:
    with pytest.raises(BadRequest, match=r"Expected '='\. So its team is not known"):
        meant(BROKEN, teams={})


@pytest.mark.parametrize(
    ("team", "file", "teams", "state"),
    [
        ("default", "", {}, HOME),
        ("site", "/site/team.toml", {}, SITE),
        ("site", "/site/team.toml", {ELSEWHERE: TeamRecord("site", "/site/team.toml", True)}, ELSEWHERE),
        ("web", "/site/team.toml", RUNS, SITE),  # and is refused there: the site still runs from this file
        ("web", "/site/team.toml", {SITE: TeamRecord("site", "/site/team.toml")}, "/home/teams/web"),
    ],
)
def test_where_a_team_is_started(team: str, file: str, teams: dict[str, TeamRecord], state: str) -> None:
    assert state_folder_to_start(TeamSources(HOME, teams=teams), team, file) == state
    for option, variable in (("/x", ""), ("", "/x"), ("/x", "/y")):
        assert state_folder_to_start(TeamSources(HOME, option, variable, teams=teams), team, file) == "/x"


@pytest.mark.parametrize(
    ("record", "team", "file", "another"),
    [
        (TeamRecord("site", "/a"), "site", "/a", False),
        (TeamRecord("site", "/a"), "site", "", False),
        (TeamRecord("site"), "site", "/a", False),
        (TeamRecord("site", "/a"), "site", "/b", True),
        (TeamRecord("site", "/a"), "web", "/a", True),
        (TeamRecord("site", "/a"), "", "", False),
    ],
)
def test_whose_a_record_is(record: TeamRecord, team: str, file: str, another: bool) -> None:
    assert is_of_another(record, team, file) == another
