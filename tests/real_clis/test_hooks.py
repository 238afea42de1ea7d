"""What the real CLIs tell of each turn, and what they take for an answer."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from sidecar.agents.adapter.adapter import HookQuestion
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from tests.fakes.models.script import Reply, ToolCall
from tests.fakes.retry import retry_until
from tests.fakes.terminal import is_shown
from tests.real_clis.homes import CLIS, NEWEST, among
from tests.real_clis.kept import Kept, kept
from tests.real_clis.observed_cli import ObservedCli, observed_cli
from tests.sidecar.capabilities import approvals_of

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

PROMPT = "[alice -> you #7] Is it grün?\n  Say so 🙂."
# What a model on loopback says of the two calls of a turn; to codex it gives both the same id, so they count once.
COSTS = {"claude": 284, "codex": 120, "gemini": 220, "opencode": 284}
COSTS |= dict.fromkeys(("pi", "vibe", "copilot", "cline", "qwen"), 240)
# whose turns something of ours writes, of each conversation into the same file
OURS_WRITES = ("opencode", "pi", "aider")
WORDS = "Es ist grün 🙂, wirklich 🏳️\u200d🌈:\n\n  1. ja\n  2. sì — più o meno «schön»."


def of(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("of_module", among(*names), indirect=True)


each_cli = of(*CLIS)
each_newest = of(*NEWEST)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def of_module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Kept[ObservedCli]]:
    name: str = request.param
    async with kept(partial(observed_cli, name), ObservedCli.begin, lambda: tmp_path_factory.mktemp(name)) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def scene(of_module: Kept[ObservedCli]) -> AsyncIterator[ObservedCli]:
    async with of_module.lent() as found:
        yield found


@of("vibe")
async def test_a_turn_is_told_exactly_by_the_journal_alone(scene: ObservedCli) -> None:
    """No hook of it sees a prompt, so none can refuse a second copy."""
    scene.model.script(Reply(WORDS, seconds=0.5))
    await scene.say(PROMPT)
    assert (await scene.tells(TurnFactKind.PROMPT, "transcript")).text == PROMPT
    assert await scene.answers() == WORDS
    assert scene.listener.session in str(scene.listener.transcript)
    assert scene.model.prompts == [PROMPT]


@of(*(name for name in CLIS if name != "vibe"))
async def test_a_turn_is_told_exactly_and_a_second_copy_is_refused(scene: ObservedCli) -> None:
    scene.model.script(Reply(WORDS, seconds=0.5))
    await scene.say(PROMPT)
    prompt = await scene.tells(TurnFactKind.PROMPT, "hook" if scene.agent.hooks else "transcript")
    assert prompt.text == PROMPT
    assert await scene.answers() == WORDS
    if scene.agent.name not in OURS_WRITES:
        assert scene.listener.session[:8] in str(scene.listener.transcript)
    if scene.agent.hooks is None:
        return
    scene.hearers.refuses = lambda fact: "#7 is here already" if "#7]" in fact.text else ""
    await retry_until(lambda: is_shown(scene.cli.ready, scene.terminal.screen), describe=scene.terminal.describe)
    await scene.say(PROMPT)
    await scene.terminal.shows("Failed to send prompt" if scene.agent.name == "opencode" else "#7 is here already")
    assert scene.model.prompts == [PROMPT]
    assert len(scene.kinds(TurnFactKind.PROMPT)) == 1


@each_newest
async def test_a_turn_that_fails_is_told(scene: ObservedCli) -> None:
    scene.model.default = Reply(status=400)
    await scene.say(PROMPT)
    await retry_until(lambda: failed(scene), describe=scene.describe)
    assert "scripted 400" in failed(scene)[0].text


def failed(scene: ObservedCli) -> list[TurnFact]:
    return [fact for fact in scene.facts if fact.kind is TurnFactKind.FAILED]


@each_newest
async def test_a_turn_that_is_interrupted_is_told(scene: ObservedCli) -> None:
    goes_on = asyncio.Event()
    scene.model.script(Reply("INTERRUPTED-HERE\n\ntwo three four five six seven", until=goes_on))
    await scene.say(PROMPT)
    await scene.terminal.shows("INTERRUPTED-HERE")
    scene.terminal.write(scene.agent.interrupt.key)
    await scene.tells(TurnFactKind.INTERRUPTED, "transcript")
    goes_on.set()


PATCH = "*** Begin Patch\n*** Add File: made\n+x\n*** End Patch\n"
WRITES = {  # the call, what its user is asked, how the tool is named, and whether a hook tells of its end
    "claude": (
        ToolCall("Write", {"file_path": "{work}/made", "content": "x\n"}),
        "Do you want to create",
        "Write",
        True,
    ),
    "claude-197": (
        ToolCall("Write", {"file_path": "{work}/made", "content": "x\n"}),
        "Do you want to create",
        "Write",
        True,
    ),
    "gemini": (
        ToolCall("write_file", {"file_path": "{work}/made", "content": "x\n"}),
        "Apply this change",
        "write_file",
        True,
    ),
    "opencode": (
        ToolCall("write", {"filePath": "{work}/made", "content": "x\n"}),
        "Permission required",
        "write",
        True,
    ),
    "qwen": (
        ToolCall("write_file", {"file_path": "{work}/made", "content": "x\n"}),
        "Apply this change",
        "write_file",
        True,
    ),
    "pi": (ToolCall("write", {"path": "{work}/made", "content": "x\n"}), "", "write", True),
    "vibe": (
        ToolCall("write_file", {"path": "{work}/made", "content": "x\n"}),
        "Permission for the file_system.write_file tool",
        "file_system.write_file",
        True,
    ),
    "cline": (
        ToolCall("editor", {"path": "{work}/made", "new_text": "x\n"}),
        "Approve tool call?",
        "editor",
        True,
    ),
    "copilot": (ToolCall("create", {"path": "{work}/made", "file_text": "x\n"}), "Do you want to", "create", True),
    "codex": (ToolCall("exec_command", {"cmd": f"apply_patch <<'EOF'\n{PATCH}EOF"}), "", "Bash", False),
}


@of(*WRITES)
async def test_the_tool_and_the_file_that_it_writes_are_told_and_the_tokens_of_each_call(scene: ObservedCli) -> None:
    call, dialog, tool, ends = WRITES[scene.cli.name]
    work = str(scene.folder / "work")
    given = {name: value.replace("{work}", work) for name, value in call.arguments.items()}
    scene.model.script(Reply("Let me.", tool=replace(call, arguments=given)), Reply("Done."))
    await scene.say(PROMPT)
    uses = scene.hearers.work.uses
    if dialog:
        await scene.terminal.shows(dialog)
        begun = 0 if scene.agent.name == "qwen" else 1  # its hook before a tool comes after the yes
        await retry_until(lambda: len(uses) >= begun, 60, describe=scene.describe)
        assert [one.written for one in uses] == [False] * begun, "it has only asked"
        await scene.approve(dialog)
    await retry_until(lambda: any(one.written for one in uses), 60, describe=scene.describe)
    assert await scene.answers() == "Done." and scene.made
    assert [(one.tool, one.ended, one.written) for one in uses] == (
        [(tool, False, False), (tool, True, True)] if ends else [(tool, False, True)]
    )
    places = [(Path(one.folder or work), one.paths) for one in uses]  # Copilot does not say where it works
    assert {(folder, *(folder / path for path in paths)) for folder, paths in places} == {
        (Path(work), Path(work, "made"))
    }
    cost = COSTS[scene.agent.name]
    await retry_until(lambda: scene.hearers.work.tokens >= cost, 60, describe=scene.describe)
    assert scene.hearers.work.tokens == cost


AIDER_CHANGE = "made\n```\n<<<<<<< SEARCH\n=======\nx\n>>>>>>> REPLACE\n```\n"


@of("aider")
async def test_a_file_that_aider_writes_is_told_when_it_is_written_and_the_tokens(of_module: Kept[ObservedCli]) -> None:
    """It calls no tools: its model writes the change into its answer. From then on its prompt names the file."""
    async with of_module.spent() as scene:
        scene.model.script(Reply(f"Let me.\n\n{AIDER_CHANGE}"))
        await scene.say(PROMPT)
        await scene.terminal.shows("Create new file?")
        work = scene.hearers.work
        assert work.uses == [], "it has only asked"
        await asyncio.sleep(0.5)  # a dialog that has just been drawn takes no key
        scene.terminal.write("y\r")
        assert (await scene.answers()).startswith("Let me.") and scene.made
        await retry_until(lambda: work.uses and work.tokens, 60, describe=scene.describe)
        assert [(one.tool, one.ended, one.written) for one in work.uses] == [("edit", True, True)]
        assert [Path(one.folder, *one.paths) for one in work.uses] == [scene.folder / "work" / "made"]


@of("claude", "claude-197")
async def test_what_is_typed_while_a_tool_runs_is_told_by_the_transcript(scene: ObservedCli) -> None:
    tool = ToolCall("Bash", {"command": "sleep 6", "description": "Wait"})
    scene.model.script(Reply("I wait.", tool=tool), Reply("Both."))
    await scene.say("[alice -> you #1] Wait.")
    await scene.tells(TurnFactKind.MODEL, "transcript", count=2)
    await scene.say("[bob -> you #2] And\nthis.")
    assert await scene.answers() == "Both."
    await scene.tells(TurnFactKind.ENDED, "transcript")
    told = [fact.text for fact in scene.kinds(TurnFactKind.PROMPT, "transcript")]
    assert told == ["[alice -> you #1] Wait.", "[bob -> you #2] And\nthis."]
    assert [fact.text for fact in scene.kinds(TurnFactKind.PROMPT)] == ["[alice -> you #1] Wait."]


@of("claude")
async def test_what_claude_queues_is_never_told_of_the_turn_that_goes_on(scene: ObservedCli) -> None:
    goes_on = asyncio.Event()
    scene.model.script(Reply("QUEUED-MEANWHILE\n\ntwo three four five", until=goes_on), Reply("Both."))
    await scene.say("[alice -> you #1] Go.")
    await scene.terminal.shows("QUEUED-MEANWHILE")
    await scene.say("[alice -> you #2] Two.")
    await retry_until(lambda: len(scene.events) >= 2, describe=scene.describe)
    await scene.say("[alice -> you #3] Three.")
    goes_on.set()
    assert await scene.answers(count=2) == "Both."
    assert [fact.text for fact in scene.kinds(TurnFactKind.PROMPT)] == ["[alice -> you #1] Go."]
    queued = (
        await scene.tells(TurnFactKind.PROMPT, "transcript", count=3),
        scene.kinds(TurnFactKind.PROMPT, "transcript")[-2],
    )
    assert {fact.turn for fact in queued} == {""}


DECISIONS = [("claude", True), ("claude", False), ("claude-197", False), ("opencode", True), ("opencode", False)]
DECISIONS += [("aider", True), ("aider", False)]


@pytest.mark.parametrize(("of_module", "allow"), [one for one in DECISIONS if one[0] in CLIS], indirect=["of_module"])
async def test_a_decision_is_taken_while_the_dialog_stands(scene: ObservedCli, allow: bool) -> None:
    decided, asked = asyncio.Event(), list[HookQuestion]()

    async def decide(question: HookQuestion) -> Mapping[str, object]:
        asked.append(question)
        await decided.wait()
        hook_answer = approvals_of(scene.agent).decide
        return hook_answer(allow, "alice", "") if hook_answer else {}

    scene.hearers.answers = decide
    scene.model.script(Reply("Let me see.", tool=scene.cli.tool), *[Reply("Done.")][: scene.cli.continues])
    await scene.say(PROMPT)
    await scene.terminal.shows(scene.cli.dialog)
    decided.set()
    assert (await scene.answers()).startswith("Done." if scene.cli.continues else "Let me see.")
    tool = scene.cli.tool.name if scene.cli.continues else "Run shell command"
    assert [(one.tool, one.detail, one.decides) for one in asked] == [(tool, "touch made", True)]
    assert scene.made is allow


@of("claude", "opencode", "aider")
async def test_a_question_is_taken_back_when_the_person_answers(scene: ObservedCli) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def decide(_: HookQuestion) -> Mapping[str, object]:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        return {}

    scene.hearers.answers = decide
    scene.model.script(Reply("Let me see.", tool=scene.cli.tool))
    await scene.say(PROMPT)
    await scene.terminal.shows(scene.cli.dialog)
    await asyncio.wait_for(asked.wait(), 60)  # its hook runs beside the dialog
    await asyncio.sleep(0.5)  # a dialog that has just been drawn takes no key
    scene.terminal.write("n\r" if scene.agent.name == "aider" else "\x1b")
    await asyncio.wait_for(gone.wait(), 60)


@of("codex", "gemini", "qwen", "copilot", "vibe", "cline")
async def test_a_question_of_the_others_is_told_and_holds_nothing_up(scene: ObservedCli) -> None:
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
    await scene.approve(scene.cli.dialog)
    assert await scene.answers() == "Done."
    assert scene.made


@of(*(name for name in NEWEST if name != "aider"))  # it has no conversations that have names
async def test_a_conversation_is_gone_on_with_by_its_name(of_module: Kept[ObservedCli]) -> None:
    async with of_module.spent() as first:
        await first.say("[alice -> you #1] Remember.")
        await first.answers()
        last = TurnFactKind.ANSWER if first.agent.name in ("qwen", "copilot", "cline", "vibe") else TurnFactKind.MODEL
        await first.tells(last, "transcript")
        session = first.listener.session
    async with observed_cli(first.cli.name, first.folder, session=session) as second:
        await second.say("[alice -> you #2] Again?")
        await second.answers()
        history = str(second.model.turns[-1].body)
        assert "[alice -> you #1] Remember." in history
        assert second.listener.session == session
        told_by = "transcript" if second.agent.name in ("vibe", "cline") else "hook"
        assert [fact.text for fact in second.kinds(TurnFactKind.PROMPT, told_by)] == ["[alice -> you #2] Again?"]
