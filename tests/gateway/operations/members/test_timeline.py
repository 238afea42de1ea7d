"""What an agent has done and what has happened to it, for those who may see it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.client import Client
from gateway.protocol.errors import Forbidden
from gateway.protocol.requests.agent_requests import Keys, SetActivity, Timeline
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Report, Send
from gateway.protocol.requests.room_requests import Leave
from gateway.protocol.results import Accepted, AgentTimeline, Done
from gateway.protocol.types.core_types import Activity, MemberKind, Rung, Step
from tests.support.gateways import Gateway


async def timeline(who: Client, **fields: Any) -> AgentTimeline:
    return await who.request(Timeline(member="@claude", **fields), AgentTimeline)


def kinds(found: AgentTimeline) -> list[str]:
    events = [msgspec.json.decode(one) for one in found.events]
    assert [one["seq"] for one in events] == sorted((one["seq"] for one in events), reverse=True)
    return [one["ev"] for one in events]


async def test_what_happened_newest_first(gateway: Gateway) -> None:
    claude, other = await gateway.member("claude"), await gateway.member("other")
    bob = await gateway.member("bob", MemberKind.HUMAN)
    async with (
        Client(gateway.operator, Hello()) as alice,
        Client(claude, Hello(inbox=True)) as agent,
        Client(other, Hello(inbox=True)) as noise,
        Client(bob, Hello()) as person,
    ):
        sent = await alice.request(Send(content="hello", to="@claude"), Accepted)
        await agent.request(Report(message=sent.seq, steps=(Step(Rung.TYPED),)), Done)
        await noise.request(OpenAsk(digest="bbbbbbbb", question="May I?"), Done)
        await alice.request(Send(content="claude is not meant", to="@other"), Accepted)
        await agent.request(OpenAsk(digest="aaaaaaaa", question="May I?"), Done)
        await alice.request(Keys(member="claude", keys="esc"), Done)
        await agent.request(Send(content="done", to="@alice"), Accepted)
        found = await timeline(alice)
        assert kinds(found)[:5] == ["message", "control", "ask", "receipt", "message"]
        assert set(kinds(found)[5:]) == {"member", "room"}
        assert not found.more

        page = await timeline(alice, limit=2)
        assert (kinds(page), page.more) == (["message", "control"], True)
        assert kinds(await timeline(alice, before=page.until, limit=2)) == ["ask", "receipt"]

        seen = await timeline(person)
        assert kinds(seen)[:1] == ["ask"], "direct messages, their receipts and orders are for their ends"
        await person.request(Leave(room="general"), Done)
        with pytest.raises(Forbidden, match="in no room with claude"):
            await timeline(person)


async def test_what_it_began_to_do(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    async with Client(gateway.operator) as alice, Client(claude, Hello(inbox=True)) as agent:
        for activity, note in (("busy", "a spinner"), ("busy", "a title"), ("idle", ""), ("busy", "x" * 900)):
            await agent.request(SetActivity(activity=Activity(activity), note=note), Done)
        found = await timeline(alice)
        assert [(str(one.activity), one.note) for one in found.activities] == [
            ("busy", "x" * 200),
            ("idle", ""),
            ("busy", "a spinner"),
        ]
        assert not (await timeline(alice, before=found.until or 1)).activities
        for number in range(300):
            await agent.request(SetActivity(activity=(Activity.BUSY, Activity.IDLE)[number % 2]), Done)
        assert len((await timeline(alice)).activities) == 100
