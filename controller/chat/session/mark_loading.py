"""Loads the marks of messages that the chat shows: their reactions, how far one's own have come, the room's pins."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from controller.requests.marked_messages import fetch_pins
from controller.view.state.chat_state import ChatState
from gateway.client import Client
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Message
from gateway.protocol.requests.mark_requests import MAX_MESSAGES_ASKED, Reactions
from gateway.protocol.requests.message_requests import Show
from gateway.protocol.results import MessageDetail, ReactionList

ASKED_AT_ONCE = 15


async def load_reactions(client: Client, state: ChatState, messages: Sequence[Message]) -> None:
    """The reactions to the messages of a page, in one request. An older gateway has none."""
    numbers = tuple(one.seq for one in messages)[-MAX_MESSAGES_ASKED:]
    if not numbers:
        return
    with contextlib.suppress(GroupChatError), state.noting_events() as meanwhile:
        found = await client.request(Reactions(messages=numbers), ReactionList)
        state.redraw(state.marks.restore(numbers, found.messages, meanwhile))


async def load_deliveries(client: Client, state: ChatState, messages: Sequence[Message]) -> None:
    """How far one's own messages of a page have come, the newest first."""
    own = [one.seq for one in messages if one.from_ == state.me and one.deliveries][::-1]
    for begin in range(0, len(own), ASKED_AT_ONCE):
        asked = (client.request(Show(message=one), MessageDetail) for one in own[begin : begin + ASKED_AT_ONCE])
        with state.noting_events() as meanwhile:
            found = await asyncio.gather(*asked)
            state.restore_deliveries((one for detail in found for one in detail.deliveries), meanwhile)


async def load_pins(client: Client, state: ChatState, room: str) -> None:
    with contextlib.suppress(GroupChatError), state.noting_events() as meanwhile:
        found = await fetch_pins(client, room)
        state.redraw(state.marks.restore_pins(found.pins, meanwhile))
