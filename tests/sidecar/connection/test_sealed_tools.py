"""An agent's tools where rooms are sealed: what sends and reads runs at the sidecar, the rest is refused or goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.client import Client, Endpoint
from gateway.process_basics.tasks import spawn
from gateway.protocol.requests.message_requests import History, Send
from gateway.protocol.results import MessageList
from sidecar.connection import agent_mcp_proxy
from sidecar.connection.registration import Registration, connect_and_register
from sidecar.connection.room_connection import RoomConnection, connect_to_room
from sidecar.connection.sealed_tools import SealedTools
from sidecar.messages.sealed_turns import SealedPlace, SealedTurn
from tests.fakes.retry import retry_until
from tests.support import warm_mcp
from tests.support.gateways import OPERATOR, Gateway, gateway_in_process
from tests.support.mcp_clients import peer
from tests.support.sealed_members import SealedMember, connected, give_key

SECRET = "the launch code is 0000"


def call(tool: str, **arguments: object) -> bytes:
    params = {"name": tool, "arguments": {name.rstrip("_"): value for name, value in arguments.items()}}
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}).encode()


@dataclass
class Desk:
    """claude's own connection with a key, its tools, and alice with a key on another machine."""

    gateway: Gateway
    room: RoomConnection
    turn: SealedTurn
    tools: SealedTools
    alice: SealedMember

    async def __call__(self, tool: str, **arguments: object) -> str | None:
        """The text that a model would read, with `!` before an error; None if the gateway answers the call."""
        answer = await self.tools.answer(call(tool, **arguments))
        if answer is None:
            return None
        found: dict[str, Any] = json.loads(answer)
        assert (found["jsonrpc"], found["id"]) == ("2.0", 7)
        text: str = found["result"]["content"][0]["text"]
        return f"!{text}" if found["result"]["isError"] else text

    def is_at_gateway(self, text: str) -> bool:
        files = [path for path in self.gateway.config.state.rglob("*") if path.is_file()]
        return any(text.encode() in path.read_bytes() for path in files)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state", warm_mcp.start) as running:
        yield running


@pytest.fixture
async def desk(gateway: Gateway, tmp_path: Path) -> AsyncIterator[Desk]:
    state = tmp_path / "agent"
    give_key(state, "claude")
    give_key(tmp_path / OPERATOR, OPERATOR)
    registration = Registration("claude", None, tmp_path, state)

    async def enter(stack: AsyncExitStack) -> Client:
        return await connect_and_register(registration, lambda: gateway.operator, lambda text: None, stack)

    async with (
        connect_to_room(registration, lambda: gateway.operator, enter) as room,
        connected(gateway.operator, tmp_path / OPERATOR, OPERATOR) as alice,
    ):
        await alice.client.create_sealed_room("vault")
        await alice.client.admit("vault", "claude")
        await retry_until(lambda: room.is_sealed_room("vault"))
        turn = SealedTurn()
        yield Desk(gateway, room, turn, SealedTools(room, 60, turn), alice)


async def test_a_message_to_a_sealed_room_is_sealed_here(desk: Desk) -> None:
    assert (await desk("peer_send", to="*", room="vault", message=SECRET) or "").startswith("Sent as #")
    message = await desk.alice.said(SECRET)
    assert (message.room, message.check.was_sealed) == ("vault", True)
    assert (await desk("peer_send", to="alice", room="vault", message=f"{SECRET}!") or "").startswith("Sent as #")
    assert (await desk.alice.said(f"{SECRET}!")).recipients == (OPERATOR,)
    assert not desk.is_at_gateway(SECRET)


async def test_an_answer_to_a_sealed_direct_message_is_sealed_here(desk: Desk) -> None:
    asked = await desk.alice.client.send_sealed(Send(content="what is it?", to=("@claude",)))
    assert (await desk("peer_send", to="alice", reply_to=asked.seq, message=SECRET) or "").startswith("Sent as #")
    assert (await desk.alice.said(SECRET)).check.was_sealed
    refused = await desk("peer_send", to="*", reply_to=asked.seq, message=SECRET) or ""
    assert refused.startswith("!A sealed message outside a sealed room names who may read it")
    assert not desk.is_at_gateway(SECRET)


async def test_what_was_sealed_is_read_here_and_makes_the_turn_sealed(desk: Desk) -> None:
    client = desk.alice.client
    await client.send("hello", to=("@claude",))
    assert "| hello" in (await desk("peer_read") or "")
    assert (desk.turn.place, desk.turn.has_been) == (None, False)
    await client.send_sealed(Send(content=SECRET, to=("@claude",)))
    text = await desk("peer_wait", timeout=30) or ""
    assert f"| {SECRET}" in text
    assert "alice (human) to claude" in text
    assert desk.turn.has_been
    await client.send(f"{SECRET} in the vault", room="vault")
    assert f"| {SECRET} in the vault" in (await desk("peer_history", room="vault") or "")
    assert f"| {SECRET}" in (await desk("peer_history", peer="alice") or "")
    desk.turn.note_in_hand([])
    assert desk.turn.place == SealedPlace("general", OPERATOR)


