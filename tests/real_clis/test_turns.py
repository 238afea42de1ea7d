"""Each real CLI through every kind of turn, typed to as a person would, against a loopback model."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from tests.fakes.models.script import Kind, Reply
from tests.fakes.retry import retry_until
from tests.real_clis.homes import CLIS, Cli
from tests.real_clis.kept import Kept, kept
from tests.real_clis.running import Running, running

TEXT = "[alice -> agent #1] Grüße 🙂 in\ntwo lines, with 'quotes' and $HOME."

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
each_cli = pytest.mark.parametrize("of_module", CLIS.values(), ids=CLIS, indirect=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def of_module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Kept[Running]]:
    cli: Cli = request.param
    async with kept(partial(running, cli), Running.begin, lambda: tmp_path_factory.mktemp(cli.name)) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def agent(of_module: Kept[Running]) -> AsyncIterator[Running]:
    async with of_module.lent() as found:
        yield found


async def all_answered(agent: Running, turns: int) -> None:
    await retry_until(
        lambda: len(agent.model.turns) >= turns and all(turn.finished_at for turn in agent.model.turns),
        60,
        describe=agent.terminal.describe,
    )


@each_cli
async def test_the_model_gets_each_text_once(agent: Running) -> None:
    agent.model.script(Reply("The first ANSWER-4711 of all."), Reply("Slowly, word by word: ANSWER-4712.", seconds=1))
    await agent.say(TEXT)
    await agent.terminal.shows("ANSWER-4711", 60)
    await all_answered(agent, 1)
    await agent.say("[bob -> agent #2] And once more.")
    await agent.terminal.shows("ANSWER-4712", 60)
    await all_answered(agent, 2)
    assert agent.model.prompts == [TEXT, "[bob -> agent #2] And once more."]
    assert agent.strayed == []


@each_cli
async def test_a_tool_call_asks_and_goes_on(agent: Running) -> None:
    agent.model.script(Reply("Let me see.", tool=agent.cli.tool), Reply("ANSWER-4713"))
    await agent.say("[alice -> agent #3] Make it.")
    await agent.approve()
    await agent.terminal.shows("ANSWER-4713", 60)
    assert (agent.place.work / "made").exists()
    assert [turn.asked.kind for turn in agent.model.turns] == [Kind.TURN, Kind.CONTINUATION]
    assert agent.model.prompts == ["[alice -> agent #3] Make it."]


@each_cli
async def test_an_error_is_told_and_the_next_message_works(agent: Running) -> None:
    agent.model.script(*[Reply(status=400)] * (6 if agent.cli.name == "claude" else 1))
    await agent.say("[alice -> agent #4] Fail.")
    await agent.terminal.shows("scripted 400", 60)
    failed = len(agent.model.turns)
    await agent.say("[alice -> agent #5] Go on.")
    await all_answered(agent, failed + 1)
    await agent.terminal.shows("ACK", 60)
    assert agent.model.prompts[-1] == "[alice -> agent #5] Go on."


@each_cli
async def test_escape_cuts_a_silent_turn(agent: Running) -> None:
    agent.model.script(Reply(silence=600))
    await agent.say("[alice -> agent #6] Think.")
    await agent.terminal.shows("esc to", 60)
    agent.terminal.write("\x1b")
    await retry_until(lambda: agent.model.turns[0].cut, 30, describe=agent.terminal.describe)
