"""A day in short with five different CLIs in one room: all answer, one reaches a usage limit and goes on by itself, two
write one file, everything is killed, and all come back to their conversations.

Two of them are not installed by the default run; without `bin/prove-clis opencode copilot` this is skipped.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.conversation.conversation_file import read_conversations
from tests.end_to_end.killed_teams import kill_everything
from tests.fakes.models.script import Reply, ToolCall
from tests.fakes.retry import retry_until
from tests.real_clis.three import Three, three_in_a_session
from tests.real_clis.usage_limits import codex_limit
from tests.support.commands import Outcome

pytestmark = pytest.mark.slow
FIVE = {
    "claude": "coder",
    "codex": "reviewer",
    "gemini": "researcher",
    "opencode": "tester",
    "copilot": "writer",
}
UP = ("up", "--yes", "--detach", "--json", "--port", "0")
NOTES = "notes.md"
GOES_ON_WITHIN_S = 240.0  # a vendor names the minute in which a limit ends


def system_lines(five: Three, part: str) -> list[str]:
    return [one["content"] for one in five.session.messages() if one["from"] == "system" and part in one["content"]]


async def command(five: Three, *words: str) -> Outcome:
    """In a thread, because the models are served by this one."""
    return await asyncio.to_thread(five.session.groupchat, *words)


@pytest.fixture
async def five(tmp_path: Path) -> AsyncIterator[Three]:
    async with three_in_a_session(tmp_path, FIVE, {"codex": 'on_limit = "resume"\n'}) as five:
        up = await command(five, *UP)
        assert up.code == 0, up
        assert (up.json["agents"], up.json["problems"]) == (list(FIVE), {})
        yield five


async def test_a_day_with_five_clis(five: Three) -> None:
    await all_answer(five, "Good morning.", "says good morning.")
    await one_is_limited_and_goes_on(five)
    await two_write_one_file(five)
    kept = {name: read_conversations(five.session.state / "sidecars" / name)[0].kept for name in FIVE}
    assert all(kept.values())
    assert await kill_everything(five.session) > 20
    up = await command(five, *UP)
    assert up.code == 0, up
    assert up.json["conversations"] == dict.fromkeys(FIVE, "resumed")
    await all_answer(five, "Are you all back?", "is back.")
    for name, before in kept.items():
        found = read_conversations(five.session.state / "sidecars" / name)[0].kept
        assert found is not None and before is not None and found.session == before.session
        assert "Good morning." in json.dumps(five.models[name].turns[-1].body), "its model is sent what was said before"


async def all_answer(five: Three, text: str, answer: str) -> None:
    for name, model in five.models.items():
        model.script(Reply(f"{name} {answer}"))
    five.session.say(f"@all {text}")
    for name in FIVE:
        await five.session.until(lambda: f"{name} {answer}" in five.said_by(name), name)  # noqa: B023
    await at_rest(five)


async def at_rest(five: Three) -> None:
    await five.session.until(lambda: {five.session.doing()[name] for name in FIVE} <= {"idle", "done"})


async def one_is_limited_and_goes_on(five: Three) -> None:
    """The limit ends with the minute after next: a vendor names the minute."""
    resets = int(time.time() + 70) // 60 * 60
    five.models["codex"].choose = lambda seen: (
        codex_limit(resets) if time.time() < resets else Reply("It is four, says codex.")
    )
    five.session.say("@codex What is two and two?")
    await five.session.until(lambda: system_lines(five, "codex is limited until"))
    await five.session.shows("limited")
    while time.time() < resets:  # the others work meanwhile
        five.models["claude"].script(Reply("I go on."))
        await command(five, "send", "@claude Go on.", "--wait-reply", "--timeout", "60")
    await retry_until(lambda: "It is four, says codex." in five.said_by("codex"), GOES_ON_WITHIN_S)
    assert len(system_lines(five, "codex is limited until")) == 1
    await at_rest(five)


def options_of_question(five: Three) -> list[object]:
    """Of the only one that is open; they are read from the screen a moment after a hook told of it."""
    return [
        option for ask in five.session.groupchat("asks", "--json").json["asks"] for option in ask.get("options", ())
    ]


async def two_write_one_file(five: Three) -> None:
    path = str(five.session.folder / "work" / NOTES)
    calls = {
        "claude": ToolCall("Write", {"file_path": path, "content": "by claude\n"}),
        "gemini": ToolCall("write_file", {"file_path": path, "content": "by gemini\n"}),
    }
    for name, call in calls.items():
        five.models[name].script(Reply("Let me.", tool=call), Reply(f"{name} has written it."))
        five.session.groupchat("send", f"@{name} Write the notes.")
        await five.session.until(lambda: options_of_question(five), name)
        assert five.session.groupchat("approve", name, "1").code == 0
        await five.session.until(lambda: f"{name} has written it." in five.said_by(name), name)  # noqa: B023
    assert Path(path).read_text() == "by gemini\n"
    await five.session.until(lambda: system_lines(five, f"gemini has written {NOTES}, which claude wrote"))
    await at_rest(five)
