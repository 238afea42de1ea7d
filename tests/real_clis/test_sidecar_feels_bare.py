"""The real CLIs through the sidecar show a person exactly what they show alone: in a plain terminal and in tmux."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.fakes.terminal import terminal
from tests.real_clis.homes import CLIS, Cli, Place
from tests.support.gateways import GatewayProcess

ROOT = Path(__file__).parents[2]
MODES = (25, 1049, 2004, 1004)
ANSWER = "The answer, in **bold** and `code`."
# What differs by itself: an animated mascot, hints and warnings that come and go, folders, seconds and times of day
_RESTLESS = re.compile(
    r"^[ ▀-▟]+(?=[A-Z/]|$)|[\w/]*/(?:work|home)\b\S*|✻ .*|\S \w+ · /effort|· ← for agents|· \? for .*"
    r"|Worked for .*|⚠ .*|\? for shortcuts|← for agents|· A title|ctrl\+\S to .*|^\s*●? ?\w+ · /effort|^ Shift\+Tab .*"
)
pytestmark = pytest.mark.slow


class Pane(Protocol):
    """What a person sees and does."""

    @property
    def rows(self) -> list[str]: ...

    def write(self, data: str) -> None: ...


@dataclass(frozen=True)
class TmuxPane:
    """In a tmux of its own on a private socket."""

    socket: Path

    def __call__(self, *arguments: str) -> str:
        command = ("tmux", "-S", str(self.socket), "-f", "/dev/null", *arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout

    @property
    def rows(self) -> list[str]:
        return self("capture-pane", "-p").splitlines()

    def write(self, data: str) -> None:
        self("send-keys", "-H", *(f"{byte:02x}" for byte in data.encode()))


@contextlib.asynccontextmanager
async def in_a_terminal(argv: Sequence[str], env: Mapping[str, str], folder: Path) -> AsyncIterator[Pane]:
    async with terminal(argv, env, cwd=folder) as pane:
        yield pane


@contextlib.asynccontextmanager
async def in_tmux(argv: Sequence[str], env: Mapping[str, str], folder: Path) -> AsyncIterator[Pane]:
    pane = TmuxPane(folder.parent / "tmux")
    told = [word for name, value in env.items() for word in ("-e", f"{name}={value}") if name != "TERM"]
    pane("new-session", "-d", "-x", "100", "-y", "30", "-c", str(folder), *told, *argv)
    try:
        yield pane
    finally:
        pane("kill-server")


PLACES = {"plain": in_a_terminal, "tmux": in_tmux}


@contextlib.asynccontextmanager
async def started(
    cli: Cli, where: str, folder: Path, *wrapper: str, state: Path | None = None
) -> AsyncIterator[tuple[Pane, Model]]:
    for name in ("home", "work"):
        (folder / name).mkdir(parents=True)
    async with Model(cli.dialect()) as model, outside() as world:
        launch = cli.launch(Place(folder / "home", folder / "work", model.url), cli.program)
        env = {**launch.env, **world.env, "PYTHONPATH": str(ROOT)} | ({"GROUPCHAT_STATE": str(state)} if state else {})
        async with PLACES[where]((*wrapper, *launch.argv), env, folder / "work") as pane:
            await shows(pane, cli.ready)
            yield pane, model


async def shows(pane: Pane, text: str, *, there: bool = True) -> None:
    await retry_until(lambda: (text in "\n".join(pane.rows)) is there, 60, describe=lambda: "\n".join(pane.rows))


async def screens(cli: Cli, pane: Pane, model: Model) -> list[list[str]]:
    """A draft, no draft, an answer, a dialog, and what follows when it is approved."""
    model.script(Reply(ANSWER), Reply("Let me.", tool=cli.tool), Reply("It is made."))
    seen = []
    for keys, there in (("half a thought", True), ("\x15", False), ("half a question", True)):
        pane.write(keys)
        await shows(pane, "half a", there=there)
        seen.append(await still(pane))
    for text, shown in (("", "The answer"), ("make it", cli.dialog), ("\r", "It is made")):
        if len(text) > 1:
            pane.write(text)
            await shows(pane, text)
        await enter(pane, shown)
        seen.append(await still(pane))
    return seen


async def enter(pane: Pane, shown: str) -> None:
    """It may be lost while a CLI starts, or a dialog is fresh: pressed again as a person would."""
    for _ in range(5):
        pane.write("\r")
        with contextlib.suppress(AssertionError):
            return await retry_until(lambda: shown in "\n".join(pane.rows), 4)
    await shows(pane, shown)


async def still(pane: Pane) -> list[str]:
    """The screen when nothing moves any more."""
    seen: list[list[str]] = [[], []]

    def rests() -> bool:
        seen.append(timeless(pane.rows))
        return len(seen) > 40 and all(one == seen[-1] for one in seen[-40:])

    await retry_until(rests, 60, describe=lambda: "\n".join(pane.rows))
    return seen[-1]


def timeless(rows: Sequence[str]) -> list[str]:
    found = [_RESTLESS.sub("", row).rstrip() for row in rows]
    return [row for row in found if row.strip()]


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("name", ["claude", "codex", "gemini"])
async def test_every_screen_is_that_of_the_cli_alone(name: str, where: str, tmp_path: Path) -> None:
    cli = CLIS[name]
    if cli.missing or (where == "tmux" and shutil.which("tmux") is None):
        pytest.skip(cli.missing or "tmux is not installed")
    gateway = GatewayProcess(tmp_path / "state")
    join = (sys.executable, "-P", "-m", "sidecar.cli", "join", name, "--agent", name, "--")
    with gateway.running():
        async with (
            started(cli, where, tmp_path / "alone") as alone,
            started(cli, where, tmp_path / "wrapped", *join, state=gateway.state) as ours,
        ):
            bare, wrapped = await screens(cli, *alone), await screens(cli, *ours)
            if keep := os.environ.get("SCREENS_KEEP"):
                Path(keep, f"{name}-{where}.txt").write_text(side_by_side(alone[0].rows, ours[0].rows))
            assert bare == wrapped
            assert modes(alone[0]) == modes(ours[0])


def modes(pane: Pane) -> list[object]:
    """As the terminal has them; tmux tells of some."""
    if isinstance(pane, TmuxPane):
        return pane("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}").split()
    mode = getattr(pane, "mode", None)
    assert mode is not None
    return [mode(number) for number in MODES]


def side_by_side(left: Sequence[str], right: Sequence[str]) -> str:
    return "".join(f"{a:<100} | {b}\n" for a, b in zip(left, right, strict=False))