async def test_what_came_after_its_agent_had_hung_up_is_read_by_the_next_call(desk: Desk) -> None:
    waiting = spawn(desk("peer_wait", timeout=50), "a call")
    await asyncio.sleep(0.2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await desk.alice.client.send_sealed(Send(content=SECRET, to=("@claude",)))
    assert f"| {SECRET}" in (await desk("peer_wait", timeout=50) or "")


@pytest.mark.parametrize("written", ["{}", '"{}"', "{}.0", '"{}.0"', "{}e0"])
async def test_an_answer_is_sealed_however_its_number_is_written(desk: Desk, written: str) -> None:
    asked = await desk.alice.client.send("what is it?", room="vault")
    number = json.loads(written.format(asked.seq))
    assert (await desk("peer_send", to="alice", message=SECRET, reply_to=number) or "").startswith("Sent as #")
    assert (await desk.alice.said(SECRET)).check.was_sealed
    assert not desk.is_at_gateway(SECRET)


async def test_an_answer_to_no_number_is_not_given_to_the_gateway(desk: Desk) -> None:
    for number in ("the last one", "#1", True, [1], 1.5):
        answer = await desk("peer_send", to="alice", message=SECRET, reply_to=number) or ""
        assert answer.startswith("!reply_to is the number of a message")


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("room_search", {"query": "code", "room": "vault"}),
        ("room_search", {"query": "code", "room": "#Vault"}),
        ("context_put", {"document": {}, "scope": "#vault"}),
        ("context_get", {"scope": "#vault"}),
        ("context_get", {"scope": "vault"}),
        ("working", {"note": "it", "room": "vault"}),
        ("a_tool_of_tomorrow", {"room": "vault", "message": "it"}),
    ],
)
async def test_other_tools_do_not_work_in_a_sealed_room(desk: Desk, tool: str, arguments: dict[str, object]) -> None:
    answer = await desk(tool, **arguments) or ""
    assert answer.startswith(f"!{tool} does not work in #vault")


@pytest.mark.parametrize(
    "body",
    [
        call("peer_send", to="alice", message="hello"),
        call("peer_send", to="alice", message="hello", room="general"),
        call("peer_list"),
        call("room_join", room="vault"),
        call("room_search", query="x"),
        call("set_role", role="coder"),
        call("context_get", scope="@alice"),
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}',
        b'{"jsonrpc": "2.0", "method": "notifications/initialized"}',
        b"",
        b"{",
        b"nothing",
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 5}}',
    ],
)
async def test_everything_else_is_for_the_gateway(desk: Desk, body: bytes) -> None:
    assert await desk.tools.answer(body) is None


async def test_calls_in_a_batch_do_not_reach_the_gateway_unseen(desk: Desk) -> None:
    one = call("peer_send", to="*", room="vault", message=SECRET).decode()
    answer = json.loads(await desk.tools.answer(f" [{one}]".encode()) or b"")
    assert answer["error"]["message"] == "Send one call at a time."


async def test_wrong_arguments_are_refused_here(desk: Desk) -> None:
    assert (await desk("peer_read", limit=0) or "").startswith("!")
    assert (await desk("peer_send", to="*", room="vault", message="x", wrong=1) or "").startswith("!")


@pytest.mark.processes
async def test_a_client_of_the_tools_takes_the_answers_of_both(desk: Desk) -> None:
    """The official client, through the proxy: what runs here, what the gateway answers, and what is refused."""
    own = desk.room.endpoint
    async with agent_mcp_proxy.open_tools_proxy(desk.room, lambda: own, 60, desk.tools) as address:
        assert address is not None
        async with peer(Endpoint(address.url.removesuffix("/mcp"), address.key)) as agent:
            assert (await agent("peer_send", to="*", room="vault", message=SECRET)).startswith("Sent as #")
            assert (await desk.alice.said(SECRET)).check.was_sealed
            assert (await agent("peer_status")).startswith("You are claude")
            assert (await agent("room_search", query="x", room="vault")).startswith("!room_search does not work")
    assert not desk.is_at_gateway(SECRET)


async def test_without_a_key_all_calls_go_to_the_gateway(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RoomConnection, "has_key", False)
    for tool in ("peer_read", "peer_send", "room_search"):
        assert await desk(tool, room="vault") is None


async def test_the_sidecar_reads_its_own_history(desk: Desk) -> None:
    await desk.alice.client.send(SECRET, room="vault")
    page = await desk.room.request(History(room="vault"), MessageList)
    assert SECRET in [one.content for one in page.messages]
