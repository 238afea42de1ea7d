"""A real CLI started by its adapter, and what its hooks and its transcript tell of it: no room, no courier."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gateway.client import write_private
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import Agent, Child
from sidecar.agents.adapter.adapter import Place as Run
from sidecar.process.run_plan import Plan
from sidecar.screen.evidence import Turn, TurnFact
from sidecar.sources.hook_server import listening
from sidecar.sources.turn_listener import Ears
from tests.fakes.models.model import Model
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import CLIS, Cli, Place


@dataclass
class Eared:
    agent: Agent
    ears: Ears
    model: Model
    cli: Cli
    terminal: Terminal = field(init=False)
    facts: list[TurnFact] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    events: list[Mapping[str, object]] = field(default_factory=list)
    answer: Callable[[Mapping[str, object]], Awaitable[Mapping[str, object]]] = field(init=False)

    def __post_init__(self) -> None:
        self.answer = self.ears.hook

    def heard(self, fact: TurnFact) -> None:
        self.facts.append(fact)
        self.times.append(time.monotonic())

    async def hook(self, event: Mapping[str, object]) -> Mapping[str, object]:
        self.events.append(event)
        return await self.answer(event)

    def kinds(self, kind: Turn, source: str = "hook") -> list[TurnFact]:
        return [fact for fact in self.facts if fact.kind is kind and fact.source == source]

    async def tells(self, kind: Turn, source: str = "hook", count: int = 1, seconds: float = 20) -> TurnFact:
        await retry_until(lambda: len(self.kinds(kind, source)) >= count, seconds, describe=self.describe)
        return self.kinds(kind, source)[-1]

    def describe(self) -> str:
        return f"{self.terminal.describe()}\n{self.facts}\n{[one.get('hook_event_name') for one in self.events]}"

    async def say(self, text: str) -> None:
        """As the writer does it: the paste, a pause, the vendor's own key; once more if an agent that is still starting
        lost it."""
        self.terminal.paste(text)
        await asyncio.sleep(max(0.15, self.agent.submit.pause))
        before = self._taken
        for _ in range(3):
            self.terminal.write(self.agent.submit.key)
            with contextlib.suppress(AssertionError):
                await retry_until(lambda: self._taken > before, 2)
                return

    @property
    def _taken(self) -> int:
        return len(self.events) + len(self.model.turns)


async def always() -> None:
    """The transcript is always read here."""


@contextlib.asynccontextmanager
async def eared(name: str, folder: Path, session: str = "") -> AsyncIterator[Eared]:
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
            command = agent.resumed(command, session) or command
        ears = Ears(Plan(name, agent, command, work, private, env), lambda evidence: None)
        scene = Eared(agent, ears, model, cli)
        ears.heard = scene.heard
        async with listening(scene.hook) as address:
            run = Run(work, private, address, str(uuid.uuid4()), env)
            run = replace(run, known=await asyncio.to_thread(agent.prepare, command, run))
            launch = agent.launch(command, run)
            for path, text in launch.files.items():
                write_private(path, text)
            ears.follow(launch.transcript)
            ears.call_session(launch.session)
            started = time.time()
            async with terminal(launch.command, {**env, **launch.env}, cwd=work) as pty, _listening(ears):
                scene.terminal = pty
                ears.child = Child(run, pty.process.pid, started)
                await pty.shows(cli.ready, 60)
                yield scene


def _named(name: str, folder: Path, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The adapter knows programs by name, as a user calls them."""
    link = folder / name
    if not link.is_symlink():
        link.symlink_to(argv[0])
    return (str(link), *argv[1:])


@contextlib.asynccontextmanager
async def _listening(ears: Ears) -> AsyncIterator[None]:
    task = asyncio.get_running_loop().create_task(ears.listen(always), name="listen")
    try:
        yield
    finally:
        task.cancel()
        ears.close()
