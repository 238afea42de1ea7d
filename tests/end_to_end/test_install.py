"""Installed from the clone with uv, pipx or pip, into an empty home: the commands work, and a demo team answers."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
OWN = Path(sys.executable).parent  # bin/run-tests installs uv and pipx here
SETTINGS = ("PIP_", "UV_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy")
PATIENCE_S = 900
UP = ("up", "--demo", "--detach", "--json", "--port", "0")
BUILDER = "hatchling==1.33.0"

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Person:
    """Who has a machine with this package index, an empty home and nothing of ours."""

    home: Path
    sockets: Path

    @property
    def env(self) -> dict[str, str]:
        found = {name: value for name, value in os.environ.items() if name.startswith(SETTINGS)}
        config = Path.home() / ".config" / "pip" / "pip.conf"
        if config.exists():
            found.setdefault("PIP_CONFIG_FILE", str(config))
        index = pip_setting("global.index-url")
        if index:
            found.setdefault("UV_DEFAULT_INDEX", index)
        system = os.pathsep.join(one for one in os.environ["PATH"].split(os.pathsep) if Path(one) != OWN)
        path = os.pathsep.join((str(self.home / ".local" / "bin"), str(self.home / "tools"), system))
        own = {"PATH": path, "HOME": str(self.home), "TMUX_TMPDIR": str(self.sockets), "LANG": "C.UTF-8"}
        return {**found, **own, "TERM": "xterm-256color"}

    def run(self, *command: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            command,
            env=self.env,
            cwd=cwd or self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout


@functools.cache
def pip_setting(name: str) -> str:
    command = [sys.executable, "-m", "pip", "config", "get", name]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.strip()


@pytest.fixture(scope="module")
def package_index(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("index")
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), BUILDER]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    if done.returncode:
        pytest.skip(f"no package index answers here: {done.stderr.strip().splitlines()[-1]}")


@pytest.fixture
def person(tmp_path: Path, package_index: None) -> Iterator[Person]:
    home, sockets = tmp_path / "home", Path(tempfile.mkdtemp(prefix="gc-"))
    home.mkdir()
    one = Person(home, sockets)
    try:
        yield one
    finally:
        with contextlib.suppress(AssertionError, FileNotFoundError):
            one.run("tmux", "kill-server")
        shutil.rmtree(sockets, ignore_errors=True)


def by_tool(person: Person, *command: str) -> None:
    """By uv or pipx, which the person has installed somehow; `groupchat` is then in ~/.local/bin, where they put it."""
    program = OWN / command[0]
    if not program.exists():
        pytest.skip(f"{command[0]} is not in this environment: bin/run-tests installs it")
    (person.home / "tools").mkdir()
    (person.home / "tools" / command[0]).symlink_to(program)
    person.run(*command, str(ROOT))
    assert (person.home / ".local" / "bin" / "groupchat").exists()


def by_pip(person: Person, *command: str) -> None:
    """In an environment of one's own, as systems' pip refuses to install elsewhere."""
    person.run(sys.executable, "-m", "venv", str(person.home / "env"))
    person.run(str(person.home / "env" / "bin" / command[0]), *command[1:], str(ROOT))
    (person.home / ".local").mkdir()
    (person.home / ".local" / "bin").symlink_to(person.home / "env" / "bin")


WAYS = {"uv tool install": by_tool, "pipx install": by_tool, "pip install": by_pip}


@pytest.mark.parametrize("way", WAYS)
def test_it_installs_into_an_empty_home_and_a_team_answers(way: str, person: Person) -> None:
    WAYS[way](person, *way.split())
    project = person.home / "project"
    project.mkdir()
    assert person.run("groupchat", "--version", cwd=project).startswith("groupchat ")
    assert json.loads(person.run("groupchat", *UP, cwd=project))["agents"]
    try:
        answer = person.run(
            "groupchat", "send", "@ada", "say It is installed.", "--wait-reply", "--timeout", "60", cwd=project
        )
        assert "It is installed." in answer
    finally:
        person.run("groupchat", "down", cwd=project)
    assert list(project.iterdir()) == []


@pytest.mark.parametrize("way", WAYS)
def test_the_readme_names_each_way(way: str) -> None:
    assert f"{way} ./llm-groupchat" in README.read_text()
