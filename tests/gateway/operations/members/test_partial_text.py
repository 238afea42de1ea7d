"""Unfinished messages: who sees them, who may show them, and that nothing of them stays."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from gateway.client import Client
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import PartialText
from gateway.protocol.requests.agent_requests import ShowPartialText
from gateway.protocol.requests.connection_requests import Hello, Ping
from gateway.protocol.requests.room_requests import CreateRoom
from gateway.protocol.results import Done, Pong
from gateway.protocol.types.core_types import MemberKind, Scope
from tests.support.gateways import Gateway


async def seen_by(client: Client) -> list[PartialText]:
    """What has come so far: an answer comes after it on the same connection."""
    await client.request(Ping(), Pong)
    found: list[PartialText] = []
    while True:
        try:
            async with asyncio.timeout(0.05):
                event = await anext(client.events())
        except TimeoutError:
            return found
        if isinstance(event, PartialText):
            found.append(event)


@pytest.mark.parametrize(
    ("request_", "readers"),
    [
        (ShowPartialText(text="hi"), {"bob", "carol", "watcher"}),
        (ShowPartialText(text="hi", to=("bob",)), {"bob", "watcher"}),
        (ShowPartialText(text="hi", room="lab"), {"carol", "watcher"}),
        (ShowPartialText(ended=True, to=("@Carol",)), {"carol", "watcher"}),
    ],
)
async def test_those_see_it_who_will_read_the_message(
    gateway: Gateway, request_: ShowPartialText, readers: set[str]
) -> None:
    async with AsyncExitStack() as stack:
        clients = {}
        for name in ("bob", "carol", "watcher", "ada"):
            rights = (Scope.OBSERVER,) if name == "watcher" else ()
            kind = MemberKind.AGENT if name == "ada" else MemberKind.HUMAN
            clients[name] = await stack.enter_async_context(Client(await gateway.member(name, kind, *rights), Hello()))
        await clients["carol"].request(CreateRoom(room="lab"), Done)
        ada = await stack.enter_async_context(Client(clients["ada"].endpoint, Hello(rooms=("lab", "general"))))
        before = gateway.hub.committed_seq
        await ada.request(request_, Done)
        found = {name: await seen_by(client) for name, client in clients.items()}
    assert {name for name, events in found.items() if events} == readers
    (one,) = found["watcher"]
    assert (one.member, one.text, one.ended) == ("ada", request_.text, request_.ended)
    assert gateway.hub.committed_seq == before


@pytest.mark.parametrize(
    ("kind", "request_", "code"),
    [
        (MemberKind.HUMAN, ShowPartialText(text="hi"), "forbidden"),
        (MemberKind.AGENT, ShowPartialText(text="hi", room="nowhere"), "unknown_room"),
        (MemberKind.AGENT, ShowPartialText(text="hi", to=("nobody",)), "not_found"),
        (MemberKind.AGENT, ShowPartialText(text="a\x00b"), "invalid_text"),
        (MemberKind.AGENT, ShowPartialText(text="hi", room="vault"), "forbidden"),
    ],
)
async def test_who_may_not_show_it(gateway: Gateway, kind: MemberKind, request_: ShowPartialText, code: str) -> None:
    async with Client(gateway.operator, Hello()) as alice, Client(await gateway.member("ada", kind), Hello()) as ada:
        if request_.room == "vault":
            await alice.request(CreateRoom(room="vault", sealed=True), Done)
            gateway.hub.state.in_room["vault"].add("ada")  # as if somebody had let it in
            gateway.hub.state.rooms_of["ada"].add("vault")
        with pytest.raises(GroupChatError) as refused:
            await ada.request(request_, Done)
    assert refused.value.code == code
