"""The real CLIs act in the room through its tools: they look who is there, ask each other, and wait for the answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.models.script import Reply, ToolCall
from tests.real_clis.three import THREE, Three, three_in_a_session

pytestmark = pytest.mark.slow


def call(cli: str, name: str, **arguments: object) -> ToolCall:
    """As each vendor names a tool of an MCP server."""
    if cli == "codex":
        return ToolCall(name, arguments, "mcp__groupchat")
    return ToolCall(f"mcp__groupchat__{name}" if cli == "claude" else f"mcp_groupchat_{name}", arguments)


def told(three: Three, name: str) -> str:
    """All that its model was sent by now."""
    return "\n".join(json.dumps(one.body, ensure_ascii=False) for one in three.models[name].seen)


async def test_each_asks_another_and_waits_for_the_answer(tmp_path: Path) -> None:
    async with three_in_a_session(tmp_path) as three:
        session, models = three.session, three.models
        up = session.groupchat("up", "--detach", "--json", "--port", "0")
        assert up.code == 0, up
        for caller, peer in (("claude", "codex"), ("codex", "gemini"), ("gemini", "claude")):
            answer = f"Forty-two, says {peer} to {caller}."
            ask = call(caller, "peer_send", to=peer, message=f"{caller} asks: six times seven?", wait=40)
            models[caller].script(
                Reply("Who is here?", tool=call(caller, "peer_list")),
                Reply("I ask.", tool=ask),
                Reply(f"{peer} has answered."),
            )
            models[peer].script(Reply(answer))
            session.say(f"@{caller} Ask {peer}.")
            await session.until(lambda c=caller, p=peer: f"{p} has answered." in session.said_by(c), caller)
            assert f"{peer}: agent, {THREE[peer]}" in told(three, caller)
            assert answer in told(three, caller)
            question = next(one for one in session.messages() if one["content"] == f"{caller} asks: six times seven?")
            reply = next(one for one in session.messages() if one["content"] == answer)
            assert (question["from"], question["recipients"]) == (caller, [peer])
            assert (reply["from"], reply["reply_to"], reply["recipients"]) == (peer, question["seq"], [caller])
            assert not any(answer in prompt for prompt in models[caller].prompts), "taken by a tool, typed as well"
        assert session.groupchat("asks", "--json").json["asks"] == []
        log = session.groupchat("export", "general").out
        assert '"ev":"ask"' not in log, "a tool of the room raised a question"
        assert [one for model in models.values() for one in model.strangers] == []
