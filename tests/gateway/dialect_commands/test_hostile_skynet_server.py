"""`groupchat skynet` at a server that answers with hostile text in every field: no line of it can pass for a line of
ours, and no character of it acts on the terminal. Our own gateway would refuse most of this text, so another server
says it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.hostile.strings import WORST, problems
from tests.support.commands import Groupchat

pytestmark = pytest.mark.slow

AGENT = {
    "agent_id": WORST,
    "agent_type": WORST,
    "channels": [WORST, WORST],
    "priority": 5,
    "metadata": {WORST: WORST, "presence": "offline", "last_seen": WORST},
}
SENT = {"success": True, "message_id": WORST, "recipients": [WORST], "error": WORST}
CONTEXT = {"success": True, "agent_id": WORST, "context": {WORST: [WORST, {WORST: WORST}]}, "error": WORST}
MESSAGE = {
    **dict.fromkeys(("id", "from_agent", "to_agent", "type", "channel", "timestamp", "trace_id", WORST), WORST),
    "payload": {"content": WORST, "context": {WORST: WORST}, "meta": {WORST: WORST}},
}
FRAMES: list[dict[str, Any]] = [
    {"type": "control", "data": {"action": "connected", "params": {"message": WORST, "agent_id": WORST}}},
    {"type": "control", "data": {"action": "subscribed", "params": {"channel": WORST}}},
    {"type": "control", "data": {"action": WORST, "params": {WORST: WORST}}},
    {"type": "mcp_message", "data": MESSAGE},
    {"type": "mcp_message", "data": {**MESSAGE, "payload": {"content": {WORST: [WORST]}}}},
    {"type": "mcp_message", "data": {**MESSAGE, "to_agent": None}},
    {"type": "error", "data": {"error": WORST, "error_code": WORST, "details": {WORST: WORST}}},
    {"type": WORST, "data": {}},
    {"type": "mcp_message", "data": {"from_agent": [WORST]}},
]


async def _speak(request: web.Request) -> web.WebSocketResponse:
    """All frames, and an end after which a client does not come back."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    for frame in FRAMES:
        await socket.send_json(frame)
    await socket.send_str(WORST)
    await socket.close(code=4000, message=WORST.encode()[:100])
    return socket


def _answer(body: dict[str, Any], status: int = 200) -> Any:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    return answer


@pytest.fixture
async def server() -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(
        [
            web.get("/agents", _answer({"total": 1, "agents": [AGENT]})),
            web.post("/messages/send", _answer(SENT)),
            web.get("/context/{agent}", _answer(CONTEXT)),
            web.post("/context", _answer({**CONTEXT, "success": False})),
            web.get("/ws", _speak),
            web.post("/fails/messages/send", _answer({**SENT, "success": False})),
            web.route("*", "/refuses/{path:.*}", _answer({"error": WORST, "error_code": WORST, "details": WORST}, 400)),
        ]
    )
    async with TestServer(app) as running:
        yield f"http://127.0.0.1:{running.port}"


@dataclass(frozen=True)
class Command:
    words: tuple[str, ...]
    where: str
    """The path of the server: `/refuses` answers with 400, `/fails` with 200 and no success."""
    code: int

    def __str__(self) -> str:
        return f"{' '.join(self.words[:2])} {self.where}"


SEND = ("send", "--from", "ada", "--content", "x")
PULL = ("context", "pull", "--agent-id", "ada")
PUSH = ("context", "push", "--agent-id", "ada", "--file", "-")
COMMANDS = [
    Command(("agents",), "", 0),
    Command(("agents",), "/refuses", 1),
    Command(SEND, "", 0),
    Command(SEND, "/fails", 1),
    Command(SEND, "/refuses", 1),
    Command(PULL, "", 0),
    Command(PULL, "/refuses", 1),
    Command(PUSH, "", 1),
    Command(PUSH, "/refuses", 1),
    Command(("connect", "--agent-id", "ada"), "", 1),
    Command(("connect", "--agent-id", "ada"), "/refuses", 1),
    Command(("monitor",), "", 1),
    Command(("monitor", "--format", "json"), "", 1),
]


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("command", COMMANDS, ids=str)
async def test_hostile_text_of_a_server_is_printed_safely(
    server: str, tmp_path: Path, command: Command, as_json: bool
) -> None:
    options = ("--server", server + command.where, *["--json"] * as_json)
    groupchat = Groupchat(tmp_path / "state", quick=True)
    done = await asyncio.to_thread(groupchat, "skynet", *command.words, *options, given="{}")
    assert (done.code, problems(done.out), problems(done.err)) == (command.code, [], [])
    assert "Traceback" not in done.err
    if command.words[0] != "connect" or not command.where:  # a refused handshake has no body that a client can read
        assert "good morning" in done.out + done.err
    if as_json and done.out:
        found = [json.loads(line) for line in done.out.splitlines()]
        assert json.dumps(WORST) in json.dumps(found), "a program gets the text as it is"
