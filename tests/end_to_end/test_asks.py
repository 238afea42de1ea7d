"""A dialog of the demo agent as an approval request in the room, with a real gateway, sidecar and terminal."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.protocol.errors import Conflict, GroupChatError, NotFound
from gateway.protocol.types.core_types import AskState, Option, PlainAnswer
from tests.support.asking import PATIENCE, Scene, asking

DEMO = (sys.executable, "-P", "-m", "sidecar.demo_agent")


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[Scene]:
    async with asking(folder, "demo", DEMO, {"PATH": os.environ["PATH"]}) as scene:
        yield scene


async def test_what_is_asked_is_seen_and_allowed_from_the_room(tmp_path: Path) -> None:
    async with demo(tmp_path) as scene:
        await scene.say("ask say DONE-4711")
        ask = await scene.ask()
        options = (Option("1", "Yes", PlainAnswer.ALLOW), Option("2", "No", PlainAnswer.DENY))
        assert (ask.question, ask.options) == ("Do you want to run this?", options)
        assert (ask.allow, ask.deny, ask.member) == ("1", "2", "demo")
        await scene.answer("allow", ask.digest)
        ended = await scene.ask(1, AskState.ANSWERED)
        assert (ended.by, ended.answer) == ("alice", "allow")
        await scene.pane.shows("DONE-4711")
        with pytest.raises(NotFound):
            await scene.answer("allow", ask.digest)


@pytest.mark.parametrize("answer", ["deny", "2"])
async def test_what_is_denied_does_not_run(tmp_path: Path, answer: str) -> None:
    async with demo(tmp_path) as scene:
        await scene.say("ask say DONE-4711")
        await scene.ask()
        await scene.answer(answer)
        assert (await scene.ask(1, AskState.ANSWERED)).answer == answer
        await scene.pane.shows("Asked: No")
        assert "● DONE-4711" not in scene.pane.screen


async def test_a_person_at_the_terminal_who_was_first_wins(tmp_path: Path) -> None:
    async with demo(tmp_path) as scene:
        await scene.say("ask say DONE-4711")
        ask = await scene.ask()
        scene.pane.write("2")
        try:
            await scene.answer("allow", ask.digest)
        except GroupChatError as error:
            assert isinstance(error, NotFound)
        ended = await scene.ask(1, AskState.CLOSED)
        assert (ended.by, ended.reason) == ("", "answered at the terminal")
        await scene.pane.shows("Asked: No")
        assert "1" not in scene.pane.screen.rpartition("›")[2], "no key went astray into the composer"


async def test_of_two_answers_at_once_one_counts(tmp_path: Path) -> None:
    async with demo(tmp_path) as scene:
        await scene.say("ask say DONE-4711")
        await scene.ask()
        results = await asyncio.gather(scene.answer("1"), scene.answer("2"), return_exceptions=True)
        assert [type(one) for one in results if one is not None] == [Conflict]
        won = await scene.ask(1, AskState.ANSWERED)
        await scene.pane.shows("Asked: Yes" if won.answer == "1" else "Asked: No")
        assert scene.pane.screen.count("Asked:") == 1


async def test_from_the_shell(tmp_path: Path) -> None:
    async with demo(tmp_path) as scene:
        await scene.say("ask say DONE-4711")
        ask = await scene.ask()
        listed = await shell(scene, "asks")
        assert [(one["member"], one["digest"]) for one in listed["asks"]] == [("demo", ask.digest)]
        done = await shell(scene, "approve", "demo", "1")
        assert (done["state"], done["by"], done["answer"]) == ("answered", "alice", "1")
        await scene.pane.shows("DONE-4711")


async def shell(scene: Scene, *arguments: str) -> dict[str, Any]:
    command = [
        sys.executable,
        "-P",
        "-m",
        "controller.cli.main",
        *arguments,
        "--state",
        str(scene.gateway.state),
        "--json",
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=os.environ.copy())
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0, out
    decoded: dict[str, Any] = json.loads(out)
    return decoded
