"""A real CLI at work: its terminal, its model, and what it tried to reach besides."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

from gateway.model.deliveries.delivery_states import OPEN_RUNGS
from gateway.protocol.types.core_types import Composer
from sidecar.explain_socket import ask_sidecar_for
from tests.fakes.models.model import Model
from tests.fakes.outside import Outside, outside
from tests.fakes.retry import retry_until, retry_until_awaited
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import Cli, Place
from tests.sidecar.sidecar_terminal import SidecarTerminal, sidecar_in_terminal

RUB_OUT_INTERVAL_S, RUB_OUT_TIMES = 0.5, 60
STARTS_WITHIN_S, WARM_UP_S = 180.0, 240.0  # on a busy machine


async def rub_out(pane: Terminal, ready: str) -> None:
    """Row by row while the composer is not empty; a prompt can come back a moment after its turn was cut."""
    for _ in range(RUB_OUT_TIMES):
        pane.write("\x15")
        with contextlib.suppress(AssertionError):
            return await pane.shows(ready, RUB_OUT_INTERVAL_S)
    raise AssertionError(pane.describe())


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
            await retry_until(lambda: len(self.model.turns) > asked, self.cli.asks_within)
        except AssertionError:
            assert not self.cli.shows_dialog(self.terminal.screen)
            self.terminal.write("\r")
            await retry_until(lambda: len(self.model.turns) > asked, 60, describe=self.terminal.describe)

    async def approve(self) -> None:
        """Enter on the highlighted Yes; again while the dialog stays, for a fresh one may not take keys yet."""
        await retry_until(self._shows_dialog, 60, describe=self.terminal.describe)
        for _ in range(5):
            self.terminal.write("\r")
            with contextlib.suppress(AssertionError):
                return await self._dialog_is_gone(1)
        await self._dialog_is_gone(60)

    async def _dialog_is_gone(self, seconds: float) -> None:
        await retry_until(lambda: not self._shows_dialog(), seconds, describe=self.terminal.describe)

    def _shows_dialog(self) -> bool:
        return self.cli.shows_dialog(self.terminal.screen)

    async def begin(self) -> None:
        """Each turn has ended, and an empty composer waits. (What was cut before a word came may be in it again.)"""
        await retry_until(lambda: all(one.finished_at or one.cut for one in self.model.turns), 60)
        await rub_out(self.terminal, self.cli.ready)
        self.model.forget()
        (self.place.work / "made").unlink(missing_ok=True)

    @property
    def strayed(self) -> list[str]:
        """What it asked of other hosts, and what it asked of the model that no model here knows."""
        asked = [host for host in self.outside.hosts if not any(fnmatch(host, one) for one in self.cli.asks)]
        return [*asked, *self.model.strangers]


def _nobody(_: Terminal) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Prepared:
    model: Model
    outside: Outside
    place: Place
    argv: tuple[str, ...]
    env: dict[str, str]


@contextlib.asynccontextmanager
async def prepared(cli: Cli, folder: Path) -> AsyncIterator[Prepared]:
    """A home, a work folder and a model for `cli`; skips, saying why, where it cannot run."""
    if cli.missing:
        pytest.skip(cli.missing)
    home, work = folder / "home", folder / "work"
    home.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    async with Model(cli.dialect()) as model, outside() as world:
        place = Place(home, work, model.url)
        launch = cli.launch(place, cli.program)
        yield Prepared(model, world, place, launch.argv, {**launch.env, **world.env})


@contextlib.asynccontextmanager
async def running(
    cli: Cli, folder: Path, size: tuple[int, int] = (100, 30), attach: Callable[[Terminal], None] = _nobody
) -> AsyncIterator[Running]:
    """Starts `cli` below `folder` and waits for its composer. `attach` gets the terminal before the first byte."""
    async with (
        prepared(cli, folder) as one,
        terminal(one.argv, one.env, cwd=one.place.work, columns=size[0], lines=size[1]) as pty,
    ):
        attach(pty)
        await pty.shows(cli.ready, STARTS_WITHIN_S)
        yield Running(cli, pty, one.model, one.outside, one.place)


@dataclass(frozen=True, slots=True)
class CliInSidecar:
    """A real CLI behind a sidecar whose room is in memory."""

    cli: Cli
    pane: SidecarTerminal
    model: Model
    folder: Path

    @property
    def made(self) -> bool:
        return (self.folder / "work" / "made").exists()

    async def has_taken(self) -> None:
        """Until what was typed last has left its composer: a slow CLI takes a key that comes before for one of that
        text."""
        await retry_until_awaited(self._is_composer_empty, describe=self.pane.describe)

    async def _is_composer_empty(self) -> bool:
        async for told in ask_sidecar_for(self.folder / "work" / "private", self.pane.room.me, "explain"):
            return bool(told["verdict"]["composer"] == Composer.EMPTY)
        return False

    async def begin(self) -> None:
        """At rest, with nothing that waits and nothing in its composer; what was said and asked is forgotten."""
        room = self.pane.room
        await self.pane.is_("idle", 60)
        await self._rub_out()
        assert not [one.message for one in room.deliveries.values() if one.rung in OPEN_RUNGS], self.pane.describe()
        room.sent.clear()
        room.asked.clear()
        self.model.forget()
        (self.folder / "work" / "made").unlink(missing_ok=True)

    async def _rub_out(self) -> bool:
        """What its person has left in the composer, row by row; again, for a draft can come back a moment later."""
        room = self.pane.room
        for _ in range(RUB_OUT_TIMES):
            if room.activities[-1].composer is not Composer.EMPTY:
                self.pane.type("\x15")
            with contextlib.suppress(AssertionError):
                return await retry_until(self._is_at_rest, RUB_OUT_INTERVAL_S)
        raise AssertionError(self.pane.describe())

    def _is_at_rest(self) -> bool:
        room = self.pane.room
        return room.activity == "idle" and room.activities[-1].composer is Composer.EMPTY


@contextlib.asynccontextmanager
async def in_a_sidecar(cli: Cli, folder: Path, *options: str) -> AsyncIterator[CliInSidecar]:
    """Starts `cli` below `folder` behind a sidecar, whose room is in memory, and waits until it is idle."""
    async with (
        prepared(cli, folder) as one,
        sidecar_in_terminal(one.place.work, (*one.argv, *options), agent=cli.agent, env=one.env) as pane,
    ):
        await pane.is_("idle", STARTS_WITHIN_S)
        found = CliInSidecar(cli, pane, one.model, folder)
        if cli.warms_up:
            await pane.reaches(pane.room.say("Good morning."), "answered", WARM_UP_S)
            await found.begin()
        yield found
