"""Every command means the team of its folder: two teams, three folders, with and without GROUPCHAT_STATE.

The commands are found in the programs themselves. Where the folder of the meant team should be lies a file, so that
nothing starts, and whatever a command says names the folder, or the team file, that it meant.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sidecar.errors import SidecarError
from tests.support.command_tree import APPS, leaves

MODULES = {"controller": "controller.cli.main", "gateway": "gateway.cli", "sidecar": "sidecar.cli"}

pytestmark = [
    pytest.mark.usefixtures("commands_let_go"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

ABOUT_NO_TEAM = {
    "controller init": "it writes a file",
    "controller teams": "it lists all teams",
    "controller verify": "it reads a file",
    **dict.fromkeys(
        (f"controller key {verb}" for verb in ("new", "list", "rotate", "export", "import", "trust", "revoke")),
        "it works on the keys of this machine, and tells a gateway that runs",
    ),
    "gateway agentchat identity": "it reads a file of the person",
    "gateway deploy": "it writes files for a gateway elsewhere",
    "gateway skynet config": "it reads a file",
    "gateway skynet version": "it prints a text",
    **dict.fromkeys(
        (f"gateway skynet {verb}" for verb in ("agents", "connect", "context", "monitor", "send")),
        "it asks a Skynet server, which may be of no team: see test_skynet_endpoint.py",
    ),
    "sidecar record": "it records a program in no room",
    "sidecar replay": "it reads a recording",
    "sidecar rules check": "it reads files",
    "sidecar skill": "it writes a text",
    "sidecar foresee": "it looks at agents' own settings",
}
READ_A_FILE = ("gateway import", *(f"controller context {verb}" for verb in ("push", "merge", "diff")))
# They would change the process that the tests run in.
PROCESSES = {
    "controller up": ["--demo", "--detach", "--yes", "--port", "0"],
    "gateway serve": ["--port", "0"],
    "gateway mcp": ["--as", "x"],
    "gateway service install": [],
    "sidecar connect": ["x", "--to", "openai-compatible", "--base-url", "http://127.0.0.1:1", "--model", "m"],
    "sidecar join": ["x", "--", "true"],
}
GIVEN = {
    "controller chat": ["--plain"],  # the other form refuses what is no terminal before it looks for a team
    "controller add": ["x", "--", "true"],
    "controller down": ["--json"],
    "controller keys": ["x", "esc"],
    "controller recall": ["--wait"],
    "controller share": ["x", "all"],
    "controller mode set": ["debate", "topic"],
    "controller rooms": [],
    "controller rooms set": ["general", "--keep", "90d"],
    **{name: ["1"] for name in READ_A_FILE},
    "controller propose": ["x", "-o", "a", "-o", "b"],
}


EVERY = {f"{app} {' '.join(path)}": one for app in APPS for path, one in leaves(APPS[app], groups=True)}


def arguments(name: str) -> list[str]:
    """One text for each argument that is needed, unless something else is given for this command."""
    if name in PROCESSES or name in GIVEN:
        return (PROCESSES | GIVEN)[name]
    return ["1" for one in EVERY[name].params if one.param_type_name == "argument" and one.required]


@dataclass(frozen=True)
class Case:
    """In which folder, with or without the variable, and whose state folder is meant."""

    folder: str
    variable: bool

    @property
    def state(self) -> str:
        return (
            "named"
            if self.variable
            else {"one": "home/llm-groupchat/teams/a", "two": "home/llm-groupchat/teams/b"}.get(
                self.folder.split("/")[0], "home/llm-groupchat"
            )
        )


CASES = [Case(folder, variable) for folder in ("one", "two/deep", "three") for variable in (False, True)]
FILES = {"one": 'name = "a"\n[[agents]]\nname = "x"\ncommand = "true"\n', "two": 'name = "b"\n'}


class World:
    def __init__(self, root: Path, case: Case) -> None:
        self.root, self.case, self.cwd = root, case, root / case.folder
        for folder in ("one", "two/deep", "three"):
            (root / folder).mkdir(parents=True)
        for folder, text in FILES.items():
            (root / folder / "team.toml").write_text(text)
        (self.cwd / "1").write_text('{"groupchat": 1, "room": {"name": "general"}, "kinds": {}}')
        state = root / case.state
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_text("")
        state.chmod(0o700)
        own = {"XDG_STATE_HOME": str(root / "home"), "HOME": str(root), "GROUPCHAT_OPERATOR": "alice"}
        self.env = own | ({"GROUPCHAT_STATE": str(root / "named")} if case.variable else {})

    @property
    def words(self) -> list[str]:
        """What an answer about the meant team holds one of."""
        file = self.root / self.case.folder.split("/")[0] / "team.toml"
        return [str(self.root / self.case.state), *([str(file)] if file.exists() and not self.case.variable else [])]

    def check(self, name: str, said: str) -> None:
        flat = "".join(said.split())
        assert any("".join(word.split()) in flat for word in self.words), (name, self.case, said)
        others = [str(self.root / one.state) for one in CASES]
        others = [one for one in others if not self.words[0].startswith(one) and one in flat.replace(self.words[0], "")]
        assert not others, (name, self.case, said)


STARTED = [Case("one", False), Case("two/deep", True)]  # each costs some seconds


@pytest.fixture(params=CASES, ids=str)
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, request.param)
    for name in [one for one in os.environ if one.startswith(("CSP_", "GROUPCHAT_", "TMUX"))]:
        monkeypatch.delenv(name)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(made.cwd)
    return made


def test_what_is_left_out_is_there() -> None:
    assert set(EVERY) >= set(ABOUT_NO_TEAM) | set(PROCESSES) | set(GIVEN)


def test_every_command_means_the_team_of_its_folder(world: World) -> None:
    for name in sorted(set(EVERY) - set(ABOUT_NO_TEAM) - set(PROCESSES)):
        app, *verb = name.split()
        done = CliRunner().invoke(APPS[app], [*verb, *arguments(name)], input="")
        assert done.exception is None or isinstance(done.exception, SystemExit | SidecarError), (name, done.exception)
        world.check(name, done.output + done.stderr + str(done.exception))


@pytest.mark.parametrize("world", STARTED, ids=str, indirect=True)
@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_so_do_those_that_start_something(world: World) -> None:
    base = {name: value for name, value in os.environ.items() if not name.startswith(("CSP_", "GROUPCHAT_", "TMUX"))}
    env = {**base, **world.env, "PYTHONPATH": str(Path(__file__).parents[4])}

    def begun(name: str) -> subprocess.Popen[str]:
        app, *verb = name.split()
        command = [sys.executable, "-P", "-m", MODULES[app], *verb, *arguments(name)]
        return subprocess.Popen(
            command,
            env=env,
            cwd=world.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    started = {name: begun(name) for name in PROCESSES}
    for name, process in started.items():
        world.check(name, process.communicate(timeout=60)[0])
        assert process.returncode, name
