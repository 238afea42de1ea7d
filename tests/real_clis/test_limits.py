"""A usage limit of a real CLI, from the vendor's refusal to the roster: the room is told once, and mail waits."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gateway.client import Client
from gateway.protocol.events import MemberView, Message
from gateway.protocol.requests.agent_requests import Resume, Stop
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import History, Send, Show
from gateway.protocol.results import Accepted, Done, MemberList, MessageDetail, MessageList
from gateway.protocol.types.agent_conditions import ConditionKind
from gateway.protocol.types.core_types import Activity, Rung
from gateway.protocol.types.timestamps import seconds_from_iso
from sidecar.conditions.condition_watch import RESET_MARGIN_S
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.outside import outside
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import (
    ALL,
    Cli,
    Launch,
    Place,
    among,
    claude_with_subscription,
    pi_that_repeats,
)
from tests.real_clis.running import STARTS_WITHIN_S
from tests.real_clis.usage_limits import (
    LimitOfMinutes,
    claude_limit,
    codex_limit,
    copilot_limit,
    opencode_free_limit,
    opencode_limit,
    pi_free_limit,
    qwen_free_limit,
    qwen_limit,
    vibe_limit,
)
from tests.support.gateways import GatewayProcess

ROOT = Path(__file__).parents[2]
PATIENCE = 400.0  # a vendor names the minute in which a limit ends

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Scene:
    name: str
    person: Client
    pane: Terminal
    model: Model

    async def view(self) -> MemberView:
        found = await self.person.request(Members(), MemberList)
        return next(one for one in found.agents if one.name == self.name)

    async def until(self, what: Any) -> MemberView:
        try:
            async with asyncio.timeout(PATIENCE):
                while not what(view := await self.view()):
                    await asyncio.sleep(0.05)
                return view
        except TimeoutError:
            raise AssertionError(f"{await self.view()}\n{self.pane.describe()}") from None

    async def say(self, text: str) -> int:
        return (await self.person.request(Send(content=text, to=f"@{self.name}"), Accepted)).seq

    async def reaches(self, number: int, rung: Rung) -> str:
        """The reason of that rung."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    (one,) = (await self.person.request(Show(message=number), MessageDetail)).deliveries
                    if one.rung is rung:
                        return one.reason
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{one}\n{self.pane.describe()}") from None

    async def open_list(self, command: str, shows: str) -> None:
        """As a person does in its terminal."""
        for key in command:
            self.pane.write(key)
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        self.pane.write("\r")
        await self.pane.shows(shows, 60)
        await self.until(lambda one: one.activity is Activity.ASKING)

    async def history(self) -> list[Message]:
        return list((await self.person.request(History(room="general", limit=50), MessageList)).messages)


@contextlib.asynccontextmanager
async def in_the_room(cli: Cli, folder: Path, *options: str) -> AsyncIterator[Scene]:
    if cli.missing:
        pytest.skip(cli.missing)
    for name in ("home", "work"):
        (folder / name).mkdir()
    gateway = GatewayProcess(folder / "state")
    async with Model(cli.dialect()) as model, outside() as world:
        launch: Launch = cli.launch(Place(folder / "home", folder / "work", model.url), cli.program)
        env = {**launch.env, **world.env, "GROUPCHAT_STATE": str(gateway.state), "PYTHONPATH": str(ROOT), "TZ": "UTC"}
        named = ("join", cli.name, "--agent", cli.name, *options)
        join = (sys.executable, "-P", "-m", "sidecar.cli", *named, "--", *launch.argv)
        with gateway.running():
            async with terminal(join, env, cwd=folder / "work") as pane, Client(gateway.operator, Hello()) as person:
                await pane.shows(cli.ready, STARTS_WITHIN_S)
                scene = Scene(cli.name, person, pane, model)
                await scene.until(lambda one: one.activity is Activity.IDLE)
                yield scene


LIMITS = {
    "claude": (replace(ALL["claude"], launch=claude_with_subscription), claude_limit),
    "codex": (ALL["codex"], codex_limit),
    "opencode": (ALL["opencode"], opencode_limit),
    "qwen": (ALL["qwen"], qwen_limit),
    "pi": (ALL["pi"], qwen_limit),  # it speaks to many providers
    "vibe": (ALL["vibe"], vibe_limit),  # as well
    "aider": (ALL["aider"], qwen_limit),  # so does this one, which repeats the request for a minute
    "cline": (ALL["cline"], qwen_limit),  # so does it
    "copilot": (ALL["copilot"], copilot_limit),
}
WAITS_INSIDE = ("opencode",)  # it repeats the request when the limit has ended, and works until then
# Copilot, aider and Cline tell of it only when they give up, after a minute
LASTS_S = {"opencode": 140, "cline": 140, "copilot": 200, "aider": 200}
REPEATED = {
    "qwen": (ALL["qwen"], qwen_free_limit),
    "opencode": (ALL["opencode"], opencode_free_limit),
    "pi": (replace(ALL["pi"], launch=pi_that_repeats), pi_free_limit),
}
LISTS = {"qwen": ("/model", "Select Model"), "pi": ("/model", "Only showing"), "copilot": ("/theme", "Color Mode")}


