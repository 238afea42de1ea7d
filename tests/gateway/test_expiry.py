"""A message with a time to live ends visibly when nobody could take it in time, also after a restart."""

from __future__ import annotations

from pathlib import Path

from gateway.client import Client
from gateway.protocol.events import Receipt
from gateway.protocol.nouns import MemberKind, Rung, Step
from gateway.protocol.requests import Hello, Receipts, Report, Retry
from gateway.protocol.results import Done, Story
from tests.support.gateways import Gateway, gateway_in_process


async def _first_receipt(client: Client) -> Receipt:
    async for event in client.events():
        if isinstance(event, Receipt):
            return event
    raise AssertionError("no receipt came")


async def test_what_waits_too_long_expires(gateway: Gateway) -> None:
    await gateway.member("claude")
    async with Client(gateway.operator) as alice:
        accepted = await alice.send("be quick", to="@claude", ttl=0.05)
        receipt = await _first_receipt(alice)
        assert (receipt.message, receipt.steps[-1].rung) == (accepted.seq, Rung.EXPIRED)
        story = await alice.request(Receipts(message=accepted.seq), Story)
        assert story.deliveries[0].rung is Rung.EXPIRED
        assert gateway.hub.house.queued["claude"] == 0


async def test_what_was_taken_does_not_expire(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    await gateway.member("gemini")
    async with Client(gateway.operator) as alice, Client(claude, Hello(inbox=True)) as agent:
        taken = await alice.send("be quick", to="@claude", ttl=0.3)
        await agent.request(Report(message=taken.seq, steps=(Step(Rung.TYPED),)), Done)
        later = await alice.send("be quick", to="@gemini", ttl=0.3)
        receipts = [await _first_receipt(alice), await _first_receipt(alice)]
        assert [(one.message, one.steps[-1].rung) for one in receipts] == [
            (taken.seq, Rung.TYPED),
            (later.seq, Rung.EXPIRED),
        ]


async def test_a_deadline_survives_a_restart(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as first:
        await first.member("claude", MemberKind.AGENT)
        async with Client(first.operator) as alice:
            accepted = await alice.send("be quick", to="@claude", ttl=0.2)
    async with (
        gateway_in_process(tmp_path / "state") as second,
        Client(second.operator, Hello(since=accepted.seq)) as bob,
    ):
        receipt = await _first_receipt(bob)
        assert (receipt.message, receipt.steps[-1].rung) == (accepted.seq, Rung.EXPIRED)


async def test_what_a_person_orders_again_does_not_expire_again(gateway: Gateway) -> None:
    """Its deadline is over; the order is newer."""
    await gateway.member("claude")
    async with Client(gateway.operator) as alice:
        first = await alice.send("be quick", to="@claude", ttl=0.05)
        await _first_receipt(alice)
        await alice.request(Retry(message=first.seq, member="claude"), Done)
        assert (await _first_receipt(alice)).steps[-1].rung is Rung.QUEUED
        second = await alice.send("be quick too", to="@claude", ttl=0.05)
        receipt = await _first_receipt(alice)
        assert (receipt.message, receipt.steps[-1].rung) == (second.seq, Rung.EXPIRED)
        story = await alice.request(Receipts(message=first.seq), Story)
        assert story.deliveries[0].rung is Rung.QUEUED
