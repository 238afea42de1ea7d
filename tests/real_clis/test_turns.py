"""Each real CLI through every kind of turn, typed to as a person would, against a loopback model; and what the sidecar
sees of them.

EYES_TURNS=50 pytest -s tests/real_clis/test_turns.py -k false_idle     prints the long run: so many turns of each kind.
EYES_KEEP=FOLDER keeps what was printed and pressed as a recording, to find out why something was seen late.
"""

import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from sidecar.agents import REGISTRY
from tests.fakes.models.script import Kind, Reply
from tests.fakes.retry import retry_until
from tests.real_clis.homes import CLIS, Cli
from tests.real_clis.kept import Kept, kept
from tests.real_clis.record import PROSE
from tests.real_clis.running import Running
from tests.real_clis.seen_late import figures
from tests.real_clis.watched import Watched, watched

EYES_TURNS = int(os.environ.get("EYES_TURNS", "1"))
EYES_KEEP = os.environ.get("EYES_KEEP", "")
LATE_S = 0.3
SAFETY_S = 10.0  # a starved CLI itself prints nothing for seconds
ENDED_BY = {
    "opencode": "esc interrupt",
    "copilot": "esc esc",
    "pi": "Working",
    "vibe": "Esc/Ctrl+C to",
    "aider": "Waiting for",
}
TEXT = "[alice -> agent #1] Grüße 🙂 in\ntwo lines, with 'quotes' and $HOME."

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
each_cli = pytest.mark.parametrize("of_module", CLIS.values(), ids=CLIS, indirect=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def of_module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Kept[Watched]]:
    cli: Cli = request.param
    async with kept(partial(watched, cli), Watched.begin, lambda: tmp_path_factory.mktemp(cli.name)) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def eyes(of_module: Kept[Watched]) -> AsyncIterator[Watched]:
    async with of_module.lent() as found:
        yield found


@pytest.fixture
def agent(eyes: Watched) -> Running:
    return eyes.agent


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
    then = [Reply("ANSWER-4713")] if agent.cli.continues else []
    agent.model.script(Reply("Let me see.", tool=agent.cli.tool), *then)
    await agent.say("[alice -> agent #3] Make it.")
    await agent.approve()
    if then:
        await agent.terminal.shows("ANSWER-4713", 60)
    await retry_until((agent.place.work / "made").exists)
    assert [turn.asked.kind for turn in agent.model.turns] == [Kind.TURN, *(Kind.CONTINUATION for _ in then)]
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
    await agent.terminal.shows(ENDED_BY.get(agent.cli.name, "esc to"), 60)
    agent.terminal.write(REGISTRY[agent.cli.agent].interrupt.key)
    await retry_until(lambda: agent.model.turns[0].cut, 60, describe=agent.terminal.describe)


# what the sidecar sees


async def watched_turns(eyes: Watched) -> None:
    for number in range(EYES_TURNS):
        await eyes.turn(f"[alice #{4 * number + 1}] short", Reply("Short."))
        await eyes.turn(f"[alice #{4 * number + 2}] long", Reply(PROSE, seconds=2))
        await eyes.turn(f"[alice #{4 * number + 3}] silent", Reply("Done.", silence=2))
        await eyes.turn(f"[alice #{4 * number + 4}] tool", Reply("Let me.", tool=eyes.cli.tool), Reply("Made."))


@each_cli
async def test_no_false_idle_and_every_change_is_seen(eyes: Watched) -> None:
    await watched_turns(eyes)
    found = figures(eyes)
    if EYES_KEEP:
        eyes.save(Path(EYES_KEEP) / f"{eyes.cli.name}-live.cast", [])
    print(f"\n{eyes.cli.name} {eyes.cli.version}: {found}")
    assert found.false_idle == 0
    assert found.worst <= SAFETY_S
    if EYES_TURNS > 1:
        assert found.p95 <= LATE_S
