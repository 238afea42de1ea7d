"""A read-only token over every interface: each operation that changes anything is refused, each that reads is not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.exceptions import InvalidStatus

from gateway.access.operation_kinds import OperationKind
from gateway.client import Client, Endpoint
from gateway.mcp.tools import TOOLS
from gateway.operations.operation_table import OPERATION_BY_REQUEST, OPERATIONS
from gateway.protocol import codec
from gateway.protocol.errors import BadRequest, Forbidden
from gateway.protocol.events import Message
from gateway.protocol.requests.agent_requests import WatchTerminal
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken, RotateToken, Tokens, WhoAmI
from gateway.protocol.results import Identity, TokenMade
from gateway.protocol.types.core_types import MemberKind, Scope
from gateway.rooms import hello_rules, member_tokens
from gateway.runtime.listen_option import listen_at
from tests.fakes.ai_connect_client import socket_at
from tests.support.gateways import Gateway, gateway_in_process
from tests.support.mcp_clients import peer
from tests.support.simple import SimpleClient, simple_client
from tests.support.world import ADMIN, NOON, World, entropy

PAGE = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
DIALECTS = ("ai-connect", "agentchat")
EXAMPLES = [
    re.sub(r',"wait":\d+', "", line)
    for fence in re.findall(r"^```json request\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in fence.splitlines()
]


@dataclass(frozen=True)
class Scene:
    gateway: Gateway
    endpoint: Endpoint
    simple: SimpleClient

    @property
    def last(self) -> int:
        return self.gateway.hub.committed_seq


@pytest.fixture
async def scene(gateway: Gateway) -> AsyncIterator[Scene]:
    """ben is an agent with an inbox; the token is read-only."""
    await gateway.member("ben")
    async with Client(gateway.operator) as alice:
        made = await alice.request(CreateToken(name="ben", kind=MemberKind.AGENT, read_only=True), TokenMade)
        await alice.send("hello", to="@ben")
        async with simple_client(gateway.url, made.token) as simple:
            yield Scene(gateway, Endpoint(gateway.url, made.token), simple)


def refused_so(body: Any) -> bool:
    error = (body or {}).get("error")
    words = error.get("message", "") if isinstance(error, dict) else str(error)
    return "read-only" in words


def allowed(line: str) -> bool:
    return OPERATION_BY_REQUEST[codec.REQUEST_BY_OP[msgspec.json.decode(line)["op"]]].effect.allowed_read_only


async def test_each_operation_over_rest(scene: Scene) -> None:
    """With the examples of the protocol's page, which has one for each operation."""
    before = scene.last
    for line in EXAMPLES:
        answer = await scene.simple.ask("POST", "/v1/op", data=line.encode())
        hello = line.startswith('{"op":"hello"') and ("inbox" in line or "display" in line)
        tokens = '"tokens"' in line and '"own"' not in line  # which are an administrator's to see
        wishes = hello or tokens or '"terminal.watch"' in line  # a terminal shows more than messages
        assert refused_so(answer.body) is (wishes or not allowed(line)), (line, answer)
        assert answer.status == 403 if refused_so(answer.body) else answer.status < 500, (line, answer)
    for operation in OPERATIONS:
        path = re.sub(r"\{\w+\}", "1", operation.path)
        body: dict[str, Any] | None = None if operation.method in ("GET", "DELETE") else {}
        answer = await scene.simple.ask(operation.method, path, body=body)
        if refused_so(answer.body):
            assert not operation.effect.allowed_read_only or operation.request in (Tokens, WatchTerminal), path
    assert scene.last == before, "nothing was written"


async def test_each_operation_over_a_socket(scene: Scene) -> None:
    before = scene.last
    async with scene.simple.session.ws_connect(f"{scene.gateway.url}/v1/ws?token={scene.endpoint.token}") as socket:
        await socket.send_str('{"op":"hello","n":1,"inbox":true}')
        assert refused_so(await socket.receive_json())
        await socket.send_str('{"op":"hello","n":1}')
        assert (await socket.receive_json())["ok"]["you"]["name"] == "ben"
        for line in EXAMPLES:
            if allowed(line):
                continue
            await socket.send_str(line)
            body = await socket.receive_json()
            while "re" not in body:
                body = await socket.receive_json()
            assert refused_so(body), (line, body)
    assert scene.last == before


async def test_it_hears_what_is_said(scene: Scene) -> None:
    async with (
        Client(scene.endpoint) as ben,
        scene.simple.stream("/v1/events") as events,
        scene.simple.websocket("/ws") as pushes,
        scene.simple.stream("/events") as simple_events,
        Client(scene.gateway.operator) as alice,
    ):
        await alice.send("to all")
        for stream in (events, pushes, simple_events):
            await stream.until_content("to all")
        async for event in ben.events():
            if isinstance(event, Message) and event.content == "to all":
                break
        assert (await ben.request(WhoAmI(), Identity)).read_only


