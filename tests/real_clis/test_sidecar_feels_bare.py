"""The real CLIs through the sidecar show a person exactly what they show alone: in a plain terminal and in tmux."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.fakes.terminal import is_shown, terminal
from tests.real_clis.homes import CLIS, NEWEST, Cli, Place
from tests.real_clis.running import STARTS_WITHIN_S
from tests.support.gateways import GatewayProcess

ROOT = Path(__file__).parents[2]
MODES = (25, 1049, 2004, 1004)
ANSWER = "The answer, in **bold** and `code`."
# What differs by itself: an animated mascot, hints and warnings that come and go, folders, seconds and times of day, a
# dot that blinks; what Gemini shows of hooks as they run, ours too, for only its user's settings could hide it; and the
# name of our extension in the list that Pi shows at its start. Of OpenCode: the example in its empty composer, and how
# long an answer took. Of Vibe: its process number. Of aider: the first word of each answer, which it may draw twice.
_RESTLESS = re.compile(
    r"^[ ▀-▟]+(?=[A-Z/]|$)|[\w/]*/(?:work|home)\b\S*|✻ .*|\S \w+ · /effort|· ← for agents|· \? for .*|^[●•◦ ] (?=\S)"
    r"|Worked for .*|⚠ .*|^.*\? for shortcuts.*|Executing Hooks?: .*|← for agents|· A title|ctrl\+\S to .*"
    r"|^ Tip: .*|^ Shift\+Tab .*| *1 MCP server| +\d\d:\d\d(?= *┃?$)| +\d+s(?= *┃?$)|● MCP Servers reloaded: .*"
    r"|^(?:The|Let)$|(?:, )?pi-extension\.js(?:, )?|\bTook \d+\.\ds$|Ask anything… .*| · (?:\d+m )?[\d.]+m?s(?= *$)"
    r"| *[⠁-⣿][⠀-⣿ ]*|\[PID \d+\] *"
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
    keep = ("set-option", "-g", "remain-on-exit", "on", ";")  # a CLI that ends says why on its last screen
    pane(*keep, "new-session", "-d", "-x", "100", "-y", "30", "-c", str(folder), *told, *argv)
    try:
        yield pane
    finally:
        programs = [int(one) for one in pane("list-panes", "-a", "-F", "#{pane_pid}").split()]
        pane("kill-server")
        for one in programs:
            await ended(one)


async def ended(program: int) -> None:
    """A sidecar ends when its terminal does, and its agent with it. A CLI alone may not: Gemini stays."""
    with contextlib.suppress(AssertionError):
        await retry_until(lambda: not Path(f"/proc/{program}").exists(), 8)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program, signal.SIGKILL)


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
            await shows(pane, cli.ready, STARTS_WITHIN_S)
            yield pane, model


async def shows(pane: Pane, text: str, seconds: float = 60.0, *, there: bool = True) -> None:
    await retry_until(
        lambda: is_shown(text, "\n".join(pane.rows)) is there, seconds, describe=lambda: "\n".join(pane.rows)
    )


async def story(cli: Cli, *panes: Pane) -> AsyncIterator[str]:
    """A draft, no draft, an answer, a dialog, and what follows when it is approved: step by step in each pane."""
    for keys, there in (("half a thought", True), ("\x15", False), ("half a question", True)):
        for pane in panes:
            pane.write(keys)
            await shows(pane, "half a", there=there)
        yield keys
    made = "It is made" if cli.continues else "Running touch made"
    for text, shown in (("", "The answer"), ("make it", cli.dialog), ("", made)):
        for pane in panes:
            if text:
                pane.write(text)
                await shows(pane, text)
            await enter(pane, shown)
        yield shown


async def enter(pane: Pane, shown: str) -> None:
    """It may be lost while a CLI starts, or a dialog is fresh: pressed again as a person would."""
    for _ in range(4):
        pane.write("\r")
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: shown in "\n".join(pane.rows), 15)
            return
    await shows(pane, shown)


def timeless(rows: Sequence[str]) -> list[str]:
    found = [_RESTLESS.sub("", row).rstrip() for row in rows]
    return [row for row in found if row.strip()]


def are_alike(cli: Cli, left: Sequence[str], right: Sequence[str]) -> bool:
    """A row that was drawn twice has pushed another one out at the top of what is printed."""
    rows = [timeless(left), timeless(right)]
    least = min(map(len, rows)) if cli.prints else 0
    return rows[0][-least:] == rows[1][-least:]


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose name fits into one row of each CLI: a name that wraps would differ between the two."""
    folder = Path(tempfile.mkdtemp(prefix="gc-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("name", NEWEST)
async def test_every_screen_is_that_of_the_cli_alone(name: str, where: str, short_path: Path) -> None:
    cli = CLIS[name]
    if cli.missing or (where == "tmux" and shutil.which("tmux") is None):
        pytest.skip(cli.missing or "tmux is not installed")
    gateway = GatewayProcess(short_path / "state")
    # A server of tools, whosever it is, shows: Gemini counts even one without an address, and Codex asks for no title.
    command = (sys.executable, "-P", "-m", "sidecar.cli", "join", name, "--no-tools")
    join = (*command, "--agent", name, "--")
    with gateway.running():
        async with (
            started(cli, where, short_path / "bare") as alone,
            started(cli, where, short_path / "ours", *join, state=gateway.state) as ours,
        ):
            panes = (alone[0], ours[0])
            for _, model in (alone, ours):
                model.script(Reply(ANSWER), Reply("Let me.", tool=cli.tool), *[Reply("It is made.")][: cli.continues])
            async for _ in story(cli, *panes):
                await retry_until(
                    lambda: are_alike(cli, alone[0].rows, ours[0].rows),
                    describe=lambda: side_by_side(alone[0].rows, ours[0].rows),
                )
            await retry_until(lambda: modes(alone[0]) == modes(ours[0]))  # a cursor is hidden while a row is drawn


def modes(pane: Pane) -> Sequence[object]:
    """As the terminal has them; tmux tells of some."""
    if isinstance(pane, TmuxPane):
        return pane("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}").split()
    mode = getattr(pane, "mode", None)
    assert mode is not None
    return [mode(number) for number in MODES]


def side_by_side(left: Sequence[str], right: Sequence[str]) -> str:
    return "".join(f"{a:<100} | {b}\n" for a, b in zip(left, right, strict=False))
