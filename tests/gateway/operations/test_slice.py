"""The thin path through the gateway: a client says something, another hears it, a third finds it later."""

from __future__ import annotations

from gateway.client import Client
from gateway.protocol.events import Message, Receipt
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import History, Receipts, Report, Search
from gateway.protocol.results import Done, MessageList, Story
from gateway.protocol.types.core_types import Rung, Step
from tests.support.gateways import Gateway


async def test_a_direct_message_goes_through_its_steps(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    async with Client(gateway.operator) as alice, Client(claude, Hello(inbox=True)) as agent:
        accepted = await alice.send("good morning", to="@claude")
        assert [one.member for one in accepted.deliveries] == ["claude"]
        async for event in agent.events():
            if isinstance(event, Message):
                assert (event.content, event.from_, event.deliveries) == ("good morning", "alice", ("claude",))
                break
        steps = (Step(Rung.TYPED), Step(Rung.VERIFIED), Step(Rung.SUBMITTED))
        await agent.request(Report(message=accepted.seq, steps=steps), Done)
        async for event in alice.events():
            if isinstance(event, Receipt):
                assert [step.rung for step in event.steps] == [Rung.TYPED, Rung.VERIFIED, Rung.SUBMITTED]
                break
        story = await alice.request(Receipts(message=accepted.seq), Story)
        assert story.deliveries[0].rung is Rung.SUBMITTED


async def test_what_was_said_is_found(gateway: Gateway) -> None:
    async with Client(gateway.operator) as alice:
        first = await alice.send("the disk of the build machine is full")
        await alice.send("never mind")
        found = await alice.request(Search(query="disk full"), MessageList)
        assert [one.seq for one in found.messages] == [first.seq]
        history = await alice.request(History(), MessageList)
        assert [one.content for one in history.messages] == ["never mind", "the disk of the build machine is full"]


async def test_a_retry_gets_the_seq_of_the_first(gateway: Gateway) -> None:
    async with Client(gateway.operator) as alice:
        first = await alice.send("once", id="abc")
        again = await alice.send("once", id="abc")
        assert (again.seq, again.duplicate) == (first.seq, True)
        history = await alice.request(History(), MessageList)
        assert len(history.messages) == 1
