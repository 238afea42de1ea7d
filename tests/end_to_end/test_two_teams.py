"""Two teams of one person in a real tmux: each folder means its own team, and ending one does not affect the other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from controller.team.workspace_record import WorkspaceRecord, read_workspace_record
from controller.workspace.child_processes import is_alive
from gateway.client.discovery.running_gateway import read_running
from tests.end_to_end.desk_session import DEMO, TMUX, run_command
from tests.fakes.terminal import terminal
from tests.support.commands import Groupchat, Outcome

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
DEFAULT, SITE = "llm-groupchat", "llm-groupchat/teams/site"


@dataclass
class Desk:
    """A home with projects, a separate tmux, and no variables that name a team."""

    home: Path
    sockets: Path

    @property
    def environment(self) -> dict[str, str]:
        base = {name: value for name, value in Groupchat(self.home).environment.items() if not name.startswith("TMUX")}
        del base["GROUPCHAT_STATE"]
        own = {"HOME": str(self.home), "XDG_STATE_HOME": str(self.home / "states"), "TERM": "xterm-256color"}
        return {**base, **own, "TMUX_TMPDIR": str(self.sockets)}

    def project(self, name: str, team: str = "", *agents: str) -> Path:
        folder = self.home / name
        folder.mkdir()
        lines = [f'name = "{team}"'] * bool(team)
        lines += [f'[[agents]]\nname = "{agent}"\ncommand = "{DEMO}"' for agent in agents]
        if agents:
            (folder / "team.toml").write_text("\n".join([*lines, ""]))
        return folder

    def __call__(self, cwd: Path, *words: str, **env: str) -> Outcome:
        return run_command(words, {**self.environment, **env}, cwd)

    def up(self, cwd: Path, **env: str) -> Any:
        done = self(cwd, "up", "--detach", "--yes", "--json", "--port", "0", **env)
        assert done.code == 0, done
        return done.json

    def tmux(self, *words: str) -> str:
        done = subprocess.run(
            [TMUX, *words], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout

    def state(self, name: str) -> Path:
        return self.home / "states" / name

    def record(self, name: str) -> WorkspaceRecord:
        found = read_workspace_record(self.state(name))
        assert found is not None
        return found

    def pids(self, name: str) -> list[int]:
        """The pids of a team: its panes, its gateway and its supervisor."""
        record, running = self.record(name), read_running(self.state(name))
        panes = self.tmux(
            "-S", record.socket or "", "list-panes", "-s", "-t", f"={record.session}", "-F", "#{pane_pid}"
        )
        assert running is not None and record.gateway is not None
        return [running.pid, record.gateway.pid, *map(int, panes.split())]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with a_desk(tmp_path) as made:
        yield made


@contextmanager
def a_desk(home: Path) -> Iterator[Desk]:
    sockets = Path(tempfile.mkdtemp(prefix="gc-"))
    made = Desk(home, sockets)
    try:
        yield made
    finally:
        for one in made(home, "teams", "--json").json["teams"]:
            made(home, "down", "--state", one["state"])
        made.tmux("kill-server")
        shutil.rmtree(sockets, ignore_errors=True)


@dataclass(frozen=True)
class Folders:
    other: Path
    site: Path
    deep: Path
    none: Path


def both_started(desk: Desk) -> Folders:
    """The default team from one folder, another team from a subfolder of its own."""
    other, site, none = desk.project("other", "", "ada"), desk.project("site", "site", "owl"), desk.project("none")
    deep = site / "src" / "deep"
    deep.mkdir(parents=True)
    assert desk.up(other)["team"] == "default"
    started = desk.up(deep)
    assert (started["team"], started["session"]) == ("site", "llm-groupchat-site")
    assert {one.name: one.project for one in desk.record(SITE).agents} == {"owl": str(site)}, "as the file says"
    return Folders(other, site, deep, none)


async def test_each_folder_means_its_own_team(desk: Desk) -> None:
    folders = both_started(desk)
    both_are_listed(desk, folders)
    each_is_meant_in_its_folder(desk, folders)
    what_would_share_or_end_another_is_refused(desk, folders)
    ending_one_leaves_the_other(desk, folders)


def both_are_listed(desk: Desk, folders: Folders) -> None:
    listed = {one["team"]: one for one in desk(folders.none, "teams", "--json").json["teams"]}
    assert {name: (one["agents"], one["gateway"], one["file"]) for name, one in listed.items()} == {
        "default": (["ada"], "yes", str(folders.other / "team.toml")),
        "site": (["owl"], "yes", str(folders.site / "team.toml")),
    }
    assert all(one["session"] and one["since"] and one["url"] for one in listed.values())


def each_is_meant_in_its_folder(desk: Desk, folders: Folders) -> None:
    teams = {folders.other: "default", folders.none: "default", folders.site: "site", folders.deep: "site"}
    sessions = {"default": "llm-groupchat", "site": "llm-groupchat-site"}
    for cwd, name in teams.items():
        status = desk(cwd, "status", "--json").json
        assert (status["name"], status["session"]) == (name, sessions[name])
        assert desk(cwd, "send", f"from {cwd.name}", "--json").json["team"] == name
    said = [one["content"] for one in desk(folders.site, "history", "--json").json["messages"]]
    assert "from deep" in said and "from other" not in said
    told = desk(folders.deep, "send", "which?")
    assert (told.err, told.out[:1]) == ("Team site (~/site/team.toml).\n", "#")
    assert desk(folders.other, "send", "which?").err == ""


def what_would_share_or_end_another_is_refused(desk: Desk, folders: Folders) -> None:
    named = {"GROUPCHAT_STATE": str(desk.state(DEFAULT))}
    doubt = desk(folders.site, "down", **named)
    assert doubt.code == 1 and "the team default" in doubt.err and "the team site" in doubt.err
    shared = desk(folders.site, "up", "--detach", "--yes", "--json", **named).error
    assert shared["code"] == "conflict"
    assert "holds the team default" in shared["message"] and "not the team site" in shared["message"]
    copy = desk.project("copy", "site", "owl")
    for words in (["up", "--detach", "--yes"], ["down"], ["send", "hello"], ["add", "zoe", "--", "true"]):
        refused = desk(copy, words[0], "--json", *words[1:])
        assert str(folders.site / "team.toml") in refused.error["message"], words


def ending_one_leaves_the_other(desk: Desk, folders: Folders) -> None:
    mine = desk.pids(DEFAULT)
    ended = desk(folders.deep, "down", "--json").json
    assert ended == {"ended": ["session", "owl", "gateway"], "team": "site", "state": str(desk.state(SITE))}
    assert desk.pids(DEFAULT) == mine and all(is_alive(pid) for pid in mine)
    assert desk(folders.site, "down").out == "Stopped of the team site: nothing was running.\n"
    assert desk.tmux("list-sessions", "-F", "#{session_name}") == "llm-groupchat\n"
    assert "there are: default" in desk(folders.none, "down", "nobody", "--json").error["message"]
    assert desk(folders.site, "down", "default").out == "Stopped: session, ada, gateway.\n"
    assert desk(folders.none, "teams").out == "No team runs; `groupchat up` starts one.\n"
    assert not any(is_alive(pid) for pid in mine)


async def test_a_team_is_found_in_the_tmux_that_it_was_started_in(desk: Desk) -> None:
    """`up` inside a tmux of another socket; everything else from outside."""
    site, none = desk.project("site", "site", "owl"), desk.project("none")
    foreign = ("-L", "foreign")
    desk.tmux(*foreign, "new-session", "-d", "-s", "work", "-x", "100", "-y", "30", "sleep 600")
    inside = desk.tmux(*foreign, "display-message", "-p", "#{socket_path},#{pid},0").strip()
    desk.up(site, TMUX=inside)
    assert desk.record(SITE).socket == inside.partition(",")[0]
    before = desk.pids(SITE)
    assert len(before) == 4
    assert [one["session"] for one in desk(none, "teams", "--json").json["teams"]] == ["llm-groupchat-site"]
    assert desk.up(site)["session"] == "llm-groupchat-site"
    assert desk.pids(SITE) == before, "from elsewhere it is entered, not started again"
    await attached_by_its_name(desk, none)
    assert desk(none, "down", "site", "--json").json["ended"] == ["session", "owl", "gateway"]
    assert not any(is_alive(pid) for pid in before)
    assert desk.tmux(*foreign, "list-sessions", "-F", "#{session_name}").split() == ["work"]
    desk.tmux(*foreign, "kill-server")


async def attached_by_its_name(desk: Desk, cwd: Path) -> None:
    """Inside that tmux the client is switched."""
    command = f"PYTHONPATH={os.getcwd()} {sys.executable} -P -m controller.cli.main attach site"
    client = [TMUX, "-L", "foreign", "attach", "-t", "work"]
    async with terminal(client, desk.environment, columns=100, lines=30) as person:
        await person.shows("[work]")
        desk.tmux("-L", "foreign", "new-window", "-t", "work", "-c", str(cwd), command)
        await person.shows("[llm-groupchat-site]")
        await person.shows("● owl")
