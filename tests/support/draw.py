"""Draws the pictures of docs/pictures from real runs: `python -P -m tests.support.draw [NAME...]`.

The session's picture shows real claude, codex and gemini with loopback models, whose answers are written here.
"""

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
from tests.fakes.models.script import Reply
from tests.fakes.retry import retry_until
from tests.real_clis.three import three_in_a_session
from tests.support.pictures import svg

ROOT = Path(__file__).parents[2]
CODE = "```python\nif not tokens:\n    return []\n```"
PICTURES = ROOT / "docs" / "pictures"


class Camera:
    """A terminal in which a person has entered the session: a tmux around it, whose pane can be captured."""

    def __init__(self, session: Session, columns: int, lines: int) -> None:
        self._session, self.columns, self.lines = session, columns, lines

    def _outer(self, *arguments: str) -> str:
        command = [TMUX, "-L", "camera", "-f", "/dev/null", *arguments]
        done = subprocess.run(
            command, env=self._session.environment, capture_output=True, text=True, timeout=20, check=False
        )
        return done.stdout

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[Camera]:
        inner = f"env -u TMUX {TMUX} attach -t ={self._session.name}"
        self._outer("new-session", "-d", "-x", str(self.columns), "-y", str(self.lines), inner)
        self._outer("set-option", "-g", "status", "off")
        self._outer("set-option", "-s", "default-terminal", "tmux-256color")
        self._session.tmux(
            "set-option", "-t", f"={self._session.name}:", "status-right", " C-b d leaves, agents go on "
        )
        try:
            yield self
        finally:
            self._outer("kill-server")

    def text(self) -> str:
        return self._outer("capture-pane", "-p")

    async def shows(self, *words: str) -> None:
        await retry_until(lambda: all(one in self.text() for one in words), 60, describe=self.text)

    def take(self, name: str, title: str, folder: Path = PICTURES) -> None:
        rows = self._outer("capture-pane", "-p", "-e", "-N").rstrip("\n").split("\n")
        rows = [re.sub(r"/tmp/[\w/-]+/work", lambda path: "~/work".ljust(len(path[0])), row) for row in rows]
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.svg").write_text(svg(rows, self.columns, title), encoding="utf-8")


async def session(folder: Path) -> None:
    """Three real CLIs, one of which asks for approval, in the session that `groupchat up` makes."""
    async with three_in_a_session(folder) as three:
        one, models = three.session, three.models
        models["claude"].script(
            Reply("The parser fails on empty input: `parse('')` raises `IndexError`.\n@codex can you look at `parse`?"),
            Reply("I put the guard in.", silence=120),
        )
        models["codex"].script(Reply(f"Yes. It reads `tokens[0]` before it knows that there is one:\n\n{CODE}"))
        models["gemini"].script(Reply("The grammar allows an empty file, so `[]` is right."))
        assert one.groupchat("up", "--yes", "--detach", "--json", "--port", "0").code == 0
        async with Camera(one, 132, 44).looking() as camera:
            await camera.shows("claude", "codex", "gemini", "idle")
            one.say("@claude why is the build red?")
            await one.until(lambda: any("tokens[0]" in text for text in one.said_by("codex")))
            one.say("@gemini is an empty file allowed by the grammar?")
            await one.shows("✓ gemini answered")
            camera.take("session", "A session: the chat above, claude, codex and gemini below")


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


DRAW: dict[str, Callable[[Path], Awaitable[None]]] = {"session": session, "demo": demo, "narrow": narrow}


async def main(names: list[str]) -> None:
    for name in names or list(DRAW):
        with tempfile.TemporaryDirectory(prefix="gc-") as folder:
            await DRAW[name](Path(folder))
        sys.stdout.write(f"docs/pictures/{name}.svg\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
