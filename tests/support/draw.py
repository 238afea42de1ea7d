"""Draws the pictures of the guide from real runs of the demo team: `python -P -m tests.support.draw [NAME...]`."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.end_to_end.desk_session import TMUX, Session, a_session
from tests.fakes.retry import retry_until
from tests.support.pictures import svg

ROOT = Path(__file__).parents[2]
FIRST = "session"  # the name of the terminal in which the session was entered
PICTURES = ROOT / "docs" / "pictures"


_PATH = re.compile(r"/tmp/[\w/.…-]*")
_END_OF_COLUMN = re.compile(r"(?= *(?:\x1b\[[\d;]*m| )*[│┃║]|  |$)")


def without_paths(screen: str) -> str:
    """A path of this machine becomes one of anybody's. The sentence around it closes up, and what stands in another
    column stays where it is."""
    return "\n".join(map(_row_without_paths, screen.split("\n")))


def _row_without_paths(row: str) -> str:
    if not (found := _PATH.search(row)):
        return row
    shown = f"~/work{_below_work(found[0])}"
    rest = row[found.end() :]
    column = _END_OF_COLUMN.search(rest)
    end = column.start() if column else len(rest)
    gained = " " * (len(found[0]) - len(shown))
    return row[: found.start()] + shown + rest[:end] + gained + _row_without_paths(rest[end:])


def _below_work(path: str) -> str:
    """The part of the path below the folder in which the agents work."""
    below = path.partition("/work")[2]
    return below if below.startswith("/") else ""


class Camera:
    """A terminal in which a person has entered the session: a tmux around it, whose pane can be captured."""

    def __init__(self, session: Session, columns: int, lines: int) -> None:
        self._session, self.columns, self.lines = session, columns, lines

    def _outer(self, *arguments: str) -> str:
        command = [TMUX, "-L", "camera", "-f", "/dev/null", *arguments]
        done = subprocess.run(
            command, env=self._session.environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[Camera]:
        inner = f"env -u TMUX {TMUX} attach -t ={self._session.name}"
        self._outer("new-session", "-d", "-s", FIRST, "-x", str(self.columns), "-y", str(self.lines), inner)
        self._outer("set-option", "-g", "status", "off")
        self._outer("set-option", "-s", "default-terminal", "tmux-256color")
        try:
            yield self
        finally:
            self._outer("kill-server")

    def own_chat(self, size: str) -> None:
        """The person opens one more chat, in a terminal of that size and outside of the session."""
        columns, lines = size.split("x")
        chat = f"env -u TMUX {sys.executable} -P -m controller.cli.main chat"
        self._outer("new-session", "-d", "-s", size, "-x", columns, "-y", lines, chat)

    def say_in(self, size: str, text: str) -> None:
        self._outer("send-keys", "-t", f"={size}:", "-l", text)
        self._outer("send-keys", "-t", f"={size}:", "Enter")

    def text(self, size: str = FIRST) -> str:
        return self._outer("capture-pane", "-p", "-t", f"={size}:")

    async def shows(self, *words: str) -> None:
        await retry_until(lambda: all(one in self.text() for one in words), 60, describe=self.text)

    def rows(self) -> list[str]:
        """With colours, and without the paths of this machine."""
        return without_paths(self._outer("capture-pane", "-p", "-e", "-N", "-t", f"={FIRST}:")).rstrip("\n").split("\n")

    def plain_rows(self, size: str = FIRST) -> list[str]:
        return without_paths(self.text(size)).rstrip("\n").split("\n")

    def take(self, name: str, title: str, folder: Path = PICTURES) -> None:
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.svg").write_text(svg(self.rows(), self.columns, title), encoding="utf-8")


async def demo(folder: Path) -> None:
    """The demo team: one agent is busy, one is paused, one asks."""
    async with a_session(folder) as one:
        one.up()
        async with Camera(one, 120, 36).looking() as camera:
            await camera.shows("● ada coder", "idle")
            one.say("@ada say The tests are green.")
            await one.shows("✓ ada answered")
            one.say("/pause cleo")
            await one.shows("paused")
            one.say("@cleo say I have waited")
            await one.shows("held because paused")
            one.say("@ben slow 60")
            await camera.shows("◆ ben")
            one.say("@ada ask")
            await one.shows("ada asks: F2")
            one.press("F2")
            await one.shows("press its key")
            camera.take("demo", "The demo team: ben is busy, cleo is paused, ada asks")
            one.press("Escape")


async def narrow(folder: Path) -> None:
    """The chat alone in a pane of forty columns, with a completion open."""
    async with a_session(folder) as one:
        one.up()
        one.say("@ada say **Forty** columns are enough for `code`, and for 日本語.")
        await one.shows("✓ ada answered")
        one.tmux("resize-pane", "-Z", "-t", one.panes()["chat"])
        async with Camera(one, 40, 20).looking() as camera:
            await camera.shows("#general", "Forty", "ada answered")
            one.type("/re")
            await camera.shows("/resume")
            camera.take("narrow", "The chat in a pane of forty columns")


DRAW: dict[str, Callable[[Path], Awaitable[None]]] = {"demo": demo, "narrow": narrow}


async def main(names: list[str]) -> None:
    for name in names or list(DRAW):
        with tempfile.TemporaryDirectory(prefix="gc-") as folder:
            await DRAW[name](Path(folder))
        sys.stdout.write(f"docs/pictures/{name}.svg\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
