"""What a process of this machine may do at AI-Connect's listener without a token, and what nobody may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken, Register
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted, Registered, TokenMade
from gateway.protocol.types.core_types import MemberKind, Scope
from gateway.runtime.listen_option import listen_at
from tests.fakes.ai_connect_client import peer_at
from tests.support.gateways import TEAM_TOKEN, Gateway, gateway_in_process
from tests.support.simple import simple_client


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state", listen=(listen_at("ai-connect=0"),)) as running:
        yield running


@pytest.fixture
def url(gateway: Gateway) -> Iterator[str]:
    yield gateway.listeners["ai-connect"]


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
        assert gateway.hub.state.members["codex"].dialect == ""


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
