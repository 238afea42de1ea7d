"""Reads messages with their reactions, and sends a message instead of another. Nothing here prints."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from controller.requests.replacement_request import replacement_request
from gateway.client import Client, new_id
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Message
from gateway.protocol.requests.mark_requests import MAX_MESSAGES_ASKED, Pins, Reactions, Thread
from gateway.protocol.requests.message_requests import History, Search, Show
from gateway.protocol.results import Accepted, MessageDetail, MessageList, MessageReactions, PinList, ReactionList


async def fetch_with_reactions(client: Client, request: History | Search | Thread) -> tuple[MessageList, ReactionList]:
    found = await client.request(request, MessageList)
    return found, await fetch_reactions(client, found.messages)


async def fetch_reactions(client: Client, messages: Sequence[Message]) -> ReactionList:
    """The reactions to these messages. A gateway that does not know reactions has none."""
    numbers = [one.seq for one in messages]
    found: list[MessageReactions] = []
    with contextlib.suppress(GroupChatError):
        for start in range(0, len(numbers), MAX_MESSAGES_ASKED):
            asked = Reactions(messages=tuple(numbers[start : start + MAX_MESSAGES_ASKED]))
            found += (await client.request(asked, ReactionList)).messages
    return ReactionList(tuple(found))


async def fetch_pins(client: Client, room: str | None) -> PinList:
    """All pins of a room, which come in pages if the messages are long."""
    found = page = await client.request(Pins(room=room), PinList)
    while page.more and page.pins:
        page = await client.request(Pins(room=room, after=page.pins[-1].message.seq), PinList)
        found = PinList((*found.pins, *page.pins))
    return found


async def send_instead(client: Client, number: int, line: str) -> Accepted:
    old = (await client.request(Show(message=number), MessageDetail)).message
    return await client.request(replacement_request(old, line, new_id()), Accepted)
