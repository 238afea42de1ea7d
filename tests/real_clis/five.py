"""Five different CLIs in one room, and the scenes of a day in short. `tests/real_clis/test_five.py` checks them, and
`docs/pictures/make-agents` draws them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from sidecar.conversation.conversation_file import read_conversations
from tests.end_to_end.killed_teams import kill_everything
from tests.fakes.models.script import Reply, ToolCall
from tests.fakes.retry import retry_until
from tests.real_clis.three import Three, three_in_a_session
from tests.real_clis.usage_limits import LimitOfMinutes, codex_limit
from tests.support.commands import Outcome

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
Look = Callable[[str, str], Awaitable[None]]  # a picture's name, and what it shows


def system_lines(five: Three, part: str) -> list[str]:
    return [one["content"] for one in five.session.messages() if one["from"] == "system" and part in one["content"]]


async def command(five: Three, *words: str) -> Outcome:
    """In a thread, because the models are served by this one."""
    return await asyncio.to_thread(five.session.groupchat, *words)


@contextlib.asynccontextmanager
async def five_at_work(folder: Path) -> AsyncIterator[Three]:
    async with three_in_a_session(folder, FIVE, {"codex": 'on_limit = "resume"\n'}) as five:
        up = await command(five, *UP)
        assert up.code == 0, up
        assert (up.json["agents"], up.json["problems"]) == (list(FIVE), {})
        yield five


async def no_look(_name: str, _title: str) -> None:
    """The scenes are played, and nobody draws them."""


async def day(five: Three, look: Look = no_look) -> None:
    await all_answer(five, "Good morning.", "says good morning.")
    await look("1-morning", "Five different CLIs in one room: a message to all, and five answers")
    await one_is_limited_and_goes_on(five, look)
    await two_write_one_file(five)
    await look("3-one-file", "Two agents have written one file, and both are told")
    await all_are_killed_and_come_back(five)
    await look("4-back", "Everything was killed: all five are back in their conversations")


async def all_answer(five: Three, text: str, answer: str) -> None:
    for name, model in five.models.items():
        model.script(Reply(f"{name} {answer}"))
    five.session.say(f"@all {text}")
    for name in FIVE:
        await five.session.until(lambda: f"{name} {answer}" in five.said_by(name), name)  # noqa: B023
    await at_rest(five)


async def at_rest(five: Three) -> None:
    await five.session.until(lambda: {five.session.doing()[name] for name in FIVE} <= {"idle", "done"})


async def one_is_limited_and_goes_on(five: Three, look: Look) -> None:
    five.models["codex"].choose = LimitOfMinutes(codex_limit, Reply("It is four, says codex."))
    five.session.say("@codex What is two and two?")
    await five.session.until(lambda: system_lines(five, "codex is limited until"))
    await five.session.shows("limited")
    await look("2-limited", "codex has reached a usage limit, and its mail waits until then")
    for name in ("claude", "opencode"):  # the others work meanwhile
        five.models[name].script(Reply(f"{name} goes on."))
        await command(five, "send", f"@{name} Go on.", "--wait-reply", "--timeout", "60")
        assert f"{name} goes on." in five.said_by(name)
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


async def all_are_killed_and_come_back(five: Three) -> None:
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
