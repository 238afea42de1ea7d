"""A real CLI at work: its terminal, its model, and what it tried to reach besides."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.models.model import Model
from tests.fakes.outside import Outside, outside
from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import Cli, Place


@dataclass(frozen=True, slots=True)
class Running:
    cli: Cli
    terminal: Terminal
    model: Model
    outside: Outside
    place: Place

    async def say(self, text: str) -> None:
        """As a careful person: paste, see it in the box, Enter; once more if an agent still starting lost the Enter."""
        asked = len(self.model.turns)
        begin = text.splitlines()[0][:20]
        self.terminal.paste(text)
        await retry_until(lambda: begin in self.terminal.screen or "[Pasted" in self.terminal.screen)
        await asyncio.sleep(0.15)
        self.terminal.write("\r")
        try:
            await retry_until(lambda: len(self.model.turns) > asked, 3)
        except AssertionError:
            assert self.cli.dialog not in self.terminal.screen
            self.terminal.write("\r")
            await retry_until(lambda: len(self.model.turns) > asked, 30, describe=self.terminal.describe)

    async def approve(self) -> None:
        """Enter on the highlighted Yes; again while the dialog stays, for a fresh one may not take keys yet."""
        await self.terminal.shows(self.cli.dialog, 60)
        for _ in range(5):
            self.terminal.write("\r")
            with contextlib.suppress(AssertionError):
                return await self._dialog_is_gone(1)
        await self._dialog_is_gone(1)

    async def _dialog_is_gone(self, seconds: float) -> None:
        await retry_until(lambda: self.cli.dialog not in self.terminal.screen, seconds, describe=self.terminal.describe)

    @property
    def strayed(self) -> list[str]:
        """What it asked of other hosts, and what it asked of the model that no model here knows."""
        asked = [host for host in self.outside.hosts if host not in self.cli.asks]
        return [*asked, *self.model.strangers]


def _nobody(_: Terminal) -> None:
    pass


@contextlib.asynccontextmanager
async def running(
    cli: Cli, folder: Path, size: tuple[int, int] = (100, 30), attach: Callable[[Terminal], None] = _nobody
) -> AsyncIterator[Running]:
    """Starts `cli` below `folder` and waits for its composer; skips, saying why, where it cannot run. `attach` gets
    the terminal before the first byte."""
    if cli.missing:
        pytest.skip(cli.missing)
    home, work = folder / "home", folder / "work"
    home.mkdir()
    work.mkdir()
    async with Model(cli.dialect()) as model, outside() as world:
        place = Place(home, work, model.url)
        launch = cli.launch(place, cli.program)
        env = {**launch.env, **world.env}
        async with terminal(launch.argv, env, cwd=work, columns=size[0], lines=size[1]) as pty:
            attach(pty)
            await pty.shows(cli.ready, 60)
            yield Running(cli, pty, model, world, place)
