"""What has been said in the room, as a client is told."""

from __future__ import annotations

from gateway.client import Client
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import MessageList


async def contents(client: Client) -> list[str]:
    """The texts of the newest thousand messages, oldest first."""
    found = (await client.request(History(limit=1000), MessageList)).messages
    return [one.content for one in reversed(found)]
