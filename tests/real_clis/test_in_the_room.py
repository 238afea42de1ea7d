"""The thin path through the whole product with a real CLI: the room, the sidecar, the agent, the model, and back."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.client import Client
from gateway.protocol.events import Message, Receipt
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.results import MemberList
from gateway.protocol.types.core_types import Activity, Rung
from tests.fakes.agentchat_client import Identity, agent_at
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.fakes.skynet_client import skynet_agent
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import CLIS, Place
from tests.real_clis.kept import Kept, kept
from tests.support.gateways import OPERATOR, GatewayProcess

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0  # a CLI that starts on a busy machine

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True, slots=True)
class Scene:
    """The real claude behind a sidecar in a terminal, and a person in the room."""

    gateway: GatewayProcess
    person: Client
    pane: Terminal
    model: Model
    work: Path

    async def activity(self) -> Activity | None:
        found = await self.person.request(Members(), MemberList)
        return next((one.activity for one in found.agents if one.name == "claude"), None)

    async def until(self, wanted: Activity) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while await self.activity() is not wanted:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not {wanted} but {await self.activity()}\n{self.pane.describe()}") from None

    async def begin(self) -> None:
        await self.until(Activity.IDLE)
        self.model.forget()
        (self.work / "made").unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def claude_in_the_room(folder: Path) -> AsyncIterator[Scene]:
    cli = CLIS["claude"]
    if cli.missing:
        pytest.skip(cli.missing)
    for name in ("home", "work"):
        (folder / name).mkdir()
    gateway = GatewayProcess(folder / "state", "--listen", "agentchat=0", "--listen", "skynet=0")
    async with Model(cli.dialect()) as model, outside() as world:
        launch = cli.launch(Place(folder / "home", folder / "work", model.url), cli.program)
        env = {**launch.env, **world.env, "GROUPCHAT_STATE": str(gateway.state), "PYTHONPATH": str(ROOT)}
        join = (sys.executable, "-P", "-m", "sidecar.cli", "join", "claude", "--agent", "claude", "--", *launch.argv)
        with gateway.running():
            async with terminal(join, env, cwd=folder / "work") as pane, Client(gateway.operator, Hello()) as person:
                scene = Scene(gateway, person, pane, model, folder / "work")
                await scene.begin()
                yield scene


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def of_module(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kept[Scene]]:
    async with kept(claude_in_the_room, Scene.begin, lambda: tmp_path_factory.mktemp("claude")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def scene(of_module: Kept[Scene]) -> AsyncIterator[Scene]:
    """With a person who has heard nothing yet."""
    async with of_module.lent() as found, Client(found.gateway.operator, Hello()) as person:
        yield replace(found, person=person)


async def groupchat(gateway: GatewayProcess, *arguments: str) -> dict[str, object]:
    command = [sys.executable, "-P", "-m", "controller.cli.main", *arguments, "--state", str(gateway.state), "--json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=os.environ.copy())
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0
    decoded: dict[str, object] = json.loads(out)
    return decoded


async def test_a_question_from_the_shell_comes_back_with_claudes_answer(scene: Scene) -> None:
    scene.model.script(Reply("The build is green. ANSWER-4711"))
    done = await groupchat(scene.gateway, "send", "@claude", "Is the build green?", "--wait-reply")
    reply = done["reply"]
    assert isinstance(reply, dict)
    assert reply["content"] == "The build is green. ANSWER-4711"
    assert (reply["from"], reply["reply_to"]) == ("claude", done["seq"])
    assert len(scene.model.prompts) == 1
    assert "Is the build green?" in scene.model.prompts[0]
    assert f"#{done['seq']}" in scene.model.prompts[0]
    number = done["seq"]
    assert isinstance(number, int)
    await _receipt(scene.person, number, Rung.ANSWERED)  # it is told after the reply
    story = await groupchat(scene.gateway, "receipts", str(number))
    receipts = story["receipts"]
    assert isinstance(receipts, list)
    rungs = [step["rung"] for receipt in receipts for step in receipt["steps"]]
    assert rungs[-1] == Rung.ANSWERED
    assert [one for one in rungs if one in _TYPING] == [Rung.TYPED, Rung.VERIFIED, Rung.SUBMITTED]


_TYPING = (Rung.TYPED, Rung.VERIFIED, Rung.SUBMITTED)


async def test_a_message_waits_while_a_dialog_is_open_and_answers_it_never(scene: Scene) -> None:
    scene.model.script(Reply("Let me see.", tool=CLIS["claude"].tool), Reply("Made."), Reply("Second."))
    first = await scene.person.send("Make it.", to="@claude")
    await scene.until(Activity.ASKING)
    second = await scene.person.send("And now?", to="@claude")
    held = await _receipt(scene.person, second.seq)
    assert (held.steps[-1].rung, held.steps[-1].reason) == (Rung.HELD, "asking")
    assert not (scene.work / "made").exists()
    assert len(scene.model.prompts) == 1
    await _approve(scene.pane)
    answers = {}
    async with asyncio.timeout(PATIENCE):
        async for event in scene.person.events():
            if isinstance(event, Message):
                answers[event.reply_to] = event.content
            if len(answers) == 2:
                break
    assert (scene.work / "made").exists()
    assert "Second." in answers[second.seq]
    assert first.seq in answers
    assert len(scene.model.prompts) == 2


async def _receipt(person: Client, number: int, rung: Rung | None = None) -> Receipt:
    """The next one of this message, or the next one that ends with this rung."""
    async with asyncio.timeout(PATIENCE):
        async for event in person.events():
            if isinstance(event, Receipt) and event.message == number and rung in (None, event.steps[-1].rung):
                return event
    raise AssertionError("no receipt came")


async def _approve(pane: Terminal) -> None:
    """As the person at the terminal does: Enter on Yes, again while the dialog is there."""
    dialog = CLIS["claude"].dialog
    await pane.shows(dialog)
    for _ in range(5):
        pane.write("\r")
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: dialog not in pane.screen, 1)
            return
    await retry_until(lambda: dialog not in pane.screen, describe=pane.describe)


async def test_claude_and_an_agent_of_agentchat_talk(scene: Scene) -> None:
    where = scene.gateway.listeners["agentchat"]
    async with agent_at(where, "scout", "#general", identity=Identity()) as scout:
        member = f"scout-{scout.id[1:]}"
        assert "@claude" in await scout.agents("#general")
        scene.model.script(Reply("The build is green. ANSWER-4711"))
        await scout.send("@claude", "Is the build green?")
        answer = await scout.message("The build is green. ANSWER-4711")
        assert (answer["from"], answer["to"]) == ("@claude", scout.id)
        assert f"[{member} -> claude #" in scene.model.prompts[-1]
        scene.model.script(Reply(f"Asked.\n@{member} look at main.py"))
        await scene.person.send("Tell the scout.", to="@claude")
        told = await scout.message("look at main.py")
        assert (told["from"], told["to"]) == ("@claude", scout.id)


async def skynet(gateway: GatewayProcess, *arguments: str) -> dict[str, object]:
    return await groupchat(gateway, "skynet", *arguments)


async def test_research_code_and_review_by_skynet_agents_claude_and_a_person(scene: Scene) -> None:
    """The pipeline of Skynet's README: who plans, researches and reviews are Skynet's agents, claude writes the code,
    and the person sees all of it and has the last word."""
    where = scene.gateway.listeners["skynet"]
    async with (
        skynet_agent(where, "planner", agent_type="planner") as planner,
        skynet_agent(where, "researcher", agent_type="researcher") as researcher,
        skynet_agent(where, "reviewer", agent_type="reviewer") as reviewer,
    ):
        await skynet(scene.gateway, "send", "--from", "planner", "--to", "researcher", "--content", "Research RAG")
        task = await researcher.message("Research RAG")
        assert (task["from_agent"], task["type"]) == ("planner", "task")
        findings = "Found 10 papers"
        await researcher.send("reply", findings, "planner", parent_id=task["id"], trace_id=task["trace_id"])
        found = await planner.message(findings)
        assert (found["type"], found["parent_id"], found["trace_id"]) == ("reply", task["id"], task["trace_id"])

        scene.model.script(Reply("Code complete.\n@reviewer please review rag.py"), Reply("Merged."))
        coding = await planner.send("task", "Implement RAG by these 10 papers", "claude")
        done = await planner.message("Code complete.\n@reviewer please review rag.py")
        assert (done["from_agent"], done["type"], done["parent_id"]) == ("claude", "reply", coding["id"])
        asked = await reviewer.message("please review rag.py")
        assert asked["from_agent"] == "claude"
        assert "[planner -> claude #" in scene.model.prompts[0] and "10 papers" in scene.model.prompts[0]

        await reviewer.send("reply", "Approved! Ship it", "claude", parent_id=asked["id"])
        merged = await reviewer.message("Merged.")
        assert (merged["from_agent"], merged["type"]) == ("claude", "reply")
        assert "[reviewer -> claude #" in scene.model.prompts[1] and "Approved!" in scene.model.prompts[1]

        await scene.person.send("Well done.", to="@reviewer")
        assert (await reviewer.message("Well done."))["from_agent"] == OPERATOR
    heard = await _heard(scene.person, "Merged.")
    assert [one for one in heard if one[1] in ("Research RAG", findings, "Approved! Ship it", "Merged.")] == [
        ("planner", "Research RAG"),
        ("researcher", findings),
        ("reviewer", "Approved! Ship it"),
        ("claude", "Merged."),
    ]


async def _heard(person: Client, last: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    async with asyncio.timeout(PATIENCE):
        async for event in person.events():
            if isinstance(event, Message):
                found.append((event.from_, event.content))
                if event.content == last:
                    break
    return found
