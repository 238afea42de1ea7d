"""REST: every operation at its path, with the answer that the same request has over `/v1/op`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from gateway.operations.operation import Operation
from gateway.operations.operation_table import OPERATIONS
from tests.support.gateways import Gateway
from tests.support.simple import SimpleClient, simple_client

LASTING = {"uptime", "last_seen", "time", "last_seq", "connections", "presence"}


SHARED = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def operator_of(gateway: Gateway) -> AsyncIterator[SimpleClient]:
    """The operator, who has said something to claude and something to all."""
    await gateway.member("claude", role="coder")
    async with simple_client(gateway.url, gateway.operator.token) as client:
        await client.ask("POST", "/v1/messages", body={"content": "please review", "to": ["@claude"], "id": "m1"})
        await client.ask("POST", "/v1/messages", body={"content": "for all"})
        yield client


@pytest.fixture
async def alice(gateway: Gateway) -> AsyncIterator[SimpleClient]:
    async with operator_of(gateway) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(shared_gateway: Gateway) -> AsyncIterator[SimpleClient]:
    """For what changes nothing."""
    async with operator_of(shared_gateway) as client:
        yield client


def without_what_passes(body: object) -> object:
    if isinstance(body, dict):
        return {name: without_what_passes(value) for name, value in body.items() if name not in LASTING}
    return [without_what_passes(one) for one in body] if isinstance(body, list) else body


READS: list[tuple[str, str, dict[str, object]]] = [
    ("/v1/messages", "history", {}),
    ("/v1/messages?limit=1", "history", {"limit": 1}),
    ("/v1/messages?from=alice&to=claude", "history", {"from": "alice", "to": "claude"}),
    ("/v1/search?query=review", "search", {"query": "review"}),
    ("/v1/messages/{m1}", "show", {"message": "{m1}"}),
    ("/v1/messages/{m1}/receipts", "receipts", {"message": "{m1}"}),
    ("/v1/rooms", "rooms", {}),
    ("/v1/members", "members", {}),
    ("/v1/members?all=true&room=general", "members", {"all": True, "room": "general"}),
    ("/v1/tokens", "tokens", {}),
    ("/v1/status", "status", {}),
    ("/v1/ping", "ping", {}),
    ("/v1/log?since=2&limit=3", "events", {"since": 2, "limit": 3}),
]


@SHARED
@pytest.mark.parametrize(("path", "op", "fields"), READS, ids=[path for path, _, _ in READS])
async def test_a_get_is_the_same_as_the_request(
    reader: SimpleClient, path: str, op: str, fields: dict[str, object]
) -> None:
    found = (await reader.get("/v1/messages", to="claude")).body["messages"][0]
    seq = found["seq"]
    asked = {name: seq if value == "{m1}" else value for name, value in fields.items()}
    over_rest = await reader.get(path.replace("{m1}", str(seq)))
    over_op = await reader.ask("POST", "/v1/op", body={"op": op, "n": 7, **asked})
    assert (over_rest.status, over_op.status, over_op.body["re"]) == (200, 200, 7)
    assert without_what_passes(over_rest.body) == without_what_passes(over_op.body["ok"])
    assert over_rest.body


WRITES: list[tuple[str, str, dict[str, object] | None]] = [
    ("POST", "/v1/rooms", {"room": "den", "topic": "quiet"}),
    ("PUT", "/v1/rooms/den/topic", {"topic": "loud"}),
    ("POST", "/v1/rooms/den/invite", {"member": "claude"}),
    ("POST", "/v1/rooms/den/leave", {}),
    ("POST", "/v1/rooms/den/join", {}),
    ("PUT", "/v1/me/activity", {"activity": "busy"}),
    ("POST", "/v1/pause", {"member": "claude"}),
    ("POST", "/v1/resume", {"member": "claude"}),
    ("POST", "/v1/keys", {"member": "claude", "keys": "^C"}),
    ("POST", "/v1/share", {"member": "claude", "policy": "none"}),
    ("PUT", "/v1/members/claude/role", {"role": "critic"}),
    ("POST", "/v1/restart", {"member": "claude"}),
    ("POST", "/v1/hello", {}),
    ("POST", "/v1/members", {"name": "newcomer"}),
    ("POST", "/v1/tokens", {"name": "bob", "kind": "human"}),
    ("POST", "/v1/tokens/bob/rotate", {}),
    ("DELETE", "/v1/tokens/bob", None),
    ("POST", "/v1/messages/{m1}/cancel", {}),
    ("POST", "/v1/messages/{m1}/retry", {"member": "claude"}),
]


async def test_what_changes_something_does_so(alice: SimpleClient, gateway: Gateway) -> None:
    seq = (await alice.get("/v1/messages", to="claude")).body["messages"][0]["seq"]
    for method, path, body in WRITES:
        answer = await alice.ask(method, path.replace("{m1}", str(seq)), body=body)
        assert answer.status == 200, (path, answer.body)
    state = gateway.hub.state
    assert (state.rooms["den"].topic, state.rooms["den"].invited) == ("loud", ("alice", "claude"))
    assert "alice" in state.in_room["den"]
    assert state.members.keys() >= {"newcomer", "bob"}
    assert all(token.revoked for token in state.tokens.values() if token.member == "bob")
    shown = (await alice.get(f"/v1/messages/{seq}")).body
    assert [(one["rung"], one["reason"]) for one in shown["deliveries"]] == [("queued", "retried by alice")]


async def test_an_inbox_over_rest(alice: SimpleClient, gateway: Gateway) -> None:
    claude = alice.with_token((await gateway.member("claude")).token)
    seq = (await claude.get("/v1/messages", to="claude")).body["messages"][0]["seq"]
    held = await claude.ask(
        "POST", f"/v1/messages/{seq}/receipts", body={"steps": [{"rung": "held", "reason": "busy"}]}
    )
    assert held.status == 200
    taken = (await claude.ask("POST", "/v1/inbox", body={})).body["messages"]
    assert [one["content"] for one in taken] == ["please review", "for all"]
    assert (await claude.ask("POST", "/v1/inbox", body={})).body["messages"] == []
    story = (await alice.get(f"/v1/messages/{seq}/receipts")).body
    assert [step["rung"] for receipt in story["receipts"] for step in receipt["steps"]] == ["held", "accepted"]
    gone = await claude.ask("DELETE", "/v1/me")
    assert gone.status == 200
    assert "claude" not in [one["name"] for one in (await alice.get("/v1/members")).body["agents"]]


# One gateway for all: whoever is away is still answered, and what is removed is still asked for in the same way.
@pytest.mark.rows_share_fixtures
@pytest.mark.parametrize("operation", OPERATIONS, ids=[one.path + " " + one.method for one in OPERATIONS])
async def test_every_operation_has_its_address(alice: SimpleClient, operation: Operation) -> None:
    assert (await alice.get("/v1/ping")).status == 200
    path = re.sub(r"{\w+}", "1", operation.path)
    answer = await alice.ask(operation.method, path, data=None if operation.method in ("GET", "DELETE") else b"{}")
    assert answer.status not in (405, 501, 503)
    if answer.status == 404:
        assert answer.body["error"]["message"] != "This address does not exist. See /docs."
    other = await alice.ask("PATCH", path)
    assert (other.status, operation.method in other.headers["Allow"]) == (405, True)


@SHARED
async def test_a_field_of_the_path_must_not_be_repeated_in_the_body(reader: SimpleClient) -> None:
    answer = await reader.ask("PUT", "/v1/rooms/general/topic", body={"room": "den", "topic": "x"})
    assert (answer.status, answer.body["error"]["code"]) == (400, "bad_request")
    assert "room" in answer.body["error"]["message"]


@SHARED
async def test_the_pages_for_people_load_nothing_from_elsewhere(reader: SimpleClient) -> None:
    async with reader.session.get(reader.url + "/docs") as response:
        text = await response.text()
        assert response.status == 200
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", text)
    assert "/v1/messages" in text
