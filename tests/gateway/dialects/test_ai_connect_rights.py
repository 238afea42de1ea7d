"""What a process of this machine may do at AI-Connect's door without a token, and what nobody may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from gateway.client import Client
from gateway.operations.dispatch import perform
from gateway.protocol.requests import CreateHands, CreateToken, Hello, Register, RevokeToken, Send
from gateway.protocol.results import Accepted, Registered, TokenMade
from gateway.protocol.types import MemberKind, Scope
from gateway.server.listeners import listen_at
from gateway.server.own_tokens import system_actor
from tests.fakes.ai_connect_client import peer_at, socket_at
from tests.support.gateways import TEAM_TOKEN, Gateway, gateway_in_process, own_address
from tests.support.simple import simple_client


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state", listen=(listen_at("ai-connect=0"),)) as running:
        yield running


@pytest.fixture
def url(gateway: Gateway) -> Iterator[str]:
    yield gateway.listeners["ai-connect"]


async def refused(url: str, path: str = "/", **options: object) -> int:
    with pytest.raises(InvalidStatus) as failed:
        async with socket_at(url, path, **options):
            pass
    return failed.value.response.status_code


async def test_a_name_of_somebody_else_is_not_given_away(gateway: Gateway, url: str) -> None:
    await gateway.member("claude")
    async with simple_client(gateway.url, TEAM_TOKEN) as team, Client(gateway.operator, Hello()) as alice:
        gemini = await team.register("gemini")
        await alice.request(Send(content="a secret", to="@claude"), Accepted)
        for name, given in (("claude", "claude-2"), ("Gemini", "Gemini-2"), ("human", "human-2"), ("alice", "alice-2")):
            async with peer_at(url, name) as peer:
                assert peer.name == given
                assert peer.messages == []
                assert await peer.history("alice" if name != "alice" else "claude") == []
        assert (await gemini.get("/inbox/gemini")).status == 200
        assert (await team.say("Human", "the human of the team is its own")).status == 200


async def test_peers_can_pass_for_one_another_but_for_nobody_with_a_token(gateway: Gateway, url: str) -> None:
    async with peer_at(url, "Aragon", "web") as first, peer_at(url, "Aragon", "web") as second:
        await first.ended.wait()
        async with Client(gateway.operator, Hello()) as alice:
            made = await alice.request(CreateToken(name="aragon-web", kind=MemberKind.AGENT), TokenMade)
        await second.ended.wait()
    async with peer_at(url, "Aragon", "web") as third, peer_at(url, "x", path=f"/t/{made.token}/") as owner:
        assert (third.name, owner.name) == ("Aragon-2 (web)", "aragon-web")
        await third.send("aragon-web", "you are not me")
        await owner.message("you are not me")


async def test_whoever_registers_members_may_take_a_guests_name(gateway: Gateway, url: str) -> None:
    async with peer_at(url, "codex") as guest:
        async with Client(gateway.operator, Hello()) as alice:
            await alice.request(Register(name="codex"), Registered)
        await guest.ended.wait()
        assert gateway.hub.house.members["codex"].dialect == ""


async def test_the_team_token_does_not_speak_for_guests(gateway: Gateway, url: str) -> None:
    async with peer_at(url, "Aragon"), simple_client(gateway.url, TEAM_TOKEN) as team:
        answer = await team.say("aragon", "as somebody else")
        assert (answer.status, answer.body["code"]) == (409, "name_taken")
        assert "came by ai-connect" in answer.body["error"]
        assert (await team.delete("/agent/aragon")).status == 403
        assert (await team.get("/inbox/aragon")).status == 409


async def test_tokens_that_open_nothing_here(gateway: Gateway, url: str) -> None:
    for token in ("wrong", "gc_0123456789abcdef_wrong"):
        assert await refused(url, f"/t/{token}/") == 401
        assert await refused(url, f"/?token={token}") == 401
    assert await refused(url, f"/t/{TEAM_TOKEN}/") == 403
    claude = await gateway.member("claude")
    async with Client(claude, Hello()) as client:
        hands = (await client.request(CreateHands(), TokenMade)).token
    assert await refused(url, f"/?token={hands}") == 403


async def test_pages_of_browsers_are_refused(url: str) -> None:
    assert await refused(url, origin="https://evil.example") == 403
    assert await refused(url, origin="http://127.0.0.1:1") == 403
    port = int(url.rsplit(":", 1)[1])
    assert await refused(f"ws://evil.example:{port}", host="127.0.0.1", port=port) == 403


async def test_a_revoked_token_ends_the_connection(gateway: Gateway, url: str) -> None:
    endpoint = await gateway.member("dave", MemberKind.TOOL)
    async with peer_at(url, "x", path=f"/t/{endpoint.token}/") as dave:
        await perform(gateway.hub, system_actor(), RevokeToken(name="dave"))
        async with asyncio.timeout(10):
            await dave.ended.wait()


async def test_only_a_viewer_with_the_scope_sees_what_is_said_between_two(gateway: Gateway, url: str) -> None:
    plain = await gateway.member("plain", MemberKind.TOOL)
    observer = await gateway.member("watch", MemberKind.TOOL, Scope.OBSERVER)
    async with (
        peer_at(url, "_viewer_", path=f"/t/{plain.token}/") as first,
        peer_at(url, "_viewer_", path=f"/t/{observer.token}/") as second,
        peer_at(url, "Aragon") as aragon,
        peer_at(url, "Boromir") as boromir,
    ):
        await aragon.send("Boromir", "between us")
        await boromir.message("between us")
        await second.message("between us")
        await aragon.send("*", "to all")
        for one in (first, second):
            await one.message("to all")
        assert first.contents() == ["to all"]


async def test_from_another_machine_nothing_goes_without_a_token(tmp_path: Path) -> None:
    address = own_address()
    if address is None:
        pytest.skip("this machine has no other address than loopback")
    outside = (listen_at("ai-connect=0.0.0.0:0"),)
    async with gateway_in_process(tmp_path / "state", listen=outside, insecure=True) as gateway:
        port = gateway.listeners["ai-connect"].rsplit(":", 1)[1]
        assert await refused(f"ws://{address}:{port}") == 401
        token = (await gateway.member("dave")).token
        async with peer_at(f"ws://{address}:{port}", "x", path=f"/t/{token}/") as dave:
            assert dave.name == "dave"
        async with peer_at(f"ws://127.0.0.1:{port}", "Aragon") as aragon:
            assert aragon.name == "Aragon"
