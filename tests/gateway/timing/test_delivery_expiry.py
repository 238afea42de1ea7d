"""A message with a time to live ends visibly when nobody could take it in time, also after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from gateway.client import Client
from gateway.protocol.events import Receipt
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Receipts, Report, Retry
from gateway.protocol.results import Done, Story
from gateway.protocol.types.core_types import MemberKind, Rung, Step
from gateway.store import LogEntry, StoredEvent
from tests.fakes.retry import retry_until
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
        assert gateway.hub.state.queued["claude"] == 0


async def test_what_was_taken_does_not_expire(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    await gateway.member("gemini")
    async with Client(gateway.operator) as alice, Client(claude, Hello(inbox=True)) as agent:
        taken = await alice.send("be quick", to="@claude", ttl=3)
        await agent.request(Report(message=taken.seq, steps=(Step(Rung.TYPED),)), Done)
        later = await alice.send("be quick", to="@gemini", ttl=3)
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


async def test_many_expire_in_few_commits(gateway: Gateway) -> None:
    await gateway.member("claude")
    store, commits = gateway.hub.store, 0
    plain = store.append

    async def counted(batch: Sequence[LogEntry]) -> list[int]:
        nonlocal commits
        commits += any(one.kind == "receipt" for one in batch)
        return await plain(batch)

    async with Client(gateway.operator) as alice:
        await asyncio.gather(*(alice.send("be quick", to="@claude", ttl=0.5) for _ in range(300)))
        store.append = counted  # type: ignore[method-assign]
        await retry_until(lambda: gateway.hub.state.queued["claude"] == 0)
    assert commits < 150


async def test_what_is_taken_just_as_it_expires_stays_taken(gateway: Gateway) -> None:
    """Its sidecar begins to type it while the message is being read for its end."""
    claude = await gateway.member("claude")
    store, typed = gateway.hub.store, list[int]()
    plain = store.one

    async with Client(gateway.operator) as alice, Client(claude, Hello(inbox=True)) as agent:

        async def taken_meanwhile(seq: int) -> StoredEvent | None:
            record = await plain(seq)
            if seq not in typed:
                typed.append(seq)
                await agent.request(Report(message=seq, steps=(Step(Rung.TYPED),)), Done)
            return record

        store.one = taken_meanwhile  # type: ignore[method-assign]
        accepted = await alice.send("be quick", to="@claude", ttl=0.05)
        await retry_until(lambda: typed)
        assert (await _first_receipt(alice)).steps[-1].rung is Rung.TYPED
        assert gateway.hub.state.latest_deliveries[accepted.seq, "claude"].rung is Rung.TYPED
