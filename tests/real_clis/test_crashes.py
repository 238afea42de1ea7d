"""The real CLIs while sidecar, CLI or both are killed: nothing of them is left, and the same conversation goes on."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.client import Client
from gateway.protocol.events import Message, Receipt
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.results import MemberList
from gateway.protocol.types.core_types import Activity
from sidecar.supervision.process_table import ProcessInfo, find_process, list_processes
from sidecar.supervision.run_record import MARK_VARIABLE, RunRecord, read_run
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import CLIS, NEWEST, Place
from tests.real_clis.kept import Kept, kept
from tests.support.gateways import GatewayProcess

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
TRANSCRIPTS = {
    "claude": ".claude/projects",
    "codex": ".codex/sessions",
    "gemini": ".gemini/tmp",
    "opencode": ".local/share/opencode",
    "qwen": ".qwen/projects",
    "copilot": ".copilot/session-state",
    "pi": ".pi/agent/sessions",
    "vibe": ".vibe/logs/session",
    "cline": ".cline/data/sessions",
}
SECRET, SECOND, THIRD = (f"The word to remember is {word}." for word in ("BLUE-4711", "GREEN-4712", "GREY-4713"))

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
each_cli = pytest.mark.parametrize("of_module", NEWEST, indirect=True)


@dataclass(frozen=True, slots=True)
class Scene:
    name: str
    folder: Path
    person: Client
    pane: Terminal
    model: Model
    join: tuple[str, ...]
    env: Mapping[str, str]
    work: Path

    @property
    def resumes(self) -> bool:
        """Aider begins a new conversation."""
        return self.name in TRANSCRIPTS

    @property
    def sidecar(self) -> int:
        return int((self.folder / "lock").read_text())

    @property
    def run(self) -> RunRecord | None:
        run = read_run(self.folder)
        return run if run and run.pid else None

    @property
    def family(self) -> list[ProcessInfo]:
        """All processes of the CLI, its launcher first."""
        run = self.run
        assert run is not None
        there = list_processes(f"{MARK_VARIABLE}={run.mark}".encode())
        mine = [one for one in there if one.marked or one.group == run.pid]
        return sorted(mine, key=lambda one: one.pid != run.pid)

    async def begin(self) -> None:
        await self.is_idle()
        self.model.forget()

    async def is_idle(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await self.person.request(Members(), MemberList)
                if any(one.name == self.name and one.activity is Activity.IDLE for one in found.agents):
                    return
                await asyncio.sleep(0.05)

    async def has_written(self, text: str, answer: str = "") -> None:
        """Until the CLI has both in its own transcript. It writes it a while after it has shown it, so a kill in
        between takes it from every later conversation."""
        if not self.resumes:
            return
        folder = Path(self.env["HOME"], TRANSCRIPTS[self.name])

        def there() -> bool:
            return any(answer in one.partition(text)[2] for one in conversations_in(folder) if text in one)

        await retry_until(there, PATIENCE, describe=self.pane.describe)

    async def asked(self, text: str, answer: str) -> str:
        """The request of this turn, once the CLI has written the turn down; it may ask its model more besides."""
        self.model.script(Reply(answer))
        sent = await self.person.send(text, to=f"@{self.name}")
        told: list[str] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                async for event in self.person.events():
                    if isinstance(event, Message) and event.reply_to == sent.seq:
                        assert event.content == answer
                        await self.has_written(text, answer)
                        bodies = [json.dumps(one.body) for one in self.model.turns]
                        return next(body for body in reversed(bodies) if text in body)
                    if isinstance(event, Receipt) and event.message == sent.seq:
                        told += [f"{step.rung} {step.reason}" for step in event.steps]
        raise AssertionError(f"no answer came: {told}\n{self.pane.describe()}")

    async def comes_back(self, before: RunRecord) -> float:
        """Seconds until it is idle again; nothing is left of the run before."""
        began = time.monotonic()
        await retry_until(
            lambda: (now := self.run) is not None and now.mark != before.mark, PATIENCE, describe=self.pane.describe
        )
        await asyncio.sleep(0.5)
        await self.is_idle()
        return time.monotonic() - began


def conversations_in(folder: Path) -> Iterator[str]:
    """As the CLI itself keeps them."""
    for path in (*folder.rglob("*.jsonl"), *folder.rglob("*.messages.json")):
        yield path.read_text(errors="replace")
    for path in folder.rglob("opencode.db"):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            yield "\n".join(data for (data,) in store.execute("SELECT data FROM part ORDER BY time_created"))


@contextlib.asynccontextmanager
async def scene(name: str, folder: Path) -> AsyncIterator[Scene]:
    cli = CLIS[name]
    if cli.missing:
        pytest.skip(cli.missing)
    for sub in ("home", "work"):
        (folder / sub).mkdir()
    gateway = GatewayProcess(folder / "state")
    async with Model(cli.dialect()) as model, outside() as world:
        place = Place(folder / "home", folder / "work", model.url)
        launch = cli.launch(place, cli.program)
        env = {**launch.env, **world.env, "GROUPCHAT_STATE": str(gateway.state), "PYTHONPATH": str(ROOT)}
        join = (sys.executable, "-P", "-m", "sidecar.cli", "join", name, "--agent", name, "--", *launch.argv)
        with gateway.running():
            async with terminal(join, env, cwd=place.work) as pane, Client(gateway.operator, Hello()) as person:
                one = Scene(name, gateway.state / "sidecars" / name, person, pane, model, join, env, place.work)
                await one.is_idle()
                yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def of_module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Kept[Scene]]:
    name: str = request.param
    async with kept(partial(scene, name), Scene.begin, lambda: tmp_path_factory.mktemp(name)) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def one(of_module: Kept[Scene]) -> AsyncIterator[Scene]:
    async with of_module.lent() as found:
        yield found


def victims(one: Scene, who: str) -> list[int]:
    family = [member.pid for member in one.family]
    return {
        "cli": family[:1],
        "worker": family[1:2],
        "both": [family[0], one.sidecar],
    }[who]


def alive(family: list[ProcessInfo]) -> list[ProcessInfo]:
    return [one for one in family if (now := find_process(one.pid)) and now.started == one.started]


@each_cli
async def test_the_same_conversation_goes_on_whoever_was_killed(one: Scene) -> None:
    await one.asked(SECRET, "I will.")
    for who in ("cli", "worker", "both"):
        before, family = one.run, one.family
        assert before is not None
        if not victims(one, who):
            continue
        for pid in victims(one, who):
            os.kill(pid, signal.SIGKILL)
        print(one.name, who, len(family), "processes, idle after", f"{await one.comes_back(before):.1f} s")
        assert not alive(family)
        told = await one.asked(f"And after the death of {who}?", f"Still here, {who}.")
        assert (SECRET in told) is one.resumes


@each_cli
async def test_a_kill_of_the_sidecar_in_mid_turn_types_nothing_twice(one: Scene) -> None:
    await one.asked(SECOND, "I will.")
    one.model.script(Reply(" ".join(["word"] * 300), seconds=60))
    turns = len(one.model.turns)
    sent = await one.person.send("Say many words.", to=f"@{one.name}")
    await retry_until(lambda: len(one.model.turns) > turns, PATIENCE)
    await one.pane.shows("word word", PATIENCE)
    await one.has_written("Say many words.")
    before, family = one.run, one.family
    assert before is not None
    os.kill(one.sidecar, signal.SIGKILL)
    await one.comes_back(before)
    assert not alive(family)
    told = await one.asked("And now?", "Here.")
    assert (SECOND in told) is one.resumes
    assert told.count(f"#{sent.seq}]") == one.resumes


@each_cli
async def test_when_all_of_ours_was_killed_the_next_join_cleans_up_resumes_and_ends_when_told(
    of_module: Kept[Scene],
) -> None:
    async with of_module.spent() as one:
        await one.asked(THIRD, "I will.")
        family, began = one.family, time.monotonic()
        for pid in (one.pane.process.pid, one.sidecar):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: not alive(family), 3)
        print(one.name, len(alive(family)), "of", len(family), "alive after", f"{time.monotonic() - began:.2f} s")
        verb = one.join.index("join") + 1
        again = (*one.join[:verb], "--resume", *one.join[verb:])
        async with terminal(again, one.env, cwd=one.work) as pane:
            later = replace(one, pane=pane)
            await retry_until(lambda: later.run is not None and not alive(family), PATIENCE, describe=pane.describe)
            await asyncio.sleep(0.5)
            await later.is_idle()
            assert (THIRD in await later.asked("Do you remember?", "I do.")) is one.resumes
            await ends_when_told(later)


async def ends_when_told(one: Scene) -> None:
    pids = one.family
    os.kill(one.pane.process.pid, signal.SIGTERM)
    await retry_until(lambda: not alive(pids) and not one.pane.process.isalive(), PATIENCE)
    await retry_until(lambda: not [number for number in (1000, 1002, 1003, 1004, 1049, 2004) if one.pane.mode(number)])
