"""The real CLIs act in the room through its tools: who is there, a shared document, a question, its answer."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from sidecar.agents.adapter.adapter import LaunchContext as SidecarPlace
from sidecar.agents.gemini_hooks import extension_files
from tests.fakes.models.script import Reply, ToolCall
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import CLIS
from tests.real_clis.running import running
from tests.real_clis.three import THREE, Three, three_in_a_session

pytestmark = pytest.mark.slow


def call(cli: str, name: str, /, **arguments: object) -> ToolCall:
    """As each vendor names a tool of an MCP server."""
    if cli == "codex":
        return ToolCall(name, arguments, "mcp__groupchat")
    return ToolCall(f"mcp__groupchat__{name}" if cli == "claude" else f"mcp_groupchat_{name}", arguments)


def told(three: Three, name: str) -> str:
    """All that its model was sent by now."""
    return "\n".join(json.dumps(one.body, ensure_ascii=False) for one in three.models[name].seen)


def said_plainly(body: str) -> str:
    """However often a vendor has quoted it."""
    return body.replace("\\", "")


async def alone_for(seconds: float, pane: Terminal) -> None:
    """Long enough for a server that is tried to be missed."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert "issues" not in pane.screen and "rror" not in pane.screen, pane.describe()
        await asyncio.sleep(0.2)


async def test_outside_a_sidecar_gemini_is_told_nothing_of_them(tmp_path: Path) -> None:
    """The extension stays in the user's home, where their plain Gemini finds it."""
    cli = CLIS["gemini"]
    async with running(cli, tmp_path) as alone:
        place = SidecarPlace(alone.place.work, tmp_path, "", "", {"HOME": str(alone.place.home)})
        for path, text in extension_files(("gemini",), place).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        launch = cli.launch(alone.place, cli.program)
        async with terminal(launch.argv, {**launch.env, **alone.outside.env}, cwd=alone.place.work) as pane:
            await pane.shows(cli.ready, 60)
            await pane.shows("1 MCP server")  # it counts the one that it passes over
            await alone_for(3, pane)


async def test_each_asks_another_and_waits_for_the_answer(tmp_path: Path) -> None:
    async with three_in_a_session(tmp_path) as three:
        session, models = three.session, three.models
        up = session.groupchat("up", "--yes", "--detach", "--json", "--port", "0")
        assert up.code == 0, up
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
            await session.until(lambda c=caller, p=peer: f"{p} has answered." in session.said_by(c), caller)
            assert f"{peer}: agent, {THREE[peer]}" in told(three, caller)
            assert answer in told(three, caller)
            written += [caller]
            assert json.dumps({"seen": written}, separators=(",", ":")) in said_plainly(told(three, caller))
            question = next(one for one in session.messages() if one["content"] == f"{caller} asks: six times seven?")
            reply = next(one for one in session.messages() if one["content"] == answer)
            assert (question["from"], question["recipients"]) == (caller, [peer])
            assert (reply["from"], reply["reply_to"], reply["recipients"]) == (peer, question["seq"], [caller])
            assert not any(answer in prompt for prompt in models[caller].prompts), "taken by a tool, typed as well"
        assert session.groupchat("asks", "--json").json["asks"] == []
        log = session.groupchat("export", "general").out
        assert '"ev":"ask"' not in log, "a tool of the room raised a question"
        assert [one for model in models.values() for one in model.strangers] == []


async def test_each_asks_the_people_and_gets_their_answer(tmp_path: Path) -> None:
    """The chat in the top pane is the person who is there; the answer comes from a shell."""
    async with three_in_a_session(tmp_path) as three:
        session, models = three.session, three.models
        up = session.groupchat("up", "--yes", "--detach", "--json", "--port", "0")
        assert up.code == 0, up

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
            await session.until(lambda c=caller: f"{c} thanks you." in session.said_by(c), caller)
            assert f"| {caller} likes the sea" in said_plainly(told(three, caller))
