"""The real CLIs while sidecar, CLI or both are killed: nothing of them is left, and the same conversation goes on."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.events import Message, Receipt
from gateway.protocol.requests import Hello, Members
from gateway.protocol.results import MemberList
from gateway.protocol.types import Activity
from sidecar.process.process_table import ProcessInfo, find_process, list_processes
from sidecar.process.run_record import MARK_VARIABLE, RunRecord, read_run
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import CLIS, Place
from tests.support.gateways import GatewayProcess

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
SECRET = "The word to remember is BLUE-4711."

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Scene:
    name: str
    folder: Path
    person: Client
    pane: Terminal
    model: Model
    join: tuple[str, ...]
    env: Mapping[str, str]

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

    async def is_idle(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await self.person.request(Members(), MemberList)
                if any(one.name == self.name and one.activity is Activity.IDLE for one in found.agents):
                    return
                await asyncio.sleep(0.05)

    async def asked(self, text: str, answer: str) -> str:
        """The last request that the model got."""
        self.model.script(Reply(answer))
        sent = await self.person.send(text, to=f"@{self.name}")
        told: list[str] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                async for event in self.person.events():
                    if isinstance(event, Message) and event.reply_to == sent.seq:
                        assert event.content == answer
                        return json.dumps(self.model.turns[-1].body)
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
                one = Scene(name, gateway.state / "sidecars" / name, person, pane, model, join, env)
                await one.is_idle()
                yield one


def victims(one: Scene, who: str) -> list[int]:
    family = [member.pid for member in one.family]
    return {
        "sidecar": [one.sidecar],
        "cli": family[:1],
        "worker": family[1:2],
        "both": [family[0], one.sidecar],
    }[who]


def alive(family: list[ProcessInfo]) -> list[ProcessInfo]:
    return [one for one in family if (now := find_process(one.pid)) and now.started == one.started]


@pytest.mark.parametrize("name", ["claude", "codex", "gemini"])
async def test_the_same_conversation_goes_on_whoever_was_killed(name: str, tmp_path: Path) -> None:
    async with scene(name, tmp_path) as one:
        await one.asked(SECRET, "I will.")
        for who in ("sidecar", "cli", "worker", "both"):
            before, family = one.run, one.family
            assert before is not None
            if not victims(one, who):
                continue
            for pid in victims(one, who):
                os.kill(pid, signal.SIGKILL)
            print(name, who, len(family), "processes, idle after", f"{await one.comes_back(before):.1f} s")
            assert not alive(family)
            assert SECRET in await one.asked(f"And after the death of {who}?", f"Still here, {who}.")
        pids = one.family
        os.kill(one.pane.process.pid, signal.SIGTERM)
        await retry_until(lambda: not alive(pids) and not one.pane.process.isalive(), PATIENCE)
        assert not [number for number in (1000, 1002, 1003, 1004, 1049, 2004) if one.pane.mode(number)]


@pytest.mark.parametrize("name", ["claude", "codex", "gemini"])
async def test_a_kill_in_mid_turn_types_nothing_twice(name: str, tmp_path: Path) -> None:
    async with scene(name, tmp_path) as one:
        await one.asked(SECRET, "I will.")
        one.model.script(Reply(" ".join(["word"] * 300), seconds=60))
        turns = len(one.model.turns)
        sent = await one.person.send("Say many words.", to=f"@{name}")
        await retry_until(lambda: len(one.model.turns) > turns, PATIENCE)
        await one.pane.shows("word word", PATIENCE)
        before, family = one.run, one.family
        assert before is not None
        os.kill(one.sidecar, signal.SIGKILL)
        await one.comes_back(before)
        assert not alive(family)
        told = await one.asked("And now?", "Here.")
        assert SECRET in told
        assert told.count(f"#{sent.seq}]") == 1


@pytest.mark.parametrize("name", ["claude", "codex", "gemini"])
async def test_when_all_of_ours_was_killed_the_next_join_cleans_up_and_resumes(name: str, tmp_path: Path) -> None:
    async with scene(name, tmp_path) as one:
        await one.asked(SECRET, "I will.")
        family, began = one.family, time.monotonic()
        for pid in (one.pane.process.pid, one.sidecar):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: not alive(family), 3)
        print(name, len(alive(family)), "of", len(family), "alive after", f"{time.monotonic() - began:.2f} s")
        verb = one.join.index("join") + 1
        again = (*one.join[:verb], "--resume", *one.join[verb:])
        async with terminal(again, one.env, cwd=tmp_path / "work") as pane:
            later = replace(one, pane=pane)
            await retry_until(lambda: later.run is not None and not alive(family), PATIENCE, describe=pane.describe)
            await asyncio.sleep(0.5)
            await later.is_idle()
            assert SECRET in await later.asked("Do you remember?", "I do.")
