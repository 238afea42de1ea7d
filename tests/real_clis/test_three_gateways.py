"""Three gateways on one Redis, a real CLI at each, a person in the chat and one at the page: a debate runs, the gateway
that decides is killed in it, and everybody goes on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from gateway.client import Client, Endpoint
from gateway.protocol.events import Message
from gateway.protocol.requests.member_requests import CreateToken, Members
from gateway.protocol.requests.message_requests import History
from gateway.protocol.requests.mode_requests import SetMode
from gateway.protocol.results import MemberList, MessageList, ModeStanding, TokenMade
from gateway.protocol.types.core_types import Activity, MemberKind
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until_awaited
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import CLIS, Place
from tests.support.chromium import CHROMIUM, WITHOUT, chromium
from tests.support.gateways import GatewayProcess
from tests.support.redis_server import RedisServer, need_redis
from tests.support.web_visits import Visit, visiting

ROOT = Path(__file__).parents[2]
THREE = ("claude", "codex", "gemini")
PATIENCE_S = 120.0

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Seat:
    """An agent, its own gateway and its own terminal."""

    name: str
    gateway: GatewayProcess
    model: Model
    pane: Terminal


@contextlib.asynccontextmanager
async def seated(name: str, server: RedisServer, folder: Path) -> AsyncIterator[Seat]:
    cli, home, work = CLIS[name], folder / "home", folder / "work"
    if cli.missing:
        pytest.skip(cli.missing)
    for one in (home, work):
        one.mkdir(parents=True)
    gateway = GatewayProcess(folder / "state", "--store", server.url)
    async with Model(cli.dialect()) as model, outside() as world:
        launch = cli.launch(Place(home, work, model.url), cli.program)
        env = {**launch.env, **world.env, "GROUPCHAT_STATE": str(gateway.state), "PYTHONPATH": str(ROOT)}
        join = (sys.executable, "-P", "-m", "sidecar.cli", "join", name, "--agent", name, "--", *launch.argv)
        with gateway.running():
            async with terminal(join, env, cwd=work) as pane:
                yield Seat(name, gateway, model, pane)


@contextlib.asynccontextmanager
async def chat_at(gateway: GatewayProcess) -> AsyncIterator[Terminal]:
    env = {**os.environ, "GROUPCHAT_STATE": str(gateway.state), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    async with terminal((sys.executable, "-P", "-m", "controller.cli.main", "chat"), env, cwd=ROOT) as chat:
        yield chat


async def said(client: Client) -> list[Message]:
    return list(reversed((await client.request(History(limit=200), MessageList)).messages))


async def are_all_idle(client: Client) -> bool:
    found = (await client.request(Members(), MemberList)).agents
    doing = {one.name: one.activity for one in found if one.name in THREE}
    return doing == dict.fromkeys(THREE, Activity.IDLE)


def all_panes(seats: Mapping[str, Seat]) -> str:
    return "\n".join(seat.pane.describe() for seat in seats.values())


@dataclass(frozen=True)
class Scene:
    """`person` asks the second gateway; the chat is at that one, too, and the page at the third."""

    seats: dict[str, Seat]
    person: Client
    chat: Terminal
    page: Visit

    def describe(self) -> str:
        return all_panes(self.seats)

    async def answers(self) -> list[tuple[str, str]]:
        return [(one.from_, one.content) for one in await said(self.person) if one.from_ in THREE]

    async def have_two_spoken(self) -> bool:
        return len(await self.answers()) >= 2

    async def has_ended(self) -> bool:
        return any("DEBATE complete." in one.content for one in await said(self.person))


@contextlib.asynccontextmanager
async def three_gateways(folder: Path) -> AsyncIterator[Scene]:
    need_redis()
    if CHROMIUM is None:
        pytest.skip(WITHOUT)
    async with contextlib.AsyncExitStack() as stack:
        server = stack.enter_context(RedisServer(folder / "redis").running())
        seats = {name: await stack.enter_async_context(seated(name, server, folder / name)) for name in THREE}
        second, third = seats["codex"].gateway, seats["gemini"].gateway
        person = await stack.enter_async_context(Client(second.operator, patient=True))
        # While a CLI starts it asks its terminal, and takes an answer that comes late for keys: here, too, nothing else
        # starts meanwhile.
        await retry_until_awaited(partial(are_all_idle, person), PATIENCE_S, describe=partial(all_panes, seats))
        chat = await stack.enter_async_context(chat_at(second))
        browser = await stack.enter_async_context(chromium())
        page = await stack.enter_async_context(visiting(browser, third, "member"))
        bob = await person.request(CreateToken(name="bob", kind=MemberKind.HUMAN), TokenMade)
        await stack.enter_async_context(Client(Endpoint(third.url, bob.token)))  # to talk to without an agent
        yield Scene(seats, person, chat, page)


async def test_a_debate_goes_on_where_the_decider_was_killed(tmp_path: Path) -> None:
    async with three_gateways(tmp_path) as scene:
        models = {name: seat.model for name, seat in scene.seats.items()}
        models["claude"].script(Reply("Tabs, says claude."), Reply("Still tabs."), Reply("A formatter decides."))
        models["codex"].script(Reply("Spaces, says codex."), Reply("Spaces, as they align."))
        models["gemini"].script(Reply("Both, says gemini."), Reply("A formatter."))
        debate = SetMode(mode="debate", topic="tabs or spaces?", agents=THREE, rounds=2)
        await scene.person.request(debate, ModeStanding)
        await retry_until_awaited(scene.have_two_spoken, PATIENCE_S, describe=scene.describe)

        await scene.chat.shows("Spaces, says codex.")
        decider = scene.seats["claude"].gateway
        decider.kill()
        await scene.chat.submit("@bob Does anybody hear me?")
        await scene.page.sees("Does anybody hear me?")
        await scene.page.says("@bob The page does.")
        await scene.chat.shows("The page does.")
        await asyncio.to_thread(decider.start)

        await retry_until_awaited(scene.has_ended, PATIENCE_S, describe=scene.describe)
        assert await scene.answers() == [
            ("claude", "Tabs, says claude."),
            ("codex", "Spaces, says codex."),
            ("gemini", "Both, says gemini."),
            ("claude", "Still tabs."),
            ("codex", "Spaces, as they align."),
            ("gemini", "A formatter."),
            ("claude", "A formatter decides."),
        ]
        await scene.chat.shows("DEBATE complete.")
        await scene.page.sees("A formatter decides.")
        numbers = [one.seq for one in await said(scene.person)]
        assert numbers == sorted(set(numbers))