SIMPLE: list[tuple[str, str, dict[str, Any] | None, bool]] = [
    ("GET", "/agents", None, True),
    ("GET", "/history", None, True),
    ("GET", "/mode", None, True),
    ("GET", "/metrics", None, True),
    ("GET", "/stats", None, True),
    ("GET", "/inbox/ben", None, False),
    ("POST", "/register", {"agentId": "ben"}, False),
    ("POST", "/agent-output", {"from": "ben", "content": "hi"}, False),
    ("POST", "/message", {"content": "hi"}, False),
    ("DELETE", "/agent/ben", None, False),
    ("POST", "/mode", {"mode": "debate"}, False),
    ("POST", "/turn/next", {}, False),
]


async def test_the_simple_interface(scene: Scene) -> None:
    before = scene.last
    for method, path, body, may in SIMPLE:
        answer = await scene.simple.session.request(
            method, scene.gateway.url + path, json=body, headers={"X-Auth-Token": scene.endpoint.token}
        )
        text = await answer.text()
        assert (answer.status, "read-only" in text) == ((200, False) if may else (403, True)), (path, text)
    assert scene.last == before


async def test_other_systems_dialects_are_closed_to_it(tmp_path: Path) -> None:
    """In them whoever comes is somebody: a peer, an agent in a channel."""
    listeners = tuple(listen_at(f"{dialect}=0") for dialect in DIALECTS)
    async with gateway_in_process(tmp_path / "state", listen=listeners) as gateway:
        async with Client(gateway.operator) as alice:
            wish = CreateToken(name="ben", kind=MemberKind.AGENT, read_only=True)
            token = (await alice.request(wish, TokenMade)).token
        for dialect in DIALECTS:
            with pytest.raises(InvalidStatus) as refused:
                async with socket_at(gateway.listeners[dialect], f"/?token={token}"):
                    pass
            assert refused.value.response.status_code == 403, dialect


@pytest.mark.processes
async def test_only_tools_that_change_nothing_are_offered(scene: Scene) -> None:
    async with peer(scene.endpoint) as ben:
        offered = [tool.name for tool in (await ben.session.list_tools()).tools]
        assert offered == [name for name, tool in TOOLS.items() if tool.changes_nothing]
        assert "read-only" in await ben("peer_send", to="alice", message="hi")
        assert "read-only" in await ben("peer_read")
        assert "alice" in await ben("peer_history")


def test_only_reading_is_allowed() -> None:
    assert {effect for effect in OperationKind if effect.allowed_read_only} == {
        OperationKind.READS,
        OperationKind.GREETS,
    }


def test_a_hello_changes_nothing() -> None:
    world = World()
    actor = replace(world.member("ben", hidden=True), read_only=True)
    assert hello_rules.hello_events(world.state, actor, Hello(rooms=("general",)), world.rule_context) == ()
    world.room("lab")
    for wish in (Hello(inbox=True), Hello(role="coder"), Hello(display="x"), Hello(rooms=("lab",))):
        with pytest.raises(Forbidden, match="read-only"):
            hello_rules.hello_events(world.state, actor, wish, world.rule_context)


def test_it_stays_so_when_it_is_rotated_and_can_be_seen() -> None:
    world = World()
    wish = CreateToken(name="board", kind=MemberKind.AGENT, read_only=True, scopes=(Scope.OBSERVER,))
    world.commit(*member_tokens.create_token(world.state, ADMIN, wish, world.rule_context, entropy("1")).events)
    assert not world.state.member("board").inbox, "nothing waits for one that cannot take it"
    again = member_tokens.rotate_token(world.state, ADMIN, RotateToken(name="board"), world.rule_context, entropy("2"))
    world.commit(*again.events)
    assert isinstance(again.result, TokenMade)
    assert member_tokens.identify(world.state, again.result.token, NOON).read_only
    listed = member_tokens.list_tokens(world.state, ADMIN, NOON, Tokens())
    assert [one.read_only for one in listed.tokens] == [True, True]


@pytest.mark.parametrize("scope", [Scope.ADMIN, Scope.APPROVER])
def test_it_has_no_scope_that_changes_things(scope: Scope) -> None:
    wish = CreateToken(name="board", read_only=True, scopes=(scope,))
    with pytest.raises(BadRequest, match="read-only"):
        member_tokens.create_token(World().state, ADMIN, wish, World().rule_context, entropy("1"))
