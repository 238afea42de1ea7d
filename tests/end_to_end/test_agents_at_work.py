"""What agents are at, what happens when two write one file, and who has looked: a real gateway, real sidecars, and two
demo agents in one project."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.client import Client
from gateway.protocol.events import MemberView, Message
from gateway.protocol.requests.agent_requests import Stop
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.mark_requests import MarkRead
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import Done, MemberList, MessageList, Stopping
from gateway.protocol.types.agent_work import Work
from gateway.protocol.types.core_types import Activity
from tests.support import warm
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess

pytestmark = pytest.mark.slow
DEMO = (sys.executable, "-P", "-m", "sidecar.demo_agent")
ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S, PATIENCE_S = 30, 90
T = TypeVar("T")


async def true_of(ask: Callable[[], Awaitable[T | None]]) -> T:
    """The first answer that is one."""
    async with asyncio.timeout(PATIENCE_S):
        while (found := await ask()) is None:
            await asyncio.sleep(0.1)
    return found


@contextlib.contextmanager
def sidecar(gateway: GatewayProcess, name: str, project: Path) -> Iterator[None]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GROUPCHAT", "CSP", "TMUX"))}
    env = {**kept, "GROUPCHAT_STATE": str(gateway.state), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    words = ("join", name, "--project", str(project), "--", *DEMO)
    with (gateway.state.parent / f"{name}.log").open("ab") as log, open(os.devnull) as nothing:
        running = warm.Fork(warm.SIDECAR, words, env, (nothing.fileno(), log.fileno(), log.fileno()))
    try:
        yield
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(ENDS_WITHIN_S)


@dataclass
class House:
    alice: Client

    async def view(self, name: str) -> MemberView:
        found = await self.alice.request(Members(), MemberList)
        return next(one for one in found.agents if one.name == name)

    async def comes_to(self, name: str, wanted: Callable[[MemberView], bool]) -> MemberView:
        async def seen() -> MemberView | None:
            found = await self.alice.request(Members(), MemberList)
            return next((one for one in found.agents if one.name == name and wanted(one)), None)

        return await true_of(seen)

    async def said(self) -> list[Message]:
        return list((await self.alice.request(History(room="general", limit=50), MessageList)).messages)

    async def answer_to(self, number: int) -> Message:
        async def answer() -> Message | None:
            return next((one for one in await self.said() if one.reply_to == number), None)

        return await true_of(answer)

    async def ask(self, name: str, text: str) -> Message:
        return await self.answer_to((await self.alice.send(text, to=f"@{name}")).seq)


@contextlib.asynccontextmanager
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """ada and ben work in one project, which is a repository."""
    project = tmp_path / "website"
    (project / ".git").mkdir(parents=True)
    (project / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    with (
        GatewayProcess(tmp_path / "state").running() as gateway,
        sidecar(gateway, "ada", project),
        sidecar(gateway, "ben", project),
    ):
        async with Client(gateway.operator, Hello(echo=True)) as alice:
            found = House(alice)
            for name in ("ada", "ben"):
                await found.comes_to(name, lambda one: one.activity is Activity.IDLE)
            yield found


async def test_a_turn_is_seen_a_collision_is_told_quietly_and_an_answer_waits_for_a_look(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        await shows_tool_and_place(one, Groupchat(tmp_path / "state", quick=True))
        await collision_travels_with_the_next_message(one)
        await done_until_somebody_has_looked(one)


async def shows_tool_and_place(one: House, groupchat: Groupchat) -> None:
    await one.alice.send("edit src/app.py silent 600", to="@ada")
    work = Work("website", "main", "Edit", "src/app.py")
    await one.comes_to("ada", lambda view: (view.activity, view.work) == (Activity.BUSY, work))
    shown = await asyncio.to_thread(groupchat, "agents", "--json")
    told = json.loads(shown.out)["agents"]
    (ada,) = (member for member in told if member["name"] == "ada")
    assert (ada["work"]["file"], ada["work"]["branch"], ada["since"] != "") == ("src/app.py", "main", True)
    await one.alice.request(Stop(member="ada"), Stopping)
    await one.comes_to("ada", lambda view: (view.activity, view.work) == (Activity.IDLE, Work("website", "main")))


async def collision_travels_with_the_next_message(one: House) -> None:
    await one.ask("ben", "edit src/app.py")

    async def notice() -> Message | None:
        return next((line for line in await one.said() if line.context and "collision" in line.context), None)

    line = await true_of(notice)
    assert line.content.startswith("ben has written src/app.py, which ada wrote ") and line.deliveries == ()
    assert (await one.view("ada")).activity is Activity.IDLE
    for name in ("ada", "ben"):
        first, second = await one.ask(name, "say hello"), await one.ask(name, "hello")
        assert (first.content.count("[system -> "), second.content.count("[system -> ")) == (1, 0), first.content
    await one.ask("ben", "edit src/app.py")
    await one.ask("ada", "edit src/app.py")
    assert len([line for line in await one.said() if line.context and "collision" in line.context]) == 1


async def done_until_somebody_has_looked(one: House) -> None:
    answer = await one.ask("ada", "hello again")
    await one.comes_to("ada", lambda view: view.done)
    await one.alice.request(MarkRead(room="general", message=answer.seq), Done)
    await one.comes_to("ada", lambda view: not view.done and view.activity is Activity.IDLE)
