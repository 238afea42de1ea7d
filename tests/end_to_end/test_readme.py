"""The examples of the README work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from gateway.client import Client
from gateway.protocol.events import Message
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import Show
from gateway.protocol.results import MemberList, MessageDetail
from gateway.protocol.types.core_types import MemberKind, Rung
from tests.fakes.retry import retry_until
from tests.support.commands import Groupchat
from tests.support.gateways import gateway_in_process

README = Path(__file__).parents[2] / "README.md"


async def test_the_tool_of_ten_lines(tmp_path: Path) -> None:
    block = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert block is not None
    code = block[1]
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    async with gateway_in_process(tmp_path / "state") as gateway:
        tool = await gateway.member("echo", MemberKind.TOOL)
        script = code.replace("ws://127.0.0.1:8765", gateway.url.replace("http", "ws"))
        env = {**os.environ, "CSP_AUTH_TOKEN": tool.token}
        with subprocess.Popen([sys.executable, "-c", script], env=env) as process:
            try:
                async with Client(gateway.operator) as alice:
                    await retry_until(lambda: gateway.hub.broadcaster.connections_of("echo"))
                    accepted = await alice.send("hello", to="@echo")
                    async for event in alice.events():
                        if isinstance(event, Message):
                            assert (event.content, event.reply_to) == ("You said: hello", accepted.seq)
                            break
                    heard = await alice.send("good morning")
                    waiting = gateway.hub.state.queued
                    await retry_until(lambda: waiting["echo"] == 0)
                    found = await alice.request(Members(), MemberList)
                    assert {one.name: one.queued for one in found.agents}["echo"] == 0
                    told = [await alice.request(Show(message=one.seq), MessageDetail) for one in (accepted, heard)]
                    assert [one.deliveries[0].rung for one in told] == [Rung.ANSWERED, Rung.SEEN]
            finally:
                process.kill()


def test_the_commands_of_the_readme_exist(tmp_path: Path) -> None:
    verbs = set(re.findall(r"^    groupchat ([a-z]+)", README.read_text(), re.MULTILINE))
    verbs |= {"listen", "agents", "rooms", "history", "search", "receipts", "status", "doctor", "attach"}
    verbs |= {"down", "chat"}
    groupchat = Groupchat(tmp_path, quick=True)
    for verb in sorted(verbs):
        done = groupchat(verb, "--help")
        assert done.code == 0, (verb, done.err)
