"""Who is let in: tokens in three places, and pages of other origins, on REST, WebSocket and event streams alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from gateway.push.member_streams import PING_EVERY_S
from tests.support.assembled import Clock, assembled
from tests.support.gateways import TEAM_TOKEN, Gateway, gateway_in_process
from tests.support.simple import Pushes, SimpleClient, simple_client

PATHS = ["/v1/ping", "/v1/ws", "/v1/events", "/ws", "/events", "/health", "/v1/op", "/metrics", "/stats"]
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
}


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def gateway(shared_gateway: Gateway) -> Gateway:
    """Most tests only ask whether they are let in."""
    return shared_gateway


@pytest_asyncio.fixture(loop_scope="module")
async def own_gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """It keeps nothing of an answer for the next request."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def status(session: aiohttp.ClientSession, gateway: Gateway, path: str, **headers: str) -> int:
    """How a request for this path is answered; a stream that opens is 200 or 101."""
    bare = path.partition("?")[0]
    method = "POST" if bare == "/v1/op" else "GET"
    upgrade = WEBSOCKET if bare.endswith("ws") else {}
    data = b'{"op":"ping"}' if bare == "/v1/op" else None
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with session.request(method, gateway.url + path, headers={**upgrade, **sent}, data=data) as response:
        return response.status


def bearer(gateway: Gateway) -> dict[str, str]:
    return {"Authorization": f"Bearer {gateway.operator.token}"}


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_takes_the_token_in_three_places(
    gateway: Gateway, session: aiohttp.ClientSession, path: str
) -> None:
    token = gateway.operator.token
    ok = 101 if path.endswith("ws") else 200
    assert await status(session, gateway, path, Authorization=f"Bearer {token}") == ok
    assert await status(session, gateway, path, Authorization=f"bearer  {token} ") == ok
    assert await status(session, gateway, path, X_Auth_Token=token) == ok
    assert await status(session, gateway, f"{path}?token={token}") == ok


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "token", ["", "wrong", "gc_", "gc_0011223344556677_", "gc_0011223344556677_secret", "\u00e9", "x" * 5000]
)
async def test_no_path_opens_to_a_wrong_one(
    gateway: Gateway, session: aiohttp.ClientSession, path: str, token: str
) -> None:
    assert await status(session, gateway, path, X_Auth_Token=token) == 401


async def test_a_secret_does_not_open_under_the_id_of_another_token(
    gateway: Gateway, session: aiohttp.ClientSession
) -> None:
    ann, ben = (await gateway.member("ann")).token, (await gateway.member("ben")).token
    mixed = "_".join([*ann.split("_")[:2], ben.split("_", 2)[2]])
    assert await status(session, gateway, "/v1/ping", X_Auth_Token=mixed) == 401
    assert await status(session, gateway, "/v1/ping", X_Auth_Token=ann) == 200


async def test_a_refusal_says_how_to_do_it(gateway: Gateway, session: aiohttp.ClientSession) -> None:
    async with session.get(gateway.url + "/v1/ping") as response:
        body = await response.json()
        assert response.headers["WWW-Authenticate"] == "Bearer"
    assert body["error"]["code"] == "unauthorized"
    assert "X-Auth-Token" in body["error"]["message"]


# pages of other origins


@pytest.mark.parametrize("path", [*PATHS, "/docs", "/openapi.json"])
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://127.0.0.1.evil.example",
        "https://localhost.evil",
        "garbage",
        "http://localhost:1",
    ],
)
async def test_pages_of_other_origins_get_nothing(
    gateway: Gateway, session: aiohttp.ClientSession, path: str, origin: str
) -> None:
    assert await status(session, gateway, path, **bearer(gateway), Origin=origin) == 403


@pytest.mark.parametrize("path", [*PATHS, "/docs", "/openapi.json"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "192.0.2.9", "", "a b"])
async def test_a_rebound_name_gets_nothing(
    gateway: Gateway, session: aiohttp.ClientSession, path: str, host: str
) -> None:
    assert await status(session, gateway, path, **bearer(gateway), Host=host) in (400, 403)


