"""The guide `first-chat.md`, word for word: its commands in a real shell, its lines in the chat of a real tmux session.

They are read out of the Markdown. Each has an expectation below, so that a new line of the guide needs one too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "first-chat.md"
COLUMNS, LINES = 200, 60
PREFIX = b"\x02"
WITHIN_S = 90.0
PROMPT = "ready$"
SCRIPT, INSTALLED = "bin/start-llm-groupchat --demo", "groupchat up --demo"

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Key(NamedTuple):
    """What the terminal sends, and what the screen then shows."""

    keys: bytes
    words: tuple[str, ...] = ()


KEYS = {
    "F2": Key(b"\x1bOQ"),
    "the key 1": Key(b"1", ("ada asked",)),
    "Ctrl-b z": Key(PREFIX + b"z", ("cleo (tester)",)),
    "Ctrl-b ;": Key(PREFIX + b";"),
    "PgUp": Key(b"\x1b[5~"),
    "PgDn": Key(b"\x1b[6~"),
    "Esc": Key(b"\x1b"),
    "Enter": Key(b"\r"),
}
LEAVING = {"Ctrl-b d": PREFIX + b"d", "Ctrl-D": b"\x04"}

# What each line of the guide shows, in its order. Keys without an entry show nothing of their own.
SHOWN = {
    "@ada say good morning": ("ada answered", "good morning"),
    "@all say hello": ("ben answered", "cleo answered", "ben (reviewer) idle"),
    "@ben slow 60": ("ben (reviewer) busy",),
    "@ben say and now?": ("held because busy",),
    "@ben !^C": ("and now?",),
    "/pause cleo": ("Paused: cleo",),
    "@cleo say later": ("held because paused",),
    "/resume cleo": ("Resumed: cleo",),
    "@ada ask": ("ada asks",),
    "/terminal ada": ("*Z",),
    "/search hello": ("with 'hello'",),
    "/receipts NUMBER": ("Delivery of #",),
    "groupchat attach": ("C-b d leaves",),
    "groupchat down": ("Stopped: session, ada, ben, cleo, gateway.",),
}


def starts() -> list[str]:
    """The two ways to start, in indented blocks."""
    return re.findall(r"^    (\S.*)$", GUIDE.read_text(), re.MULTILINE)


def steps() -> list[str]:
    """What is typed and pressed in the numbered list, in its order."""
    listed = GUIDE.read_text().partition("## Ten minutes")[2].partition("`/help` lists")[0]
    keys = "|".join(map(re.escape, (*KEYS, *LEAVING)))
    return ["".join(found) for found in re.findall(rf"`([^`]+)`|\b({keys})(?=\W)", listed)]


def test_each_line_of_the_guide_has_an_expectation() -> None:
    assert starts() == [SCRIPT, INSTALLED]
    unknown = [one for one in steps() if one not in SHOWN and one not in KEYS and one not in LEAVING]
    assert unknown == []
    assert [one for one in SHOWN if one not in steps()] == []


@contextmanager
def shell_environment(folder: Path) -> Iterator[dict[str, str]]:
    """A home, a tmux server and a `~/.local/bin` of its own; no variables of ours."""
    sockets = tempfile.mkdtemp(prefix="gc-")
    links = folder / ".local" / "bin"
    links.mkdir(parents=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CSP_", "GROUPCHAT_", "TMUX"))}
    paths = [one for one in kept["PATH"].split(os.pathsep) if ".venv" not in one]
    env = {
        **kept,
        "HOME": str(folder),
        "PATH": os.pathsep.join([str(links), *paths]),
        "TMUX_TMPDIR": sockets,
        "CSP_PORT": "0",
        "TERM": "xterm-256color",
        "PS1": f"{PROMPT} ",
        "LANG": "C.UTF-8",
    }
    try:
        yield env
    finally:
        subprocess.run([links / "groupchat", "down"], env=env, capture_output=True, timeout=60, check=False)
        subprocess.run(["tmux", "kill-server"], env=env, capture_output=True, timeout=60, check=False)
        shutil.rmtree(sockets, ignore_errors=True)


def write_program(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


PROGRAM = f'exec "{sys.executable}" -P -m controller.cli.main "$@"'


def make_clone(folder: Path) -> Path:
    """A clone whose packages are those of this environment: pip has nothing to do."""
    clone = folder / "llm-groupchat"
    shutil.copytree(ROOT / "bin", clone / "bin")
    for file in ("pyproject.toml", *(path.name for path in ROOT.glob("requirements*.lock"))):
        shutil.copy(ROOT / file, clone / file)
    write_program(clone / ".venv" / "bin" / "python", "exit 0")
    write_program(clone / ".venv" / "bin" / "groupchat", PROGRAM)
    return clone


async def test_the_guide_after_a_start_from_a_clone(tmp_path: Path) -> None:
    """The script asks whether it may make the link, and `groupchat` is then found by its name."""
    with shell_environment(tmp_path / "home") as env:
        clone = make_clone(tmp_path)
        async with terminal(
            ["bash", "--norc", "-i"], {**env, "PWD": str(clone)}, columns=COLUMNS, lines=LINES
        ) as person:
            await typed(person, f"cd {clone}", PROMPT)
            person.write(f"{SCRIPT}\r")
            await shown(person, "Put a link to the command groupchat into")
            person.write("y\r")
            await follow_the_guide(person)
        link = tmp_path / "home" / ".local" / "bin" / "groupchat"
        assert link.readlink() == clone / ".venv" / "bin" / "groupchat"


async def test_the_guide_after_an_installation(tmp_path: Path) -> None:
    """As `uv tool install` and pipx leave it: only the command, in `~/.local/bin`."""
    with shell_environment(tmp_path / "home") as env:
        write_program(tmp_path / "home" / ".local" / "bin" / "groupchat", PROGRAM)
        async with terminal(["bash", "--norc", "-i"], env, columns=COLUMNS, lines=LINES) as person:
            await typed(person, f"cd {tmp_path}", PROMPT)
            person.write(f"{INSTALLED}\r")
            await follow_the_guide(person)


async def follow_the_guide(person: Terminal) -> None:
    await inside(person)
    for one in steps():
        if one in KEYS:
            person.write(KEYS[one].keys)
            await shown(person, *KEYS[one].words)
        elif one in LEAVING:
            await leave(person, one)
        elif one.startswith("groupchat"):
            await leave(person, "Ctrl-b d")
            await typed(person, one, *SHOWN[one])
        else:
            await typed(person, await with_number(one, person), *SHOWN[one])
    await shown(person, PROMPT)


async def with_number(line: str, person: Terminal) -> str:
    """`NUMBER` in the guide stands for a number that a reader sees beside a message."""
    if "NUMBER" not in line:
        return line
    numbers = await retry_until(lambda: re.findall(r" #(\d+) ", person.screen), WITHIN_S, describe=person.describe)
    return line.replace("NUMBER", numbers[0])


async def leave(person: Terminal, key: str) -> None:
    """Leave the session. If that has happened already, the guide names a second way: enter first."""
    if not is_inside(person):
        if key == "Ctrl-b d":
            return
        person.write("groupchat attach\r")
        await inside(person)
    person.write(LEAVING[key])
    await retry_until(lambda: not is_inside(person) and PROMPT in person.screen, WITHIN_S, describe=person.describe)


async def inside(person: Terminal) -> None:
    await retry_until(lambda: is_inside(person), WITHIN_S, describe=person.describe)


def is_inside(person: Terminal) -> bool:
    """Whether the chat is on the screen: its hint, or tmux's line below it."""
    return "C-b d leaves" in person.screen


async def typed(person: Terminal, line: str, *words: str) -> None:
    person.write(f"{line}\r")
    await shown(person, *words)


async def shown(person: Terminal, *words: str) -> None:
    await retry_until(
        lambda: all(word in person.screen for word in words), WITHIN_S, describe=lambda: f"{words}\n{person.screen}"
    )
