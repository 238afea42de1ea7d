"""As a new user: one command, three real CLIs, one room. They talk to the person, use the room's tools, and take turns
in its modes; their models follow a script."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.fakes.models.script import Reply, ToolCall
from tests.real_clis.kept import Kept, kept
from tests.real_clis.three import THREE, Three, three_at_work

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def of_module(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kept[Three]]:
    async with kept(three_at_work, Three.begin, lambda: tmp_path_factory.mktemp("three")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def three(of_module: Kept[Three]) -> AsyncIterator[Three]:
    async with of_module.lent() as found:
        yield found


async def test_three_real_clis_talk_in_one_session(three: Three) -> None:
    session, models = three.session, three.models
    models["claude"].script(
        Reply("Good morning from claude."), Reply("I wrote it.\n@codex Does it hold for empty input?")
    )
    models["codex"].script(Reply("Good morning from codex."), Reply("It does not."))
    models["gemini"].script(Reply("Good morning from gemini."), Reply("Once is enough."))
    session.say("@all Good morning.")
    await session.shows("✓ claude answered  ✓ codex answered  ✓ gemini answered")
    for name in THREE:
        assert three.said_by(name) == [f"Good morning from {name}."]
        assert len(models[name].prompts) == 1
        assert "Good morning." in models[name].prompts[0]

    session.say("@claude Who looks at the parser?")
    await session.until(lambda: "It does not." in three.said_by("codex"))
    asked = next(one for one in three.messages() if one["content"] == "Does it hold for empty input?")
    answered = next(one for one in three.messages() if one["content"] == "It does not.")
    assert (asked["from"], asked["recipients"]) == ("claude", ["codex"])
    assert (answered["reply_to"], answered["recipients"]) == (asked["seq"], ["claude"])
    assert "Does it hold for empty input?" in models["codex"].prompts[1]
    await session.until(lambda: any("It does not." in prompt for prompt in models["claude"].prompts))
    assert len(models["gemini"].prompts) == 1


async def test_three_in_two_rooms_answer_where_they_were_asked(three: Three) -> None:
    session, models = three.session, three.models
    assert session.groupchat("rooms", "--create", "design").code == 0
    for name in THREE:
        assert session.groupchat("rooms", "invite", "design", name).code == 0
        models[name].script(Reply(f"{name} likes red."), Reply(f"{name} is well."))
    asked = {
        room: session.groupchat("send", text, *where, "--json").json["seq"]
        for room, text, where in (
            ("design", "Which colour?", ("--room", "design")),
            ("general", "How are you?", ()),
        )
    }

    def answers(room: str) -> list[tuple[str, str, int]]:
        found = session.read(f"/v1/messages?room={room}&limit=100&after={three.since + 1}")["messages"]
        return sorted((one["from"], one["content"], one["reply_to"]) for one in found if one["from"] in THREE)

    await session.until(lambda: len(answers("design")) == len(answers("general")) == 3)
    assert answers("design") == [(name, f"{name} likes red.", asked["design"]) for name in sorted(THREE)]
    assert answers("general") == [(name, f"{name} is well.", asked["general"]) for name in sorted(THREE)]
    for name in THREE:
        first, second = models[name].prompts
        assert f"[#design alice -> {name} #{asked['design']}] Which colour?" in first
        assert f"[alice -> {name} #{asked['general']}] How are you?" in second
        assert "How are you?" not in first and "#design" not in second
    assert session.groupchat("rooms", "rm", "design").code == 0


# through the room's tools


def call(cli: str, name: str, /, **arguments: object) -> ToolCall:
    """As each vendor names a tool of an MCP server."""
    if cli == "codex":
        return ToolCall(name, arguments, "mcp__groupchat")
    return ToolCall(f"mcp__groupchat__{name}" if cli == "claude" else f"mcp_groupchat_{name}", arguments)


def sent_to(three: Three, name: str) -> str:
    """All that its model was sent by now."""
    return "\n".join(json.dumps(one.body, ensure_ascii=False) for one in three.models[name].seen)


def said_plainly(body: str) -> str:
    """However often a vendor has quoted it."""
    return body.replace("\\", "")


async def test_each_asks_another_and_waits_for_the_answer(three: Three) -> None:
    session, models = three.session, three.models
    written: list[str] = []
    for caller, peer in (("claude", "codex"), ("codex", "gemini"), ("gemini", "claude")):
        answer = f"Forty-two, says {peer} to {caller}."
        ask = call(caller, "peer_send", to=peer, message=f"{caller} asks: six times seven?", wait=40)
        models[caller].script(
            Reply("Who is here?", tool=call(caller, "peer_list")),
            Reply("I note it.", tool=call(caller, "context_put", document={"seen": [caller]})),
            Reply("I read it.", tool=call(caller, "context_get", name="main")),
            Reply("I ask.", tool=ask),
            Reply(f"{peer} has answered."),
        )
        models[peer].script(Reply(answer))
        session.say(f"@{caller} Ask {peer}.")
        await session.until(lambda c=caller, p=peer: f"{p} has answered." in three.said_by(c), caller)
        assert f"{peer}: agent, {THREE[peer]}" in sent_to(three, caller)
        assert answer in sent_to(three, caller)
        written += [caller]
        assert json.dumps({"seen": written}, separators=(",", ":")) in said_plainly(sent_to(three, caller))
        question = next(one for one in three.messages() if one["content"] == f"{caller} asks: six times seven?")
        reply = next(one for one in three.messages() if one["content"] == answer)
        assert (question["from"], question["recipients"]) == (caller, [peer])
        assert (reply["from"], reply["reply_to"], reply["recipients"]) == (peer, question["seq"], [caller])
        assert not any(answer in prompt for prompt in models[caller].prompts), "taken by a tool, typed as well"
    assert session.groupchat("asks", "--json").json["asks"] == []
    log = session.groupchat("export", "general").out
    assert '"ev":"ask"' not in log, "a tool of the room raised a question"


async def test_each_asks_the_people_and_gets_their_answer(three: Three) -> None:
    """The chat in the top pane is the person who is there; the answer comes from a shell."""
    session, models = three.session, three.models

    def asked() -> list[str]:
        return [one["id"] for one in session.groupchat("decisions", "--json").json["decisions"]]

    for caller in THREE:
        question = f"Which colour, for {caller}?"
        tool = call(caller, "ask_human", question=question, options=["red", "blue"], timeout=40)
        models[caller].script(Reply("I ask.", tool=tool), Reply(f"{caller} thanks you."))
        session.say(f"@{caller} Choose a colour.")
        await session.until(asked, question)
        (open_,) = asked()
        voted = session.groupchat("vote", open_, "blue", "--because", f"{caller} likes the sea", "--json").json
        assert voted["state"] == "decided"
        await session.until(lambda c=caller: f"{c} thanks you." in three.said_by(c), caller)
        assert f"| {caller} likes the sea" in said_plainly(sent_to(three, caller))


# in its modes


def said(three: Three) -> list[str]:
    """What was said in the last mode: turns as `name: first line`, the gateway's lines as they are."""
    found: list[str] = []
    for one in three.messages():
        text = one["content"].partition("\n")[0]
        if one["from"] in THREE and not one.get("recipients"):
            found.append(f"{one['from']}: {text}")
        elif one["kind"] == "system" and not text.endswith("joined the conversation"):
            found = [text] if text.startswith("Mode:") else [*found, text]
    return found


def turn_prompts(three: Three) -> dict[str, list[str]]:
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
    prompts = turn_prompts(three)
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
    all_of_them = three.session.groupchat("decisions", "--all", "--json").json["decisions"]
    (decision,) = [one for one in all_of_them if one["number"] > three.since]
    assert [(one["by"], one["choice"]) for one in decision["answers"]] == [
        ("claude", "A"),
        ("codex", "C"),
        ("gemini", "A"),
    ]
    ballot = turn_prompts(three)["gemini"][2]
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
    await three.session.until(lambda: len(turn_prompts(three)["codex"]) == 1)
    three.session.kill_gateway()
    assert three.session.groupchat("restart", "gateway").code == 0
    await ended(three, "PIPELINE")
    turns = [one for one in said(three) if one.split(":")[0] in THREE]
    assert turns == ["gemini: I found it out.", "claude: I coded it.", "codex: I reviewed it.", "codex: I deployed it."]
    assert "| I found it out." in turn_prompts(three)["claude"][0]
    assert "| I found it out." in turn_prompts(three)["codex"][0] and "| I coded it." in turn_prompts(three)["codex"][0]


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
    assert len(turn_prompts(three)["codex"]) == 1, "a line that gives the word wakes nobody by itself"
