"""The figures of the Skynet dialect: a guest sees guests and totals, a member what it sees elsewhere; and their memory
is bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from gateway.client import Client
from gateway.dialects.skynet.connected_agents import MAX_NEW_COUNTS, AgentRegistry
from gateway.protocol.events import Message
from gateway.protocol.types.core_types import MessageKind
from gateway.runtime.listen_option import listen_at
from tests.support.gateways import Gateway, gateway_in_process
from tests.support.simple import SimpleClient, simple_client


async def members_in(client: SimpleClient, token: str | None) -> tuple[set[str], float]:
    """The members with figures of their own, and the total of messages."""
    headers = {} if token is None else {"X-Auth-Token": token}
    async with client.session.get(client.url + "/metrics", headers=headers) as response:
        assert response.status == 200
        families = list(text_string_to_metric_families(await response.text()))
    samples = [one for family in families for one in family.samples]
    (total,) = [one.value for one in samples if one.name == "groupchat_messages_accepted_total"]
    return {one.labels["member"] for one in samples if "member" in one.labels}, total


async def test_the_counts_of_guests_and_channels_that_are_gone_are_forgotten(gateway: Gateway) -> None:
    registry = AgentRegistry(gateway.hub, heartbeat_s=30)
    registry.begin()
    (happened,) = [one for one in gateway.hub.publisher.watchers if getattr(one, "__self__", None) is registry]
    await gateway.member("ada")
    for number in range(10 * MAX_NEW_COUNTS):
        happened(said(number, recipients=(f"gone-{number}",)))
        happened(said(number, room=f"gone-{number}"))
    for number in range(3):
        happened(said(number, recipients=("ada",)))
        happened(said(number, room="general"))
    await gateway.member("one-more")  # somebody comes, for whom a guest may have made space
    assert dict(registry.count.to_member) == {"ada": 3}
    assert dict(registry.count.in_room) == {"general": 3}
    registry.stop()


def said(number: int, room: str = "general", **fields: Any) -> Message:
    return Message(
        seq=number + 1,
        id=f"m-{number}",
        room=room,
        from_="ada",
        to=(),
        kind=MessageKind.CHAT,
        content="hi",
        timestamp="2026-01-01T00:00:00.000Z",
        **fields,
    )


async def test_who_sees_whom(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state", listen=(listen_at("skynet=0"),)) as gateway:
        tom = await gateway.member("tom")
        async with Client(gateway.operator) as alice, Client(tom) as agent:
            await alice.send("from a member")
            await agent.send("from another")
        async with simple_client(gateway.listeners["skynet"], "") as guest:
            body = {"from_agent": "scout", "type": "broadcast", "content": "from a guest"}
            answer = await guest.ask("POST", "/messages/send", body=body, headers={})
            assert answer.body["success"], answer
            seen = {token: await members_in(guest, token) for token in (None, tom.token, gateway.operator.token)}
            wrong = await guest.ask("GET", "/metrics", headers={"X-Auth-Token": "wrong"})
    assert seen[None] == ({"scout"}, 3)
    assert seen[tom.token] == ({"tom"}, 3)
    assert {"alice", "tom", "scout", "(others)"} <= seen[gateway.operator.token][0]
    assert wrong.status == 401
