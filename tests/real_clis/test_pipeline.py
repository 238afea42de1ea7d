"""The pipeline of the specification, research, code, review, deploy, in one room: a client of Skynet finds out, a real
claude writes the code, a model without a terminal reviews it, claude deploys, and a person allows that. What the room
decided weeks ago is recalled, and quoted in the task."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.events import Message
from gateway.protocol.requests.approval_requests import AnswerAsk, Asks
from gateway.protocol.requests.member_requests import CreateToken, Members
from gateway.protocol.requests.message_requests import History, Recall
from gateway.protocol.requests.mode_requests import SetMode
from gateway.protocol.results import AskList, Done, MemberList, MessageList, ModeStanding, Recalled, TokenMade
from gateway.protocol.types.core_types import MemberKind
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.models.without_tools import ChatWithoutTools
from tests.fakes.retry import retry_until_awaited
from tests.fakes.skynet_client import SkynetAgent, skynet_agent
from tests.real_clis.homes import CLIS
from tests.real_clis.test_in_the_room import Scene, claude_in_the_room
from tests.support.gateways import TEAM_TOKEN

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
DECIDED = "We decided: the importer retries five times at most, because of the outage in May."
CAST = {"researcher": "scout", "coder": "claude", "reviewer": "ada", "deployer": "claude"}

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def connector(scene: Scene, model: Model, folder: Path) -> Iterator[None]:
    """`groupchat connect ada`, as a person would start it."""
    words = ("connect", "ada", "--to", "openai", "--base-url", f"{model.url}/v1", "--model", "fake")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GROUPCHAT", "CSP", "TMUX"))}
    own = {
        "GROUPCHAT_STATE": str(scene.gateway.state),
        "CSP_GATEWAY_URL": scene.gateway.url,
        "CSP_AUTH_TOKEN": TEAM_TOKEN,
        "OPENAI_API_KEY": "a-dummy-key",
        "PYTHONPATH": str(ROOT),
    }
    with (folder / "ada.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "sidecar.cli", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**kept, **own},
            cwd=folder,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@contextlib.asynccontextmanager
async def four(folder: Path) -> AsyncIterator[tuple[Scene, SkynetAgent, Model]]:
    async with contextlib.AsyncExitStack() as stack:
        scene = await stack.enter_async_context(claude_in_the_room(folder))
        model = await stack.enter_async_context(Model(ChatWithoutTools()))
        scout = await stack.enter_async_context(
            skynet_agent(scene.gateway.listeners["skynet"], "scout", agent_type="researcher")
        )
        stack.enter_context(connector(scene, model, folder))
        await retry_until_awaited(lambda: are_ready(scene.person), PATIENCE_S, describe=scene.pane.describe)
        yield scene, scout, model


async def are_ready(person: Client) -> bool:
    """Whether both agents have nothing to do."""
    found = (await person.request(Members(), MemberList)).agents
    return {one.name for one in found if one.activity == "idle" and not one.queued} >= {"claude", "ada"}


async def said(person: Client) -> list[Message]:
    return list(reversed((await person.request(History(limit=100), MessageList)).messages))


async def test_research_code_review_and_deploy(tmp_path: Path) -> None:
    async with four(tmp_path) as (scene, scout, model):
        person = scene.person
        await person.request(CreateToken(name="bob", kind=MemberKind.HUMAN), TokenMade)
        decided = await person.send(DECIDED)
        for number in range(60):
            await person.send(f"Note {number} about the kitchen.", to="@bob")
        await retry_until_awaited(lambda: are_ready(person), PATIENCE_S, describe=scene.pane.describe)
        recalled = await person.request(Recall(question="how often may the importer retry?"), Recalled)
        passage = recalled.passages[0].messages[0]
        assert (passage.seq, passage.text) == (decided.seq, DECIDED)

        deploys = Reply("Let me deploy.", tool=CLIS["claude"].tool)
        scene.model.script(Reply("Coded: five retries."), deploys, Reply("Deployed."))
        model.script(Reply("Reviewed: it stops after five."))
        begun = (await said(person))[-1].seq
        topic = f"the importer. #{passage.seq}: {passage.text}"
        await person.request(SetMode(mode="pipeline", topic=topic, cast=CAST), ModeStanding)
        assert DECIDED in await _turn_of(scout)
        await scout.send("broadcast", "Found: a retry must back off.")

        async def is_asking() -> bool:
            return bool((await person.request(Asks(), AskList)).asks)

        await retry_until_awaited(is_asking, PATIENCE_S, describe=scene.pane.describe)
        assert not (scene.work / "made").exists()
        await person.request(AnswerAsk(member="claude", answer="allow"), Done)

        async def has_ended() -> bool:
            return any("PIPELINE complete." in one.content for one in await said(person))

        await retry_until_awaited(has_ended, PATIENCE_S, describe=scene.pane.describe)
        heard = await said(person)
        turns = [(one.from_, one.content) for one in heard if one.from_ in CAST.values() and one.seq > begun]
        assert turns == [
            ("scout", "Found: a retry must back off."),
            ("claude", "Coded: five retries."),
            ("ada", "Reviewed: it stops after five."),
            ("claude", "Deployed."),
        ]
        assert (scene.work / "made").exists()
        coding = next(one for one in scene.model.prompts if "@claude - Your turn" in one)
        assert DECIDED in coding.replace("\n", " ") and "| Found: a retry must back off." in coding
        assert "Coded: five retries." in str(model.prompts[-1])


async def _turn_of(scout: SkynetAgent) -> str:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for content in map(str, scout.contents):
                if "@scout - Your turn" in content:
                    return content
            await asyncio.sleep(0.05)