@pytest.mark.parametrize("name", among(*LIMITS))
async def test_a_limit_holds_mail_and_is_told_once(name: str, tmp_path: Path) -> None:
    cli, refusal = LIMITS[name]
    resets = int(time.time()) // 60 * 60 + 3 * 3600 + (30 if name in WAITS_INSIDE else 0)
    async with in_the_room(cli, tmp_path) as scene:
        scene.model.choose = lambda seen: refusal(resets)
        refused = await scene.say("What is two and two?")
        limited = await scene.until(lambda one: one.condition is not None)
        condition = limited.condition
        assert condition is not None and condition.kind is ConditionKind.LIMITED
        assert abs(seconds_from_iso(condition.until) - resets) <= (10 if name in WAITS_INSIDE else 0)
        if name in WAITS_INSIDE:
            await scene.reaches(refused, Rung.ACCEPTED)
            assert limited.activity is Activity.BUSY
        else:
            assert "limit" in (await scene.reaches(refused, Rung.FAILED)).replace("quota", "limit")
        asked = len(scene.model.turns)
        waits = await scene.say("And three and three?")
        reason = await scene.reaches(waits, Rung.HELD)
        assert reason.startswith("limited until ") and f"{resets // 3600 % 24:02}:{resets // 60 % 60:02}" in reason
        told = [one.content for one in await scene.history() if one.from_ == "system" and "limited" in one.content]
        assert len(told) == 1 and told[0].startswith(f"{name} is limited until ")
        assert len(scene.model.turns) == asked
        scene.model.choose = lambda seen: Reply("Six.")
        if name in WAITS_INSIDE:
            await scene.person.request(Stop(member=name), Done)
            assert "interrupted" in await scene.reaches(refused, Rung.FAILED)
            assert (await scene.reaches(waits, Rung.HELD)).startswith("limited until ")
        await scene.person.request(Resume(member=name), Done)
        await scene.reaches(waits, Rung.ANSWERED)
        await scene.until(lambda one: one.condition is None and one.activity is Activity.IDLE)
        assert len([one for one in await scene.history() if "limited" in one.content]) == 1


@pytest.mark.parametrize("name", among(*REPEATED))
async def test_a_limit_is_told_while_the_request_is_still_repeated(name: str, tmp_path: Path) -> None:
    """No end of it is told. Qwen Code shows nothing of it for minutes; its session file does, as OpenCode's plugin and
    Pi's extension do. The answer ends it. (Copilot tells nothing before it gives up.)"""
    cli, refusal = REPEATED[name]
    async with in_the_room(cli, tmp_path) as scene:
        scene.model.default = refusal(0)
        refused = await scene.say("What is two and two?")
        limited = await scene.until(lambda one: one.condition is not None)
        assert limited.condition is not None and limited.activity is Activity.BUSY
        assert (limited.condition.kind, limited.condition.until) == (ConditionKind.LIMITED, "")
        waits = await scene.say("And three and three?")
        assert await scene.reaches(waits, Rung.HELD) == "limited"
        scene.model.default = Reply("Four.")
        await scene.reaches(refused, Rung.ANSWERED)
        await scene.reaches(waits, Rung.ANSWERED)
        await scene.until(lambda one: one.condition is None)


@pytest.mark.parametrize("name", among(*LIMITS))
async def test_it_goes_on_by_itself_when_the_limit_has_ended(name: str, tmp_path: Path) -> None:
    """The refused message is answered, and then what waits, without a person."""
    cli, refusal = LIMITS[name]
    async with in_the_room(cli, tmp_path, "--on-limit", "resume") as scene:
        scene.model.choose = limit = LimitOfMinutes(refusal, Reply("Four."), LASTS_S.get(name, 85))
        refused = await scene.say("What is two and two?")
        await scene.until(lambda one: one.condition is not None)
        waits = await scene.say("And three and three?")
        assert (await scene.reaches(waits, Rung.HELD)).startswith("limited")
        await scene.reaches(refused, Rung.ANSWERED)
        await scene.reaches(waits, Rung.ANSWERED)
        assert time.time() >= limit.resets
        await scene.until(lambda one: one.condition is None and one.activity is Activity.IDLE)
        assert len([one for one in await scene.history() if one.from_ == "system" and "limited" in one.content]) == 1


@pytest.mark.parametrize("name", among(*LISTS))
async def test_it_does_not_go_on_into_an_open_list(name: str, tmp_path: Path) -> None:
    """The limit has ended, and a person has a list of the CLI open: what is typed now would choose from it."""
    cli, refusal = LIMITS[name]
    async with in_the_room(cli, tmp_path, "--on-limit", "resume") as scene:
        scene.model.choose = limit = LimitOfMinutes(refusal, Reply("Four."), LASTS_S.get(name, 85))
        refused = await scene.say("What is two and two?")
        await scene.until(lambda one: one.condition is not None and one.activity is not Activity.BUSY)
        await scene.open_list(*LISTS[name])
        asked = len(scene.model.turns)
        while time.time() < limit.resets + RESET_MARGIN_S + 10.0:
            await asyncio.sleep(1.0)
            assert len(scene.model.turns) == asked
        open_still = await scene.view()
        assert open_still.activity is Activity.ASKING and open_still.condition is not None
        scene.pane.write("\x1b")
        await scene.reaches(refused, Rung.ANSWERED)
        await scene.until(lambda one: one.condition is None and one.activity is Activity.IDLE)
