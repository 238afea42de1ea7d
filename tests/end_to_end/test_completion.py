"""Completion at a real Tab in bash, zsh and fish, with a real gateway, and without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect  # type: ignore[import-untyped]
import pytest

from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess

pytestmark = pytest.mark.processes

PATIENCE_S = 60
BIN = Path(sys.executable).parent
LINES = {
    "groupchat histo": "history",
    "groupchat history --room att": "attic",
    "groupchat history --fro": "--from",
    "groupchat send @clau": "@claude",
    "groupchat pause clau": "claude",
    "groupchat share claude rep": "replies",
    "groupchat mode deb": "debate",
    "groupchat mode set cons": "consensus",
    "groupchat decide d-": "d-",
    "groupchat attach defa": "default",
    "groupchat logs gat": "gateway",
    "groupchat token revoke clau": "claude",
    "groupchat export att": "attic",
    "groupchat keys claude shift": "shift-tab",
    "groupchat join ada --agent openc": "opencode",
    "groupchat skill revi": "reviewer",
    "groupchat skill reviewer --for gem": "gemini",
}
shells = pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("completion") / "state").running() as running:
        groupchat = Groupchat(running.state, quick=True)
        for words in (
            ("token", "create", "claude", "--role", "coder", "--json"),
            ("rooms", "--create", "attic", "--topic", "'$(touch made)' `touch made`"),
            ("propose", "Which?", "-o", "tabs", "-o", "spaces"),
            ("send", "hello"),
            ("send", "--room", "attic", "up here"),
        ):
            assert groupchat(*words).code == 0
        yield running


@pytest.fixture(scope="module")
def lines(process: GatewayProcess) -> dict[str, str]:
    """With the number of the only message in a room."""
    (only,) = Groupchat(process.state, quick=True)("history", "--room", "attic", "--json").json["messages"]
    return {**LINES, "groupchat receipts --room attic ": str(only["seq"])}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all shells: the index of the commands is made once."""
    return tmp_path_factory.mktemp("home")


def environment(state: Path, home: Path) -> dict[str, str]:
    env = Groupchat(state).environment
    return {**env, "HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}", "TERM": "dumb", "GROUPCHAT_TIMEOUT": "30"}


def script(shell: str, env: dict[str, str]) -> str:
    """What `groupchat --install-completion` installs for this shell."""
    asked = {**env, "_GROUPCHAT_COMPLETE": f"source_{shell}"}
    done = subprocess.run(["groupchat"], env=asked, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    return done.stdout


def needed(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here; bin/run-tests installs it")


@pytest.fixture
def terminals() -> Iterator[list[pexpect.spawn]]:
    opened: list[pexpect.spawn] = []
    yield opened
    for one in opened:
        one.close(force=True)


def opened_shell(shell: str, env: dict[str, str], folder: Path) -> pexpect.spawn:
    """An interactive shell with completion. A bare prompt shows when it is ready."""
    file = folder / f"completion.{shell}"
    file.write_text(script(shell, env))
    options = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}[shell]
    running = pexpect.spawn(
        shell, options, env=env, cwd=str(folder), encoding="utf-8", timeout=PATIENCE_S, dimensions=(50, 200)
    )
    prepare = {"bash": "", "zsh": "autoload -Uz compinit; compinit -u -D; PS1='$ '; unsetopt zle_bracketed_paste; "}
    running.sendline(f"{prepare[shell]}. {file}; echo rea''dy")
    running.expect("ready\r")
    return running


@pytest.fixture(scope="module")
def beside(process: GatewayProcess, home: Path) -> dict[str, str]:
    """The environment of a shell that finds the gateway."""
    return environment(process.state, home)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_tab_completes(
    shell: str, beside: dict[str, str], lines: dict[str, str], tmp_path: Path, terminals: list[pexpect.spawn]
) -> None:
    needed(shell)
    running = opened_shell(shell, beside, tmp_path)
    terminals.append(running)
    for line, word in lines.items():
        running.send(f"{line}\t")
        running.send("\x01echo '=\x05'\r")  # what stands in the line now, printed
        running.expect(r"\r\n=([^\r\n]*)\r")
        assert running.match is not None
        assert running.match[1].startswith(line[: line.rindex(" ") + 1] + word), line
    assert not (tmp_path / "made").exists(), "a text of the room was run"


def test_fish_completes(process: GatewayProcess, lines: dict[str, str], home: Path, tmp_path: Path) -> None:
    needed("fish")
    env = environment(process.state, home)
    file = tmp_path / "completion.fish"
    file.write_text(script("fish", env))
    asks = "; ".join(f"echo line; complete -C '{line}'" for line in lines)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {file}; {asks}"],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    answers = [one.split("\t")[0].strip() for one in done.stdout.split("line\n")[1:]]
    assert [word for word, (line, want) in zip(answers, lines.items(), strict=True) if not word.startswith(want)] == []
    assert not (tmp_path / "made").exists(), "a text of the room was run"


@shells
def test_without_a_gateway_it_is_silent(shell: str, home: Path, tmp_path: Path) -> None:
    env = environment(tmp_path / "nothing", home)
    line = "groupchat history --room "
    asked = {"COMP_WORDS": line.replace(" ", "\n"), "COMP_CWORD": "3", "_TYPER_COMPLETE_ARGS": line}
    done = subprocess.run(
        ["groupchat"],
        env={**env, **asked, "_GROUPCHAT_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", "_files" if shell == "zsh" else "")


def test_who_asks_a_gateway_on_this_machine_does_not_wait_for_slow_imports() -> None:
    """A shell imports it at each Tab that completes a name."""
    code = (
        "import sys; from controller.cli.completion import value_lookups, main; "
        "from gateway.client.discovery.team_discovery import home_folder; home_folder(); "
        "print(*{'typer', 'click', 'ssl', 'hashlib', 'platformdirs', 'tempfile', 'tomllib', 'subprocess', 'asyncio'}"
        ".intersection(sys.modules))"
    )
    env = {"HOME": "/nonexistent", "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-P", "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
