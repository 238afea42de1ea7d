"""Bad input on every interface: a clear error with a stable code, and the connection lives on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import websockets
from websockets.asyncio.client import ClientConnection

from gateway.access.rate_limit import Rate
from gateway.client import Client, Endpoint
from gateway.protocol.requests.connection_requests import Status
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import Health, MessageList
from gateway.protocol.types.core_types import MemberKind
from tests.support.gateways import TEAM_TOKEN, Gateway, gateway_in_process
from tests.support.simple import SimpleClient, simple_client

Refusal = tuple[int | None, str]
Ask = Callable[[bytes], Awaitable[tuple[int | None, dict[str, Any]]]]

Said = Callable[[], Awaitable[list[str]]]

pytestmark = pytest.mark.asyncio(loop_scope="module")

KIB = 1024


@dataclass
class Socket:
    """A bare `/v1/ws` connection that has said hello."""

    wire: ClientConnection

    async def ask(self, request: bytes | str) -> dict[str, Any]:
        """The next answer, whatever else is pushed before it."""
        await self.wire.send(request)
        while True:
            frame: dict[str, Any] = json.loads(await asyncio.wait_for(self.wire.recv(), 60))
            if "re" in frame:
                return frame


@asynccontextmanager
async def socket_of(endpoint: Endpoint) -> AsyncIterator[Socket]:
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    async with websockets.connect(endpoint.at("/v1/ws", websocket=True), additional_headers=headers) as wire:
        socket = Socket(wire)
        assert "ok" in await socket.ask('{"op":"hello","n":1}')
        yield socket


@pytest.fixture(scope="module")
def gateway(shared_gateway: Gateway) -> Gateway:
    """What is refused leaves nothing behind, so that one gateway is enough for all of it."""
    return shared_gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def claude(gateway: Gateway) -> Endpoint:
    return await gateway.member("claude")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alice(gateway: Gateway) -> AsyncIterator[SimpleClient]:
    """The operator over plain HTTP."""
    async with simple_client(gateway.url, gateway.operator.token) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module", params=["websocket", "op", "rest", "simple"])
async def interface(request: pytest.FixtureRequest, gateway: Gateway, alice: SimpleClient) -> AsyncIterator[Ask]:
    """The same `send` body on each interface: (HTTP status or None, the error in its common form)."""
    numbers = count(2)

    def with_op(body: bytes) -> bytes:
        return body.replace(b"{", b'{"op":"send","n":%d,' % next(numbers), 1)

    async def on_path(path: str, body: bytes) -> tuple[int, Any]:
        answer = await alice.ask("POST", path, data=body)
        return answer.status, answer.body

    async def rest(body: bytes) -> tuple[int | None, dict[str, Any]]:
        status, found = await on_path("/v1/messages", body)
        return status, found.get("error", {})

    async def op(body: bytes) -> tuple[int | None, dict[str, Any]]:
        status, found = await on_path("/v1/op", with_op(body))
        return status, found.get("error", {})

    async def simple(body: bytes) -> tuple[int | None, dict[str, Any]]:
        status, found = await on_path("/agent-output", body)
        if status == 200:
            return status, {}
        assert isinstance(found["error"], str)
        return status, {**found, "message": found["error"]}

    async with socket_of(gateway.operator) as socket:

        async def over_socket(body: bytes) -> tuple[int | None, dict[str, Any]]:
            return None, (await socket.ask(with_op(body))).get("error", {})

        asks: dict[str, Ask] = {"websocket": over_socket, "op": op, "rest": rest, "simple": simple}
        ask = asks[request.param]
        yield ask
        assert await ask(b'{"content":"and it lives on"}') in [(None, {}), (200, {})]


def refused(found: tuple[int | None, dict[str, Any]]) -> Refusal:
    status, error = found
    assert error, f"not refused (HTTP {status})"
    assert len(error["message"]) < 1000
    return status, error["code"]


@pytest_asyncio.fixture(loop_scope="module")
async def said(gateway: Gateway) -> AsyncIterator[Said]:
    """What alice has said since the test began."""
    async with Client(gateway.operator) as client:
        begun = (await client.request(Status(), Health)).last_seq

        async def contents() -> list[str]:
            found = (await client.request(History(after=begun), MessageList)).messages
            return [one.content for one in found if one.from_ == "alice"]

        yield contents


BAD_JSON = [
    b'{"content":',
    b'{"content":"x"}}',
    b"{'content':'x'}",
    b'{"content":"x",}',
    b'{"content":"\xff\xfe"}',
    b'{"content":"\\ud800"}',
    b'{"content":"\\udc00\\ud800"}',
    b'{"content":"x","context":{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
]


@pytest.mark.parametrize("body", BAD_JSON, ids=range(len(BAD_JSON)))
async def test_what_is_not_json(interface: Ask, said: Said, body: bytes) -> None:
    status, code = refused(await interface(body))
    assert (status in (None, 400), code) == (True, "bad_json")
    assert await said() == []


WRONG = [
    (b'{"content":7}', 400, "bad_request"),
    (b'{"content":null}', 400, "bad_request"),
    (b'{"content":["x"]}', 400, "bad_request"),
    (b'{"content":"x","to":7}', 400, "bad_request"),
    (b'{"content":"x","id":7}', 400, "bad_request"),
    (b'{"content":""}', 400, "bad_request"),
    (b'{"content":" \\n "}', 400, "bad_request"),
    (b'{"id":"x"}', 400, "bad_request"),
    (b'{"content":"a\\u0000b"}', 400, "invalid_text"),
    (b'{"content":"' + b"x" * (256 * KIB + 1) + b'"}', 413, "too_large"),
    (b'{"content":"' + "ä".encode() * (128 * KIB + 1) + b'"}', 413, "too_large"),
    (b'{"content":"x","to":"clod"}', 404, "unknown_recipient"),
    (b'{"content":"x","to":"@clod"}', 404, "unknown_recipient"),
    (b'{"content":"x","to":"role:magician"}', 404, "unknown_recipient"),
    (b'{"content":"x","to":"a/b"}', 400, "invalid_name"),
]


@pytest.mark.usefixtures("claude")
@pytest.mark.parametrize(("body", "status", "code"), WRONG, ids=[f"{code}-{n}" for n, (_, _, code) in enumerate(WRONG)])
async def test_what_cannot_be_a_message(interface: Ask, said: Said, body: bytes, status: int, code: str) -> None:
    found = await interface(body)
    assert refused(found) in [(status, code), (None, code)]
    if b"clod" in body:
        assert "@claude" in found[1]["nearest"]
    assert await said() == []


async def test_the_largest_text_is_accepted(interface: Ask, said: Said) -> None:
    assert await interface(b'{"content":"' + b"x" * (64 * KIB) + b'"}') in [(None, {}), (200, {})]
    assert [len(one) for one in await said()] == [64 * KIB]


# what only the full protocol has


@pytest_asyncio.fixture(loop_scope="module", params=["websocket", "op", "rest"])
async def full(request: pytest.FixtureRequest, gateway: Gateway, alice: SimpleClient) -> AsyncIterator[Ask]:
    async with socket_of(gateway.operator) as socket:

        async def ask(body: bytes) -> tuple[int | None, dict[str, Any]]:
            named = body.replace(b"{", b'{"op":"send","n":5,', 1)
            if request.param == "websocket":
                return None, (await socket.ask(named)).get("error", {})
            data, path = (named, "/v1/op") if request.param == "op" else (body, "/v1/messages")
            answer = await alice.ask("POST", path, data=data)
            return answer.status, answer.body.get("error", {})

        yield ask
        assert (await ask(b'{"content":"and it lives on"}'))[1] == {}


FULL = [
    (b'{"content":"x","from":"bob"}', 400, "unknown_field"),
    (b'{"content":"x","urgnet":true}', 400, "unknown_field"),
    (b'{"content":"x","room":"nowhere"}', 404, "unknown_room"),
    (b'{"content":"x","room":"a/b"}', 400, "invalid_name"),
    (b'{"content":"x","priority":11}', 400, "bad_request"),
    (b'{"content":"x","kind":"shout"}', 400, "bad_request"),
    (b'{"content":"x","ttl":-1}', 400, "bad_request"),
    (b'{"content":"x","ttl":1e308}', 400, "bad_request"),
    (b'{"content":"x","reply_to":-1}', 400, "bad_request"),
    (b'{"content":"x","reply_to":99999999999999999999}', 400, "bad_request"),
    (b'{"content":"x","urgent":"yes"}', 400, "bad_request"),
    (b'{"content":"x","parts":[{"type":"file","text":"a\\u0000"}]}', 400, "invalid_text"),
    (b'{"content":"x","context":{"a":"' + b"x" * KIB * KIB + b'"}}', 413, "too_large"),
    (b'{"content":"x","context":{"a":' + b"[" * 400 + b"]" * 400 + b"}}", 400, "bad_request"),
    (b'{"content":"x","to":[' + b",".join(b'"claude"' for _ in range(65)) + b"]}", 400, "bad_request"),
]


@pytest.mark.usefixtures("claude")
@pytest.mark.parametrize(("body", "status", "code"), FULL, ids=[f"{code}-{n}" for n, (_, _, code) in enumerate(FULL)])
async def test_what_the_full_protocol_refuses(full: Ask, said: Said, body: bytes, status: int, code: str) -> None:
    assert refused(await full(body)) in [(status, code), (None, code)]
    assert await said() == []


async def test_a_context_just_below_a_megabyte_arrives_everywhere(full: Ask, said: Said) -> None:
    body = b'{"content":"x","context":{"a":"' + b"x" * (KIB * KIB - 100) + b'"}}'
    assert (await full(body))[1] == {}
    assert await said() == ["x"]


FRAMES: list[tuple[str | bytes, str, int]] = [
    ("not json", "bad_json", 0),
    (b"\xff\xff", "bad_json", 0),
    ("[]", "bad_request", 0),
    ("7", "bad_request", 0),
    ("{}", "bad_request", 0),
    ('{"n":3}', "bad_request", 3),
    ('{"op":"fly","n":4}', "bad_request", 4),
    ('{"op":7,"n":5}', "bad_request", 5),
    ('{"op":"hello","n":6}', "bad_request", 6),
    ('{"op":"history","n":7,"limit":0}', "bad_request", 7),
    ('{"op":"history","n":8,"limit":"many"}', "bad_request", 8),
    ('{"op":"history","n":9,"before":1e400}', "bad_request", 9),
    ('{"op":"history","n":9,"before":18446744073709551616}', "bad_request", 9),
    ('{"op":"show","n":10,"message":9223372036854775808}', "bad_request", 10),
    ('{"op":"show","n":11,"message":424242}', "unknown_message", 11),
    ('{"op":"search","n":12,"query":"a\\u0000b"}', "invalid_text", 12),
    ('{"op":"search","n":13,"query":"***"}', "bad_request", 13),
    ('{"op":"keys","n":14,"member":"nobody","keys":"^C"}', "not_found", 14),
    ('{"op":"share","n":15,"member":"alice","policy":"some"}', "bad_request", 15),
    ('{"op":"room.create","n":16,"room":"general"}', "room_exists", 16),
    ('{"op":"room.create","n":17,"room":"a b"}', "invalid_name", 17),
    ('{"op":"room.leave","n":18,"room":"nowhere"}', "unknown_room", 18),
    ('{"op":"token.create","n":19,"name":"system"}', "reserved_name", 19),
    ('{"op":"token.create","n":20,"name":"all"}', "reserved_name", 20),
    ('{"op":"token.create","n":21,"name":"x","kind":"system"}', "bad_request", 21),
    ('{"op":"token.create","n":22,"name":"x","expires_in":1e300}', "bad_request", 22),
    ('{"op":"token.rotate","n":23,"name":"alice","grace":1e300}', "bad_request", 23),
    ('{"op":"token.revoke","n":24,"name":"nobody"}', "not_found", 24),
    ('{"op":"register","n":25,"name":"alice:x"}', "invalid_name", 25),
    ('{"op":"report","n":26,"message":1,"steps":[]}', "bad_request", 26),
    ('{"op":"report","n":27,"message":1,"steps":[{"rung":"eaten"}]}', "bad_request", 27),
    ('{"op":"retry","n":28,"message":1,"member":"alice"}', "unknown_message", 28),
    ('{"op":"events","n":29,"wait":1e9}', "bad_request", 29),
]


async def test_frames_that_make_no_sense(gateway: Gateway) -> None:
    async with socket_of(gateway.operator) as socket:
        found = []
        for frame, _, _ in FRAMES:
            answer = await socket.ask(frame)
            found.append((frame, answer.get("error", {}).get("code", answer), answer["re"]))
        assert found == FRAMES
        assert "ok" in await socket.ask('{"op":"ping","n":99}')


async def test_before_hello_nothing_is_answered_but_the_connection_lives(gateway: Gateway) -> None:
    headers = {"Authorization": f"Bearer {gateway.operator.token}"}
    url = gateway.operator.at("/v1/ws", websocket=True)
    async with websockets.connect(url, additional_headers=headers) as wire:
        socket = Socket(wire)
        assert (await socket.ask('{"op":"rooms","n":1}'))["error"]["code"] == "bad_request"
        assert (await socket.ask('{"op":"hello","n":2,"version":0}'))["error"]["code"] == "version"
        assert (await socket.ask('{"op":"hello","n":3,"rooms":["nowhere"]}'))["error"]["code"] == "unknown_room"
        assert (await socket.ask('{"op":"hello","n":4}'))["ok"]["you"]["name"] == "alice"


QUERIES = [
    ("GET", "/v1/messages?limit=many", 400, "bad_request"),
    ("GET", "/v1/messages?limit=0", 400, "bad_request"),
    ("GET", "/v1/messages?colour=red", 400, "unknown_field"),
    ("GET", "/v1/messages?limit=1&limit=2", 400, "bad_request"),
    ("GET", "/v1/messages?room=nowhere", 404, "unknown_room"),
    ("GET", "/v1/messages?before=99999999999999999999", 400, "bad_request"),
    ("GET", "/v1/messages/seven", 400, "bad_request"),
    ("GET", "/v1/messages/99999999999999999999", 400, "bad_request"),
    ("GET", "/v1/messages/4242", 404, "unknown_message"),
    ("GET", "/v1/search", 400, "bad_request"),
    ("GET", "/v1/search?query=%00", 400, "invalid_text"),
    ("GET", "/v1/search?query=%FF", 400, "bad_request"),
    ("GET", "/v1/events?since=-1", 400, "bad_request"),
    ("GET", "/v1/events?since=soon", 400, "bad_request"),
    ("GET", "/v1/log?since=99999999999999999999", 400, "bad_request"),
    ("GET", "/v1/nothing", 404, "not_found"),
    ("GET", "/%00", 404, "not_found"),
    ("PATCH", "/v1/messages", 405, "bad_request"),
    ("DELETE", "/v1/tokens/nobody", 404, "not_found"),
]


@pytest.mark.parametrize(("method", "path", "status", "code"), QUERIES)
async def test_addresses_that_make_no_sense(
    alice: SimpleClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await alice.ask(method, path)
    assert (answer.status, answer.body["error"]["code"]) == (status, code)
    assert (await alice.get("/v1/ping")).status == 200


async def test_a_body_beyond_all_limits(alice: SimpleClient) -> None:
    for path in ("/v1/messages", "/v1/op", "/agent-output", "/register"):
        answer = await alice.ask("POST", path, data=b'{"content":"' + b"x" * (5 * KIB * KIB) + b'"}')
        assert answer.status == 413, path
        error = answer.body["error"] if path.startswith("/v1/") else answer.body
        assert error["code"] == "too_large"
        assert (await alice.get("/v1/ping")).status == 200


# names and tokens


@pytest.mark.parametrize("name", ["system", "System", "all", "@all"])
async def test_reserved_names(alice: SimpleClient, name: str) -> None:
    for path, body in (("/v1/tokens", {"name": name}), ("/v1/members", {"name": name})):
        answer = await alice.ask("POST", path, body=body)
        assert (answer.status, answer.body["error"]["code"]) == (400, "reserved_name")


async def test_a_revoked_a_rotated_and_an_expired_token(gateway: Gateway, alice: SimpleClient) -> None:
    made = {
        name: (await alice.ask("POST", "/v1/tokens", body={"name": name, **wish})).body["token"]
        for name, wish in (("revoked", {}), ("rotated", {}), ("expired", {"expires_in": 0.05}), ("valid", {}))
    }
    await alice.ask("DELETE", "/v1/tokens/revoked")
    new = (await alice.ask("POST", "/v1/tokens/rotated/rotate", body={"grace": 0})).body["token"]

    async def status(token: str) -> int:
        return (await alice.with_token(token).get("/v1/ping")).status

    async def expired() -> bool:
        return await status(made["expired"]) == 401

    while not await expired():
        pass
    assert {name: await status(token) for name, token in made.items()} == {
        "revoked": 401,
        "rotated": 401,
        "expired": 401,
        "valid": 200,
    }
    assert await status(new) == 200
    for path in ("/v1/ws", "/v1/events", "/ws", "/events", "/inbox/revoked"):
        assert (await alice.with_token(made["revoked"]).get(path)).status == 401


async def test_within_the_grace_both_tokens_are_valid(gateway: Gateway, alice: SimpleClient) -> None:
    old = (await gateway.member("claude")).token
    new = (await alice.ask("POST", "/v1/tokens/claude/rotate", body={"grace": 60})).body["token"]
    for token in (old, new):
        assert (await alice.with_token(token).get("/v1/ping")).status == 200


async def test_only_a_hash_of_a_token_is_kept(gateway: Gateway) -> None:
    token = (await gateway.member("claude")).token
    secret = token.split("_", 2)[2].encode()
    files = [path for path in gateway.config.state.rglob("*") if path.is_file()]
    assert len(files) > 2
    assert [path.name for path in files if secret in path.read_bytes()] == []


# floods


async def test_a_flood_is_answered_and_harms_nobody_else(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state", rate=Rate(burst=5, per_second=0.05)) as gateway:
        bob = await gateway.member("bob", MemberKind.HUMAN)
        async with simple_client(gateway.url, gateway.operator.token) as alice, socket_of(gateway.operator) as socket:
            for number in range(5):
                assert (await alice.ask("POST", "/v1/messages", body={"content": str(number)})).status == 200
            for path, body in (
                ("/v1/messages", {"content": "x"}),
                ("/v1/op", {"op": "send", "content": "x"}),
                ("/agent-output", {"content": "x"}),
            ):
                answer = await alice.ask("POST", path, body=body)
                assert answer.status in (429, 200 if path == "/v1/op" else 429)
                error = answer.body["error"] if path != "/agent-output" else answer.body
                assert error["code"] == "rate_limited"
                if answer.status == 429:
                    assert 1 <= int(answer.headers["Retry-After"]) <= 20
            refusal = (await socket.ask('{"op":"send","n":2,"content":"x"}'))["error"]
            assert refusal["code"] == "rate_limited"
            assert 0 < refusal["retry_after"] <= 20
            for _ in range(50):
                for path in ("/v1/messages", "/v1/ping", "/v1/log", "/history"):
                    assert (await alice.get(path)).status == 200
                assert "ok" in await socket.ask('{"op":"rooms","n":3}')
            async with simple_client(gateway.url, bob.token) as other:
                assert (await other.ask("POST", "/v1/messages", body={"content": "me"})).status == 200


async def test_a_patient_sender_gets_through_a_flood_limit(tmp_path: Path) -> None:
    async with (
        gateway_in_process(tmp_path / "state", rate=Rate(burst=3, per_second=20)) as gateway,
        Client(gateway.operator) as client,
    ):
        accepted = await asyncio.gather(*(client.send(f"number {number}") for number in range(12)))
        assert len({one.seq for one in accepted}) == 12


async def test_the_team_token_gives_no_rights_over_others(gateway: Gateway) -> None:
    await gateway.member("claude")
    async with simple_client(gateway.url, TEAM_TOKEN) as team:
        for method, path, body in (
            ("POST", "/v1/tokens", {"name": "eve"}),
            ("GET", "/v1/tokens", None),
            ("DELETE", "/v1/tokens/claude", None),
            ("POST", "/v1/tokens/claude/rotate", {}),
            ("POST", "/v1/restart", {"member": "claude"}),
            ("POST", "/v1/members", {"name": "eve", "kind": "human"}),
        ):
            assert (await team.ask(method, path, body=body)).status == 403, path
        assert (await team.get("/inbox/claude")).status == 409
        assert (await team.delete("/agent/claude")).status == 403
        assert (await team.post("/v1/members", name="claude")).status == 409