@pytest.mark.parametrize("path", PATHS)
async def test_its_own_pages_are_welcome(gateway: Gateway, session: aiohttp.ClientSession, path: str) -> None:
    ok = 101 if path.endswith("ws") else 200
    assert await status(session, gateway, path, **bearer(gateway), Origin=gateway.url) == ok
    port = gateway.url.rsplit(":", 1)[1]
    local = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    assert await status(session, gateway, path, **bearer(gateway), **local) == ok


async def test_a_host_can_be_allowed(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    async with gateway_in_process(tmp_path / "state", allow_hosts=("chat.example",)) as gateway:
        named = {**bearer(gateway), "Host": "chat.example"}
        for path in PATHS:
            ok = 101 if path.endswith("ws") else 200
            assert await status(session, gateway, path, **named, Origin="https://chat.example") == ok
            assert await status(session, gateway, path, **named, Origin="https://other.example") == 403


# the team token's limits


async def test_the_first_use_of_its_own_token_frees_a_member_from_the_team(own_gateway: Gateway) -> None:
    async with simple_client(own_gateway.url, TEAM_TOKEN) as team:
        claude = await team.register("claude")
        assert (await team.say("claude", "the team may still speak for it")).status == 200
        assert (await claude.get("/v1/ping")).status == 200
        assert (await team.say("claude", "and now no more")).status == 409
        assert (await team.get("/inbox/claude")).status == 409
        assert (await team.delete("/agent/claude")).status == 403
        stranger = await team.post("/register", agentId="claude")
        assert stranger.body["agentId"] == "claude-2"
        back = await claude.post("/register", agentId="claude")
        assert (back.status, back.body["agentId"]) == (201, "claude")


async def test_leaving_keeps_the_name_for_its_token(own_gateway: Gateway) -> None:
    async with simple_client(own_gateway.url, TEAM_TOKEN) as team:
        claude = await team.register("claude")
        await claude.get("/v1/ping")
        await team.say("Human", "for later", "claude")
        assert (await claude.delete("/agent/claude")).status == 200
        assert "claude" not in [one["id"] for one in (await team.get("/agents")).body]
        assert (await team.post("/register", agentId="claude")).body["agentId"] == "claude-2"
        await team.say("Human", "still yours", "claude")
        assert [one["content"] for one in (await claude.get("/inbox/claude")).body] == ["for later", "still yours"]
        assert "claude" in [one["id"] for one in (await team.get("/agents")).body]


# streams whose token ends


@pytest.mark.parametrize("path", ["/v1/events", "/events", "/ws"])
async def test_a_revoked_token_ends_its_streams_at_once_and_only_those(own_gateway: Gateway, path: str) -> None:
    first, second = (await own_gateway.member("bob")).token, (await own_gateway.member("bob")).token
    identity = first.split("_")[1]
    async with simple_client(own_gateway.url, first) as one:
        alice, other = one.with_token(own_gateway.operator.token), one.with_token(second)
        async with opened(one, path) as revoked, opened(other, path) as valid:
            assert (await alice.delete(f"/v1/tokens/{identity}")).status == 200
            with pytest.raises((AssertionError, aiohttp.ClientError, TypeError)):
                await revoked.until_content("for bob")
            await alice.ask("POST", "/v1/messages", body={"content": "for bob"})
            await valid.until(lambda pushed: pushed.get("content") == "for bob")


def opened(client: SimpleClient, path: str) -> AbstractAsyncContextManager[Pushes]:
    return client.websocket(path) if path.endswith("ws") else client.stream(path)


async def test_an_expired_token_ends_its_streams_with_the_next_ping(tmp_path: Path) -> None:
    clock = Clock()
    async with (
        assembled(tmp_path / "state", clock=clock) as gateway,
        simple_client(gateway.url, gateway.operator.token) as alice,
    ):
        made = await alice.ask("POST", "/v1/tokens", body={"name": "bob", "expires_in": 600})
        async with alice.with_token(made.body["token"]).websocket() as pushes:
            clock.now += 599
            gateway.hub.streams.keep_alive()
            assert len(gateway.hub.broadcaster.connections_of("bob")) == 1
            clock.now += 2
            gateway.hub.streams.keep_alive()
            with pytest.raises(TypeError):
                await pushes.next()
    assert PING_EVERY_S < 60
