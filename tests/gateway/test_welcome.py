"""What a member is told when it comes: in which house it is, and what of it the gateway has kept."""

from __future__ import annotations

from pathlib import Path

from gateway.client import Client, Endpoint
from gateway.protocol.requests import Hello, Share
from gateway.protocol.results import Done
from tests.support.gateways import Gateway, gateway_in_process


async def test_the_welcome_names_the_house(gateway: Gateway, tmp_path: Path) -> None:
    async with Client(await gateway.member("claude"), Hello(inbox=True)) as claude, Client(gateway.operator) as alice:
        assert claude.welcome.house == alice.welcome.house == (await gateway.hub.store.load()).house != ""
    async with gateway_in_process(tmp_path / "another") as other, Client(other.operator) as bob:
        assert bob.welcome.house != alice.welcome.house


async def test_what_is_shared_outlives_sidecar_and_gateway(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as gateway:
        me = await gateway.member("claude")
        async with Client(me) as claude, Client(gateway.operator) as alice:
            assert claude.welcome.share == ""
            await alice.request(Share(member="claude", policy="none"), Done)
        async with Client(me) as claude, Client(gateway.operator) as alice:
            assert (claude.welcome.share, alice.welcome.share) == ("none", "")
    async with gateway_in_process(tmp_path / "state") as gateway, Client(Endpoint(gateway.url, me.token)) as claude:
        assert claude.welcome.share == "none"
