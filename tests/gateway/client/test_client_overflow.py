"""A client that does not read its events keeps being answered, and loses nothing when it begins to read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.client import Client, client
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from tests.support.gateways import Gateway


async def test_unread_events_block_no_answer_and_are_not_lost(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MAX_UNREAD_EVENTS", 10)
    async with Client(gateway.operator, Hello(echo=True)) as alice:
        for number in range(50):
            await alice.send(f"message {number}")
        heard: list[str] = []
        async with asyncio.timeout(60):
            async for event in alice.events():
                if isinstance(event, Message):
                    heard.append(event.content)
                if len(heard) == 50:
                    break
        assert heard == [f"message {number}" for number in range(50)]


async def test_a_gateway_put_back_from_a_backup_is_followed_from_its_end(gateway: Gateway) -> None:
    """A client that has seen more than the log now holds hears what comes next."""
    beyond: dict[str, Any] = {"since": 1_000_000}
    async with Client(gateway.operator, Hello(echo=True, **beyond)) as alice:
        await alice.send("after the backup")
        async with asyncio.timeout(60):
            async for event in alice.events():
                if isinstance(event, Message):
                    assert event.content == "after the backup"
                    break
