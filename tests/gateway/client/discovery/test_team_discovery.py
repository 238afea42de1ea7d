"""What is looked at to tell which team is meant, on a real disk; and whose word a file is."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import platformdirs
import pytest

from gateway.client.discovery.endpoint import find_endpoint, state_for
from gateway.client.discovery.team_choice import ChoiceBasis
from gateway.client.discovery.team_discovery import MAX_FILE_BYTES, home_folder, own_state_folders, team_for_folder
from gateway.console.client_options import ClientOptions
from gateway.files.file_ownership import FileOwnership, distrust_of_team_file
from gateway.protocol.errors import BadRequest, Unavailable
from tests.support.other_user import NOBODY, needs_root


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    return home_folder()


def folder(path: Path, text: str | None = None) -> Path:
    path.mkdir(parents=True)
    if text is not None:
        (path / "team.toml").write_text(text)
    return path


def record(state: Path, team: str, file: str = "") -> None:
    state.mkdir(parents=True, mode=0o700)
    (state / "workspace.json").write_text(json.dumps({"team": team, "file": file, "born": "more", "agents": []}))


def test_the_nearest_file_upwards(tmp_path: Path, home: Path) -> None:
    site = folder(tmp_path / "site", 'name = "Site.A"')
    deep = folder(site / "src" / "deep")
    nearer = folder(site / "vendor", "[layout]\nchat = 30")
    for cwd, state in {site: "teams/site-a", deep: "teams/site-a", nearer: ".", tmp_path: "."}.items():
        assert team_for_folder({}, cwd=cwd).state == str(home / state), cwd
    assert not home.exists(), "asking makes nothing"


def test_a_link_to_a_file_is_that_file(tmp_path: Path, home: Path) -> None:
    real = folder(tmp_path / "real", 'name = "site"')
    linked = folder(tmp_path / "linked")
    (linked / "team.toml").symlink_to(real / "team.toml")
    assert team_for_folder({}, cwd=linked).file == str((real / "team.toml").resolve())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name = ", "team.toml: Invalid value"),
        (b"name = 7", "`name` must be text in quotes"),
        (b'name = "../../etc"', "is not a valid name"),
        (b"\xff\xfe", "codec can't decode"),
        (b"#" * (MAX_FILE_BYTES + 1), "is larger than"),
    ],
)
def test_a_file_whose_team_cannot_be_told(tmp_path: Path, home: Path, content: bytes, says: str) -> None:
    (folder(tmp_path / "site") / "team.toml").write_bytes(content)
    with pytest.raises(BadRequest, match=says):
        team_for_folder({}, cwd=tmp_path / "site")
    assert team_for_folder({"GROUPCHAT_STATE": "/x"}, cwd=tmp_path / "site").state == "/x"


def test_what_is_no_file_is_not_read(tmp_path: Path, home: Path) -> None:
    os.mkfifo(folder(tmp_path / "pipe") / "team.toml")
    folder(tmp_path / "folder" / "team.toml")
    for cwd in (tmp_path / "pipe", tmp_path / "folder"):
        assert team_for_folder({}, cwd=cwd).ground is ChoiceBasis.DEFAULT


def test_a_folder_that_is_gone(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder(tmp_path / "gone"))
    (tmp_path / "gone").rmdir()
    assert team_for_folder({}).state == str(home)


def test_the_teams_that_are_known(tmp_path: Path, home: Path) -> None:
    record(home / "teams" / "site", "site")
    record(home / "teams" / "a", "a")
    assert own_state_folders([tmp_path, home]) == [home, home / "teams" / "a", home / "teams" / "site", tmp_path]


# whose word it is

US, OTHER = 1000, 1001


def found(uid: int, mode: int, *, alone: bool = False) -> FileOwnership:
    return FileOwnership("/a", uid, {0: "root", US: "me", OTHER: "mallory"}[uid], mode, alone)


OWN = found(US, stat.S_IFDIR | 0o755)


@pytest.mark.parametrize(
    ("file", "folders", "says"),
    [
        (found(US, 0o644), [OWN], ""),
        (found(0, 0o644), [OWN], ""),
        (found(US, 0o664, alone=True), [OWN], ""),
        (found(US, 0o644), [found(US, stat.S_IFDIR | 0o775, alone=True)], ""),
        (found(OTHER, 0o644), [OWN], "belongs to mallory"),
        (found(US, 0o664), [OWN], "others may write to it"),
        (found(US, 0o646), [OWN], "others may write to it"),
        (found(US, 0o644), [OWN, found(0, stat.S_IFDIR | 0o1777)], "others may write in /a (mode 1777)"),
        (found(US, 0o644), [found(US, stat.S_IFDIR | 0o775), OWN], "others may write in /a"),
    ],
)
def test_whose_word_a_file_is(file: FileOwnership, folders: list[FileOwnership], says: str) -> None:
    wrong = distrust_of_team_file(file, folders, {US, 0})
    assert says in wrong if says else wrong == ""


def test_what_others_may_write_is_passed_over(tmp_path: Path, home: Path) -> None:
    open_to_all = folder(tmp_path / "open", 'name = "site"')
    cwd = folder(open_to_all / "mine")
    open_to_all.chmod(0o1777)
    choice = team_for_folder({}, cwd=cwd)
    assert (choice.state, choice.ground) == (str(home), ChoiceBasis.DEFAULT)
    assert "is passed over: others may write in" in choice.remark and "This is the team default" in choice.remark
    assert "groupchat down default" in choice.conflict
    record(home / "teams" / "site", "site", str(open_to_all / "team.toml"))
    assert team_for_folder({}, cwd=cwd).name == "site", "this user has started it from there"


@needs_root
def test_another_users_file_leads_nowhere(tmp_path: Path, home: Path) -> None:
    """Neither as the file of the folder itself, nor from above, nor as a link: not even its name is read."""
    record(home / "teams" / "prod", "prod")
    theirs = folder(tmp_path / "theirs", 'name = "prod"')
    for path in (theirs, theirs / "team.toml"):
        os.chown(path, NOBODY, NOBODY)
    ours, linked = folder(theirs / "ours"), folder(tmp_path / "linked")
    (linked / "team.toml").symlink_to(theirs / "team.toml")
    for cwd in (theirs, ours, linked):
        choice = team_for_folder({}, cwd=cwd)
        assert (choice.state, bool(choice.conflict)) == (str(home), True), cwd
        assert "prod" not in choice.remark + choice.conflict


# a gateway that is named


def test_a_named_gateway_is_meant_whatever_the_folder_says(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(tmp_path / "broken", "name = ")
    monkeypatch.chdir(tmp_path / "broken")
    for env, gateway in (({}, "http://far:1"), ({"CSP_GATEWAY_URL": "http://far:1"}, None)):
        endpoint = find_endpoint(env, gateway=gateway, token="t")
        assert (endpoint.url, endpoint.token) == ("http://far:1", "t")
        assert state_for(env, gateway=gateway) == home


def test_what_a_chat_starts_means_what_the_chat_means(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CSP_GATEWAY_URL", raising=False)
    monkeypatch.delenv("GROUPCHAT_STATE", raising=False)
    monkeypatch.chdir(folder(tmp_path / "site", 'name = "site"'))
    other = folder(tmp_path / "other", 'name = "other"')
    for context, state in {ClientOptions(): home / "teams" / "site", ClientOptions(state="/x"): Path("/x")}.items():
        assert team_for_folder(context.as_environment(), cwd=other).state == str(state)
    far = ClientOptions("http://far:1", None, "cert.pem", "ab" * 32).as_environment()
    assert far == {
        "GROUPCHAT_STATE": str(home),
        "CSP_GATEWAY_URL": "http://far:1",
        "GROUPCHAT_CAFILE": "cert.pem",
        "GROUPCHAT_FINGERPRINT": "ab" * 32,
    }


def test_the_sentence_of_a_team_that_does_not_run(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder(tmp_path / "site", 'name = "site"'))
    with pytest.raises(Unavailable, match=r"teams/site\. Start it with `groupchat up`"):
        find_endpoint({})


@pytest.mark.parametrize("chosen", ["", "/srv/state", " ", "relative/state", "~/state"])
@pytest.mark.parametrize("home", ["/home/ada", "/", "relative"])
def test_the_home_of_all_teams_is_where_the_system_keeps_state(
    home: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is worked out here for most, because the library that knows each system takes long to import."""
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("XDG_STATE_HOME", chosen)
    assert home_folder() == Path(platformdirs.user_state_dir("llm-groupchat"))
