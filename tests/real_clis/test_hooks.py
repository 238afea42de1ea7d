"""What the real CLIs tell of each turn, and what they take for an answer."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from sidecar.agents.adapter.adapter import HookQuestion
from sidecar.screen.evidence import TurnFact, TurnFactKind
from tests.fakes.models.script import Reply, ToolCall
from tests.fakes.retry import retry_until
from tests.real_clis.eared import Eared, eared
from tests.real_clis.homes import CLIS
from tests.sidecar.capabilities import approvals_of

pytestmark = pytest.mark.slow

PROMPT = "[alice -> you #7] Is it grün?\n  Say so 🙂."
WORDS = "Es ist grün 🙂, wirklich 🏳️\u200d🌈:\n\n  1. ja\n  2. sì — più o meno «schön»."
VENDORS = ("claude", "claude-197", "gemini", "codex")
TODAYS = ("claude", "gemini", "codex")


async def answer(scene: Eared, count: int = 1) -> str:
    kind = TurnFactKind.ENDED if scene.agent.name == "gemini" else TurnFactKind.ANSWER
    return (await scene.tells(kind, count=count)).text


@pytest.mark.parametrize("name", VENDORS)
async def test_a_turn_is_told_exactly_and_a_second_copy_is_refused(name: str, tmp_path: Path) -> None:
    async with eared(name, tmp_path) as scene:
        scene.model.script(Reply(WORDS, seconds=0.5))
        await scene.say(PROMPT)
        assert (await scene.tells(TurnFactKind.PROMPT)).text == PROMPT
        assert await answer(scene) == WORDS
        assert scene.ears.session[:8] in str(scene.ears.transcript)
        scene.hearers.refuses = lambda fact: "#7 is here already" if "#7]" in fact.text else ""
        await retry_until(lambda: scene.cli.ready in scene.terminal.screen, describe=scene.terminal.describe)
        await scene.say(PROMPT)
        await scene.terminal.shows("#7 is here already")
        assert scene.model.prompts == [PROMPT]
        assert len(scene.kinds(TurnFactKind.PROMPT)) == 1


@pytest.mark.parametrize("name", TODAYS)
async def test_a_turn_that_fails_is_told(name: str, tmp_path: Path) -> None:
    async with eared(name, tmp_path) as scene:
        scene.model.default = Reply(status=400)
        await scene.say(PROMPT)
        await retry_until(lambda: failed(scene), describe=scene.describe)
        assert "scripted 400" in failed(scene)[0].text


def failed(scene: Eared) -> list[TurnFact]:
    return [fact for fact in scene.facts if fact.kind is TurnFactKind.FAILED]


@pytest.mark.parametrize("name", TODAYS)
async def test_a_turn_that_is_interrupted_is_told(name: str, tmp_path: Path) -> None:
    async with eared(name, tmp_path) as scene:
        scene.model.script(Reply("one\n\ntwo three four five six seven", seconds=20))
        await scene.say(PROMPT)
        await scene.terminal.shows("one")
        scene.terminal.write(scene.agent.interrupt.key)
        await scene.tells(TurnFactKind.INTERRUPTED, "transcript")


@pytest.mark.parametrize("name", ["claude", "claude-197"])
async def test_what_is_typed_while_a_tool_runs_is_told_by_the_transcript(name: str, tmp_path: Path) -> None:
    async with eared(name, tmp_path) as scene:
        tool = ToolCall("Bash", {"command": "sleep 3", "description": "Wait"})
        scene.model.script(Reply("I wait.", tool=tool), Reply("Both."))
        await scene.say("[alice -> you #1] Wait.")
        await scene.tells(TurnFactKind.MODEL, "transcript", count=2)
        await scene.say("[bob -> you #2] And\nthis.")
        assert await answer(scene) == "Both."
        await scene.tells(TurnFactKind.ENDED, "transcript")
        told = [fact.text for fact in scene.kinds(TurnFactKind.PROMPT, "transcript")]
        assert told == ["[alice -> you #1] Wait.", "[bob -> you #2] And\nthis."]
        assert [fact.text for fact in scene.kinds(TurnFactKind.PROMPT)] == ["[alice -> you #1] Wait."]


async def test_what_claude_queues_is_never_told_of_the_turn_that_goes_on(tmp_path: Path) -> None:
    async with eared("claude", tmp_path) as scene:
        scene.model.script(Reply("one\n\ntwo three four five", seconds=6), Reply("Both."))
        await scene.say("[alice -> you #1] Go.")
        await scene.terminal.shows("one")
        await scene.say("[alice -> you #2] Two.")
        await retry_until(lambda: len(scene.events) >= 2, describe=scene.describe)
        await scene.say("[alice -> you #3] Three.")
        assert await answer(scene, count=2) == "Both."
        assert [fact.text for fact in scene.kinds(TurnFactKind.PROMPT)] == ["[alice -> you #1] Go."]
        queued = (
            await scene.tells(TurnFactKind.PROMPT, "transcript", count=3),
            scene.kinds(TurnFactKind.PROMPT, "transcript")[-2],
        )
        assert {fact.turn for fact in queued} == {""}


@pytest.mark.parametrize(("name", "allow"), [("claude", True), ("claude", False), ("claude-197", False)])
async def test_claude_takes_a_decision_while_its_dialog_stands(name: str, allow: bool, tmp_path: Path) -> None:
    async with eared(name, tmp_path) as scene:
        decided, asked = asyncio.Event(), list[HookQuestion]()

        async def decide(question: HookQuestion) -> Mapping[str, object]:
            asked.append(question)
            await decided.wait()
            hook_answer = approvals_of(scene.agent).decide
            return hook_answer(allow, "alice", "") if hook_answer else {}

        scene.hearers.answers = decide
        scene.model.script(Reply("Let me see.", tool=scene.cli.tool), Reply("Done."))
        await scene.say(PROMPT)
        await scene.terminal.shows(scene.cli.dialog)
        decided.set()
        assert await answer(scene) == "Done."
        assert [(one.tool, one.detail, one.decides) for one in asked] == [("Bash", "touch made", True)]
        assert (tmp_path / "work" / "made").exists() is allow


async def test_claude_takes_back_its_question_when_the_person_answers(tmp_path: Path) -> None:
    async with eared("claude", tmp_path) as scene:
        gone = asyncio.Event()

        async def decide(_: HookQuestion) -> Mapping[str, object]:
            try:
                await asyncio.Event().wait()
            finally:
                gone.set()
            return {}

        scene.hearers.answers = decide
        scene.model.script(Reply("Let me see.", tool=scene.cli.tool))
        await scene.say(PROMPT)
        await scene.terminal.shows(scene.cli.dialog)
        await asyncio.sleep(0.5)  # a dialog that has just been drawn takes no key
        scene.terminal.write("\x1b")
        await asyncio.wait_for(gone.wait(), 10)


@pytest.mark.parametrize("name", ["codex", "gemini"])
async def test_a_question_of_the_others_is_told_and_holds_nothing_up(name: str, tmp_path: Path) -> None:
    async with eared(name, tmp_path) as scene:
        asked: list[HookQuestion] = []

        async def never_decided(question: HookQuestion) -> Mapping[str, object]:
            asked.append(question)
            await asyncio.Event().wait()
            return {}

        scene.hearers.answers = never_decided
        scene.model.script(Reply("Let me see.", tool=scene.cli.tool), Reply("Done."))
        await scene.say(PROMPT)
        await scene.terminal.shows(scene.cli.dialog)
        await retry_until(lambda: [one.detail for one in asked] == ["touch made"])
        await asyncio.sleep(0.5)  # a dialog that has just been drawn takes no key
        scene.terminal.write("\r")
        assert await answer(scene) == "Done."
        assert (tmp_path / "work" / "made").exists()


@pytest.mark.parametrize("name", TODAYS)
async def test_a_conversation_is_gone_on_with_by_its_name(name: str, tmp_path: Path) -> None:
    async with eared(name, tmp_path) as first:
        await first.say("[alice -> you #1] Remember.")
        await answer(first)
        await first.tells(TurnFactKind.MODEL, "transcript")
        session = first.ears.session
    async with eared(name, tmp_path, session=session) as second:
        await second.say("[alice -> you #2] Again?")
        await answer(second)
        history = str(second.model.turns[-1].body)
        assert "[alice -> you #1] Remember." in history
        assert second.ears.session == session
        assert [fact.text for fact in second.kinds(TurnFactKind.PROMPT)] == ["[alice -> you #2] Again?"]


assert set(VENDORS) == set(CLIS)
