"""Other members in the room of a chat, and what the gateway knows to be said there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.client import Client
from gateway.protocol.events import Message
from gateway.protocol.requests.agent_requests import SetActivity
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import Done, MessageList
from gateway.protocol.types.core_types import Activity, Composer
from tests.support.gateways import Gateway


@asynccontextmanager
async def agent(gateway: Gateway, name: str = "claude") -> AsyncIterator[Client]:
    """An agent's sidecar, as far as the room sees it."""
    async with Client(await gateway.member(name, role="coder"), Hello(inbox=True, role="coder")) as client:
        await client.request(SetActivity(activity=Activity.IDLE, composer=Composer.EMPTY), Done)
        yield client


async def newest(client: Client) -> Message:
    return (await client.request(History(limit=1), MessageList)).messages[0]


async def said(gateway: Gateway) -> list[str]:
    """The texts of the room, the oldest first."""
    async with Client(gateway.operator) as client:
        return [one.content for one in (await client.request(History(), MessageList)).messages][::-1]
