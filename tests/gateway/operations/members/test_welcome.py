"""The welcome of a member: the id of the store, and what the gateway has kept for the member."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.client import Client, Endpoint
from gateway.operations.members.hello_operation import MAX_WELCOME_DELIVERIES
from gateway.protocol.errors import Forbidden
from gateway.protocol.requests.agent_requests import Share
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Deliveries, Report, Send, Waiting
from gateway.protocol.results import Accepted, DeliveryList, Done, WaitingList
from gateway.protocol.types.core_types import Rung, Step
from tests.support.gateways import Gateway, gateway_in_process


async def test_the_welcome_names_the_store(gateway: Gateway, tmp_path: Path) -> None:
    async with Client(await gateway.member("claude"), Hello(inbox=True)) as claude, Client(gateway.operator) as alice:
        assert claude.welcome.store_id == alice.welcome.store_id == (await gateway.hub.store.load()).store_id != ""
    async with gateway_in_process(tmp_path / "another") as other, Client(other.operator) as bob:
        assert bob.welcome.store_id != alice.welcome.store_id


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


async def test_what_does_not_fit_into_a_welcome_is_asked_for(gateway: Gateway) -> None:
    me = await gateway.member("claude")
    async with Client(me, Hello(inbox=True)) as claude, Client(gateway.operator) as alice:
        assert not claude.welcome.more
        said = [alice.request(Send(content="x", to="@claude"), Accepted) for _ in range(MAX_WELCOME_DELIVERIES + 5)]
        numbers = sorted(one.seq for one in await asyncio.gather(*said))
    async with Client(me, Hello(inbox=True)) as claude:
        first = [one.message for one in claude.welcome.deliveries]
        assert (first, claude.welcome.more) == (numbers[:MAX_WELCOME_DELIVERIES], True)
        page = await claude.request(Deliveries(after=first[-1], limit=3), DeliveryList)
        assert ([one.message for one in page.deliveries], page.more) == (numbers[-5:-2], True)
        rest = await claude.request(Deliveries(after=page.deliveries[-1].message), DeliveryList)
        assert ([one.message for one in rest.deliveries], rest.more) == (numbers[-2:], False)


async def test_only_who_has_an_inbox_has_deliveries(gateway: Gateway) -> None:
    async with Client(gateway.operator) as alice:
        with pytest.raises(Forbidden, match="no inbox"):
            await alice.request(Deliveries(), DeliveryList)


async def test_what_waits_is_read_ahead_the_urgent_first_and_handed_over_to_nobody(gateway: Gateway) -> None:
    me = await gateway.member("claude")
    async with Client(me, Hello(inbox=True)) as claude, Client(gateway.operator) as alice:
        for content, fields in (("a", {}), ("b", {}), ("soon", {"priority": 9}), ("now", {"urgent": True}), ("c", {})):
            await alice.send(content, to="@claude", **fields)
        first = await claude.request(Waiting(limit=3), WaitingList)
        assert [one.content for one in first.messages] == ["now", "soon", "a"]
        assert [one.message for one in first.deliveries] == [one.seq for one in first.messages]
        assert (first.more, first.waiting) == (True, 5)
        for number in (first.messages[0].seq, first.messages[2].seq + 1):
            await claude.request(Report(message=number, steps=(Step(Rung.TYPED),)), Done)
        rest = await claude.request(Waiting(after=first.messages[-1].seq), WaitingList)
        assert ([one.content for one in rest.messages], rest.more, rest.waiting) == (["c"], False, 3)
        begun = await claude.request(Deliveries(begun=True), DeliveryList)
        assert [one.rung for one in begun.deliveries] == [Rung.TYPED, Rung.TYPED]
        with pytest.raises(Forbidden, match="no inbox"):
            await alice.request(Waiting(), WaitingList)
