"""A real CLI that the default run does not install comes back to its conversation after everything was killed, and
after `down`. `test_comeback` does so with the three that it installs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from sidecar.conversation.conversation_file import read_conversations
from tests.end_to_end.killed_teams import kill_everything
from tests.fakes.models.script import Reply
from tests.real_clis.homes import among
from tests.real_clis.three import Three, three_in_a_session
from tests.support.commands import Outcome

pytestmark = pytest.mark.slow
UP = ("up", "--yes", "--detach", "--json", "--port", "0")
SECRET = "LEMON-4711"


@pytest.mark.parametrize("name", among("vibe"))
async def test_it_comes_back_to_the_same_conversation(name: str, tmp_path: Path) -> None:
    async with three_in_a_session(tmp_path, {name: "writer"}) as one:
        up = await command(one, *UP)
        assert up.code == 0, up
        await ask(one, name, f"The word to remember is {SECRET}.", "I will.")
        await one.session.until(lambda: kept_id(one, name))
        before = kept_id(one, name)
        await kill_everything(one.session)
        await comes_back(one, name, "After a kill?", before)
        assert (await command(one, "down")).code == 0
        await comes_back(one, name, "After a night?", before)


async def comes_back(one: Three, name: str, text: str, before: str) -> None:
    up = await command(one, *UP)
    assert (up.code, up.json["conversations"]) == (0, {name: "resumed"}), up
    assert SECRET in await ask(one, name, text, f"I remember. {text}"), "its model is sent what was said before"
    assert kept_id(one, name) == before


async def command(one: Three, *words: str) -> Outcome:
    """In a thread, because its model is served by this one."""
    return await asyncio.to_thread(one.session.groupchat, *words)


def kept_id(one: Three, name: str) -> str:
    """The id of the conversation whose first turn was seen to be written."""
    known = read_conversations(one.session.state / "sidecars" / name)
    return known[0].kept.session if known and known[0].kept else ""


async def ask(one: Three, name: str, text: str, answer: str) -> str:
    """The request in which its model was sent this text."""
    model = one.models[name]
    model.script(Reply(answer))
    await command(one, "send", f"@{name} {text}")
    await one.session.until(lambda: answer in one.said_by(name), name)
    return next(body for turn in reversed(model.turns) if text in (body := json.dumps(turn.body)))
