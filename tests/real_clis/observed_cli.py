"""A real CLI started by its adapter, and what its hooks and its transcript tell of it: no room, no courier."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.files.private_files import write_private
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import Adapter, RunningAgent
from sidecar.agents.adapter.adapter import LaunchContext as Run
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.evidence_sources.hook_server import answering, reserved
from sidecar.evidence_sources.transcript import TranscriptTail
from sidecar.runtime.turn_listener import TurnListener
from tests.fakes.models.model import Model
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import CLIS, Cli, Place
from tests.real_clis.running import STARTS_WITHIN_S, WARM_UP_S, rub_out
from tests.sidecar.hearers import FakeReceivers, turn_listener_of

APPROVE_INTERVAL_S, APPROVE_TIMES = 1.0, 30


@dataclass
class ObservedCli:
    agent: Adapter
    hearers: FakeReceivers
    model: Model
    cli: Cli
    terminal: Terminal
    listener: TurnListener
    events: list[Mapping[str, object]]
    folder: Path

    @property
    def made(self) -> bool:
        return (self.folder / "work" / "made").exists()

    @property
    def facts(self) -> list[TurnFact]:
        return self.hearers.facts

    def kinds(self, kind: TurnFactKind, source: str = "hook") -> list[TurnFact]:
        return [fact for fact in self.facts if fact.kind is kind and fact.source == source]

    async def tells(self, kind: TurnFactKind, source: str = "hook", count: int = 1, seconds: float = 60) -> TurnFact:
        await retry_until(lambda: len(self.kinds(kind, source)) >= count, seconds, describe=self.describe)
        return self.kinds(kind, source)[-1]

    async def answers(self, count: int = 1) -> str:
        """The exact answer, from what tells it. A hook that only ends a turn takes it from the transcript."""
        hooks = self.agent.hooks
        ends = self.cli.answers_by == "hook" and hooks is not None and hooks.answer is not None
        kind = TurnFactKind.ENDED if ends else TurnFactKind.ANSWER
        return (await self.tells(kind, self.cli.answers_by, count)).text

    def describe(self) -> str:
        return f"{self.terminal.describe()}\n{self.facts}\n{[one.get('hook_event_name') for one in self.events]}"

    async def say(self, text: str) -> None:
        """As the writer does it: the paste, a pause, the vendor's own key; once more if an agent that is still starting
        lost one of them."""
        await self._paste(text)
        await asyncio.sleep(max(0.15, self.agent.submit.pause))
        before = self._taken
        for _ in range(3):
            self.terminal.write(self.agent.submit.key)
            with contextlib.suppress(AssertionError):
                await retry_until(lambda: self._taken > before, 10)
                return

    async def _paste(self, text: str) -> None:
        begin = text.splitlines()[0][:20]
        self.terminal.paste(text)
        try:
            await retry_until(lambda: begin in self.terminal.screen or "[Pasted" in self.terminal.screen, 10)
        except AssertionError:
            await rub_out(self.terminal, self.cli.ready)
            self.terminal.paste(text)

    async def warmed_up(self) -> ObservedCli:
        if self.cli.warms_up:
            await self.say("[alice -> you #1] Good morning.")
            await self.tells(TurnFactKind.ANSWER, seconds=WARM_UP_S)
            await self.begin()
        return self

    async def begin(self) -> None:
        """Each turn has ended and all of it was told; an empty composer waits, and nobody refuses or decides."""
        await retry_until(lambda: all(one.finished_at or one.cut for one in self.model.turns), 60)
        await self._all_is_told()  # and what was interrupted is back in the composer
        await rub_out(self.terminal, self.cli.ready)
        self.hearers.forget()
        self.events.clear()
        self.model.forget()
        (self.folder / "work" / "made").unlink(missing_ok=True)

    async def _all_is_told(self) -> None:
        """Hooks and transcript may tell of the end of a turn a moment after its last word."""
        told = -1
        while told != len(self.facts) + len(self.events):
            told = len(self.facts) + len(self.events)
            await asyncio.sleep(0.5)

    async def approve(self, dialog: str) -> None:
        """Enter on the highlighted Yes; again while the dialog stays, for a fresh one may not take keys yet."""
        for _ in range(APPROVE_TIMES):
            self.terminal.write("\r")
            with contextlib.suppress(AssertionError):
                await retry_until(lambda: dialog not in self.terminal.screen, APPROVE_INTERVAL_S)
                return
        raise AssertionError(self.describe())

    @property
    def _taken(self) -> int:
        return len(self.events) + len(self.model.turns)


async def always() -> None:
    """The transcript is always read here."""


@contextlib.asynccontextmanager
async def observed_cli(name: str, folder: Path, session: str = "") -> AsyncIterator[ObservedCli]:
    """`session`: goes on with an earlier conversation in the same folder."""
    cli = CLIS[name]
    if cli.missing:
        pytest.skip(cli.missing)
    home, work, private = folder / "home", folder / "work", folder / "private"
    for one in (home, work, private):
        one.mkdir(exist_ok=True)
    agent = REGISTRY[name.partition("-")[0]]
    async with Model(cli.dialect()) as model, outside() as world:
        real = cli.launch(Place(home, work, model.url), cli.program)
        env = {**real.env, **world.env}
        command = _named(agent.name, folder, real.argv)
        if session:
            command = agent.launching.resumed(command, session) or command
        async with reserved() as address:
            run = Run(work, private, address.url, str(uuid.uuid4()), env)
            run = replace(run, known=await asyncio.to_thread(agent.launching.prepare, command, run))
            launch = agent.launching.launch(command, run)
            for path, text in launch.files.items():
                write_private(path, text)
            tail, hearers, events = TranscriptTail(agent, None), FakeReceivers(), list[Mapping[str, object]]()
            tail.follow(launch.transcript)
            started = time.time()
            async with terminal(launch.command, {**env, **launch.env}, cwd=work) as pty:
                child = RunningAgent(run, pty.process.pid, started)
                listener = turn_listener_of(hearers, agent, private, child, tail, launch.session)

                async def hook(event: Mapping[str, object]) -> Mapping[str, object]:
                    events.append(event)
                    return await listener.hook(event)

                with answering(address, hook):
                    async with _listening(listener):
                        await pty.shows(cli.ready, STARTS_WITHIN_S)
                        yield await ObservedCli(agent, hearers, model, cli, pty, listener, events, folder).warmed_up()


def _named(name: str, folder: Path, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The adapter knows programs by name, as a user calls them."""
    link = folder / name
    if not link.is_symlink():
        link.symlink_to(argv[0])
    return (str(link), *argv[1:])


@contextlib.asynccontextmanager
async def _listening(listener: TurnListener) -> AsyncIterator[None]:
    task = asyncio.get_running_loop().create_task(listener.listen(always), name="listen")
    try:
        yield
    finally:
        task.cancel()
        listener.close()
