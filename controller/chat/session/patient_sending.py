"""Sends a message of the chat, however long the gateway is away."""

from __future__ import annotations

from controller.requests.command_requests import send_or_seal
from gateway.client import Client
from gateway.client.timeouts import NO_LIMIT_S
from gateway.protocol.errors import TimedOut
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted


async def send_across_outages(client: Client, request: Send, *, sealed: bool = False) -> Accepted:
    """A client that seals first asks the gateway for keys, and gives that up after a while. The message has an id, so
    that it cannot be posted twice."""
    while True:
        try:
            return await send_or_seal(client, request, sealed=sealed, timeout=NO_LIMIT_S)
        except TimedOut:
            continue
