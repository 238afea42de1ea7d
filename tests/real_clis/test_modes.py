"""The modes with three real CLIs, whose models follow a script: who speaks when, what each is told, how it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.fakes.models.script import Reply
from tests.real_clis.three import THREE, Three, three_in_a_session

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def three(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Three]:
    async with three_in_a_session(tmp_path_factory.mktemp("modes")) as found:
        up = found.session.groupchat("up", "--yes", "--detach", "--json", "--port", "0")
        assert up.code == 0, up
        yield found


def said(three: Three) -> list[str]:
    """What was said in the last mode: turns as `name: first line`, the gateway's lines as they are."""
    found: list[str] = []
    for one in three.session.messages():
        text = one["content"].partition("\n")[0]
        if one["from"] in THREE and not one.get("recipients"):
            found.append(f"{one['from']}: {text}")
        elif one["kind"] == "system" and not text.endswith("joined the conversation"):
            found = [text] if text.startswith("Mode:") else [*found, text]
    return found


def told(three: Three) -> dict[str, list[str]]:
    """The turn prompts that each model was sent in the last mode."""
    topic = f"| {said(three)[1].removeprefix('Topic: ')}"
    return {name: [one for one in model.prompts if topic in one] for name, model in three.models.items()}


async def begun(three: Three, *arguments: str) -> Any:
    done = three.session.groupchat("mode", "set", *arguments, "--json")
    assert done.code == 0, done
    return done.json["floor"]


async def ended(three: Three, name: str) -> None:
    await three.session.until(lambda: f"{name} complete." in said(three))


def script(three: Three, **answers: list[str]) -> None:
    for name, texts in answers.items():
        three.models[name].script(*(Reply(text) for text in texts))


async def test_a_debate_with_a_synthesis(three: Three) -> None:
    script(
        three,
        claude=["Tabs, says claude.", "Still tabs.\n@codex What of alignment?", "Agreed: a formatter decides."],
        codex=["Spaces, says codex.", "Spaces, as they align."],
        gemini=["Both, says gemini.", "A formatter."],
    )
    floor = await begun(three, "debate", "tabs or spaces?", "--rounds", "2", "--agents", "claude,codex,gemini")
    assert (floor["speaker"], floor["cast"]) == ("claude", {"synthesizer": "claude"})
    await ended(three, "DEBATE")
    assert said(three) == [
        *("Mode: DEBATE", "Topic: tabs or spaces?"),
        *("claude: Tabs, says claude.", "codex: Spaces, says codex.", "gemini: Both, says gemini."),
        *("Round 2: responses", "claude: Still tabs."),
        *("codex: Spaces, as they align.", "gemini: A formatter.", "Phase: synthesis"),
        *("claude: Agreed: a formatter decides.", "DEBATE complete."),
    ]
    prompts = told(three)
    assert {name: len(found) for name, found in prompts.items()} == {"claude": 3, "codex": 2, "gemini": 2}
    assert "| Tabs, says claude." in prompts["codex"][0]
    assert "| Spaces, as they align." in prompts["claude"][2] and "| Tabs, says claude." not in prompts["claude"][2]


async def test_a_consensus_with_a_vote_and_a_result(three: Three) -> None:
    script(
        three,
        claude=["Use SQLite\nIt is here.", "Files lose writes.", "VOTE: A"],
        codex=["Use files\nThey are simple.", "True, they do.", "**VOTE: C** for its speed."],
        gemini=["Use Redis\nIt is fast.", "It is one more process.", "I was convinced.\nVOTE: A"],
    )
    await begun(three, "consensus", "where to keep the log", "--agents", "claude,codex,gemini")
    await ended(three, "CONSENSUS")
    assert said(three)[-5:-2] == ["claude: VOTE: A", "codex: **VOTE: C** for its speed.", "gemini: I was convinced."]
    assert said(three)[-2].startswith("Decided: A (claude: Use SQLite) by 2 of 3 (majority). d-")
    (decision,) = three.session.groupchat("decisions", "--all", "--json").json["decisions"]
    assert [(one["by"], one["choice"]) for one in decision["answers"]] == [
        ("claude", "A"),
        ("codex", "C"),
        ("gemini", "A"),
    ]
    ballot = told(three)["gemini"][2]
    assert "| A (claude): Use SQLite" in ballot and "| C (gemini): Use Redis" in ballot


async def test_salomo_with_a_disagreement(three: Three) -> None:
    script(
        three,
        claude=["It is O(n).", "It is O(n log n)."],
        codex=["It sorts.\n[CONTINUE]", "Right.\n[LGTM]"],
        gemini=["The critic is right: it sorts.\n[CONTINUE]"],
    )
    await begun(three, "salomo", "how fast is it", "--cast", "worker=claude", "--cast", "critic=codex")
    await ended(three, "SALOMO")
    assert [one.partition(" by ")[0] for one in said(three)[2:]] == [
        *("claude: It is O(n).", "Phase: antithesis", "codex: It sorts.", "Decided: no"),
        *("Phase: judgment", "gemini: The critic is right: it sorts.", "Decided: no", "Round 2: thesis"),
        *("claude: It is O(n log n).", "Phase: antithesis", "codex: Right.", "Decided: yes", "SALOMO complete."),
    ]


async def test_a_pipeline_of_four_during_which_the_gateway_is_killed(three: Three) -> None:
    """claude codes, codex reviews, gemini researches, as their roles say; who deploys is the next in turn."""
    three.models["claude"].script(Reply("I coded it."))
    three.models["codex"].script(Reply("I reviewed it.", seconds=6.0))
    three.models["gemini"].script(Reply("I found it out."))
    three.models["codex"].script(Reply("I deployed it."))
    cast = [
        f"--cast={role}={name}"
        for role, name in (*((role, name) for name, role in THREE.items()), ("deployer", "codex"))
    ]
    await begun(three, "pipeline", "a parser", *cast)
    await three.session.until(lambda: len(told(three)["codex"]) == 1)
    three.session.kill_gateway()
    assert three.session.groupchat("restart", "gateway").code == 0
    await ended(three, "PIPELINE")
    turns = [one for one in said(three) if one.split(":")[0] in THREE]
    assert turns == ["gemini: I found it out.", "claude: I coded it.", "codex: I reviewed it.", "codex: I deployed it."]
    assert "| I found it out." in told(three)["claude"][0]
    assert "| I found it out." in told(three)["codex"][0] and "| I coded it." in told(three)["codex"][0]


async def test_autopilot_within_its_budget(three: Three) -> None:
    script(
        three,
        claude=["@codex read the log", "NEXT: gemini", "Nearly.\n@codex once more"],
        codex=["I read it."],
        gemini=["I looked."],
    )
    floor = await begun(three, "autopilot", "find the fault", "--turns", "5", "--cast", "moderator=claude")
    assert (floor["budget"], floor["speaker"]) == (5, "claude")
    await ended(three, "AUTOPILOT")
    assert [one for one in said(three) if not one.startswith(("Phase", "Round"))][2:] == [
        *("claude: @codex read the log", "codex: I read it.", "claude: NEXT: gemini"),
        *("gemini: I looked.", "claude: Nearly."),
        *("The budget of 5 turns is used up.", "AUTOPILOT complete."),
    ]
    assert len(told(three)["codex"]) == 1, "a line that gives the word wakes nobody by itself"


async def test_nothing_was_asked_of_the_models_besides(three: Three) -> None:
    assert [one for model in three.models.values() for one in model.strangers] == []
