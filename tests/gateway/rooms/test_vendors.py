"""Who reads what a member reads: told by its hello, shown to everyone, kept while it is away, gone when it has left."""

from __future__ import annotations

from gateway.client import Client
from gateway.protocol.requests.connection_requests import Bye, Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.results import Done, MemberList
from tests.support.gateways import Gateway


async def shown_to(client: Client) -> str:
    members = (await client.request(Members(all=True), MemberList)).agents
    return next(one.vendor for one in members if one.name == "ada")


async def test_the_vendor_of_a_member(gateway: Gateway) -> None:
    ada = await gateway.member("ada")
    async with Client(gateway.operator, Hello()) as alice:
        async with Client(ada, Hello(vendor="Anthropic")):
            assert await shown_to(alice) == "Anthropic"
        assert await shown_to(alice) == "Anthropic"
        async with Client(ada, Hello()):
            assert await shown_to(alice) == "Anthropic"
        async with Client(ada, Hello(vendor="")):
            assert await shown_to(alice) == ""
        async with Client(ada, Hello(vendor="OpenAI")) as client:
            await client.request(Bye(), Done)
            assert await shown_to(alice) == ""
