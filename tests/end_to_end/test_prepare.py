"""What the commands in bin/ install: only tested packages, and nothing as root without consent."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.fakes.terminal import terminal

ROOT = Path(__file__).parents[2]
PREPARE = ROOT / "bin" / "prepare.sh"
LOCKS = [path.name for path in sorted(ROOT.glob("requirements*.lock"))]


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_with_a_hash(name: str) -> None:
    text = (ROOT / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", "-r "))]
    assert len(lines) > 20
    for line in lines:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==\S+(\s+--hash=sha256:[0-9a-f]{64})+\s*", line), line


def test_what_builds_the_package_is_pinned_too() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    lock = (ROOT / "requirements.lock").read_text()
    assert [one for one in (*wanted, "editables==") if f"\n{one}" not in lock] == []
    calls = PREPARE.read_text().split("-m pip install")[1:]
    own = [one for one in calls if "--no-deps --no-build-isolation -e" in one.splitlines()[0]]
    pinned = [one for one in calls if "--require-hashes --only-binary :all:" in one.splitlines()[0]]
    assert (len(own), len(pinned)) == (1, len(calls) - 1)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """With a fake apt-get that records its calls, and a fake sudo that succeeds."""
    (folder / "bin").mkdir(exist_ok=True)
    for name, body in {"apt-get": f'echo "$@" >>{folder}/called', "sudo": 'shift; exec "$@"'}.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / "bin" / name).chmod(0o755)
    return {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "TERM": "xterm", "HOME": str(folder), **more}


SCRIPT = ["bash", "-c", f"set -euo pipefail; . {PREPARE}; agreed=${{YES:-}}; install_system tmux; echo went on"]


@pytest.mark.parametrize(
    ("variables", "called"),
    [({}, False), ({"CI": "false"}, False), ({"CI": ""}, False), ({"CI": "true"}, True), ({"YES": "yes"}, True)],
)
def test_system_packages_need_a_word_where_nobody_can_be_asked(
    tmp_path: Path, variables: dict[str, str], called: bool
) -> None:
    env = environment(tmp_path, **variables)
    done = subprocess.run(
        SCRIPT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode == 0, (tmp_path / "called").exists()) == (called, called), done.stderr
    assert "Installing with apt-get: tmux" in done.stderr if called else "say --yes" in done.stderr


@pytest.mark.parametrize("answer", ["n", "", "y"])
async def test_system_packages_are_asked_for_at_a_terminal(tmp_path: Path, answer: str) -> None:
    async with terminal(SCRIPT, environment(tmp_path), columns=100, lines=20) as person:
        await person.shows("Install that with apt-get, as root? [y/N]")
        person.write(f"{answer}\r")
        await person.shows("went on" if answer == "y" else "Nothing was installed.")
        assert await person.ends() == (0 if answer == "y" else 1)
    assert (tmp_path / "called").exists() == (answer == "y")


PYTHON = """#!/bin/sh
case "$*" in *venv*) ;; *) exit 0 ;; esac
mkdir -p "$3/bin"
printf '#!/bin/sh\\ntouch "$(dirname "$0")/installed"\\n' >"$3/bin/python"
chmod +x "$3/bin/python"
"""


def test_what_is_installed_is_nobody_elses_to_change(tmp_path: Path) -> None:
    """Independent of the umask; agents that are started afterwards keep the original one."""
    env = environment(tmp_path)
    (tmp_path / "bin" / "python3.13").write_text(PYTHON)
    (tmp_path / "bin" / "python3.13").chmod(0o755)
    shutil.copy(PREPARE, tmp_path / "bin" / "prepare.sh")
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    script = f"set -euo pipefail; umask 000; . {tmp_path}/bin/prepare.sh; prepare_venv requirements.lock; umask"
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "0000\n"), done.stderr
    made = [tmp_path / ".venv", *(tmp_path / ".venv").rglob("*")]
    assert {"installed", ".prepared-requirements.lock"} <= {path.name for path in made}
    assert [path for path in made if path.stat().st_mode & 0o022] == []


ASKED = 'printf "%s|" "$PWD" "$@"'


@pytest.mark.parametrize("name", ["start-llm-groupchat", "start-llm-groupchat.sh"])
@pytest.mark.parametrize("way", ["relative", "from another folder", "through links"])
def test_the_start_command_works_by_both_names_from_anywhere(tmp_path: Path, name: str, way: str) -> None:
    """The second name is that of the specification; the environment is prepared already."""
    own, project, links = tmp_path / "our own", tmp_path / "project", tmp_path / "links"
    for folder in (own / "bin", own / ".venv" / "bin", project, links):
        folder.mkdir(parents=True)
    for path in (ROOT / "bin").iterdir():
        shutil.copy(path, own / "bin" / path.name)
    for file in ("pyproject.toml", *LOCKS):
        shutil.copy(ROOT / file, own / file)
    for program, body in {"python": "exit 0", "groupchat": ASKED}.items():
        (own / ".venv" / "bin" / program).write_text(f"#!/bin/sh\n{body}\n")
        (own / ".venv" / "bin" / program).chmod(0o755)
    (links / "folder").symlink_to(own / "bin")
    (links / "start").symlink_to(links / "folder" / name)
    cwd, command = {
        "relative": (own, f"./bin/{name}"),
        "from another folder": (project, str(own / "bin" / name)),
        "through links": (project, "../links/start"),
    }[way]
    done = subprocess.run(
        [command, "--demo", "a b"],
        cwd=cwd,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"{cwd}|up|--demo|a b|"), done.stderr


LINKING = ["bash", "-c", 'set -euo pipefail; . "$0/prepare.sh"; agreed=${YES:-}; prepare_command; echo went on']


def linking_environment(folder: Path, *, on_path: bool, **more: str) -> dict[str, str]:
    """With an environment that is prepared, and a `~/.local/bin` that is on the PATH or not."""
    for path in (folder / ".local" / "bin", folder / "own" / "bin", folder / "own" / ".venv" / "bin"):
        path.mkdir(parents=True)
    shutil.copy(PREPARE, folder / "own" / "bin" / "prepare.sh")
    program = folder / "own" / ".venv" / "bin" / "groupchat"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    paths = [one for one in os.environ["PATH"].split(os.pathsep) if ".venv" not in one]
    links = [str(folder / ".local" / "bin")] * on_path
    return {"PATH": os.pathsep.join([*links, *paths]), "TERM": "xterm", "HOME": str(folder), **more}


@pytest.mark.parametrize(("answer", "linked"), [("y", True), ("n", False), ("", False)])
async def test_a_link_to_the_command_is_made_only_after_a_yes_and_asked_for_once(
    tmp_path: Path, answer: str, linked: bool
) -> None:
    env = linking_environment(tmp_path, on_path=True)
    command = [*LINKING, str(tmp_path / "own" / "bin")]
    link, program = tmp_path / ".local" / "bin" / "groupchat", tmp_path / "own" / ".venv" / "bin" / "groupchat"
    async with terminal(command, env, columns=200, lines=20) as person:
        await person.shows("Put a link to the command groupchat into")
        person.write(f"{answer}\r")
        await person.shows("went on")
        assert ("is found after: export PATH=" in person.screen) != linked
    assert link.is_symlink() == linked and (not linked or link.readlink() == program)
    async with terminal(command, env, columns=200, lines=20) as person:
        await person.shows("went on")
        assert "Put a link" not in person.screen
        assert ("is found after" in person.screen) != linked


@pytest.mark.parametrize(
    ("on_path", "variables", "linked"),
    [(True, {"YES": "yes"}, True), (True, {}, False), (False, {"YES": "yes"}, False), (False, {}, False)],
)
def test_without_a_terminal_the_command_is_linked_only_by_yes(
    tmp_path: Path, on_path: bool, variables: dict[str, str], linked: bool
) -> None:
    env = linking_environment(tmp_path, on_path=on_path, **variables)
    command = [*LINKING, str(tmp_path / "own" / "bin")]
    done = subprocess.run(
        command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr
    assert (tmp_path / ".local" / "bin" / "groupchat").is_symlink() == linked
    assert (f'export PATH="{tmp_path}/own/.venv/bin:$PATH"' in done.stderr) != linked


def test_what_else_is_called_groupchat_stays(tmp_path: Path) -> None:
    env = linking_environment(tmp_path, on_path=True, YES="yes")
    other = tmp_path / ".local" / "bin" / "groupchat"
    other.write_text("#!/bin/sh\necho another\n")
    other.chmod(0o755)
    command = [*LINKING, str(tmp_path / "own" / "bin")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "is found after" in done.stderr
    assert "another" in other.read_text()
