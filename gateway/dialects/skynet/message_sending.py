"""Sends the messages of Skynet's clients: to a channel, to one agent, or to an agent of a type."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Any

from gateway.access.permissions import Actor
from gateway.dialects.shared_room_lookup import common_room
from gateway.dialects.skynet import name_mapping
from gateway.dialects.skynet.channels import enter_channel
from gateway.dialects.skynet.wire import messages
from gateway.dialects.skynet.wire.frames import WireMessage
from gateway.dialects.skynet.wire.message_ids import MessageIds
from gateway.dialects.skynet.wire.messages import Target
from gateway.operations import dispatch
from gateway.protocol.errors import Forbidden, NotFound
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.types.core_types import bare_name
from gateway.runtime.hub import Hub


async def begin_send(hub: Hub, ids: MessageIds, actor: Actor, message: WireMessage) -> Awaitable[Any]:
    """Decide the message now, in the order of the client's frames; the result comes when it is on disk."""
    request = await request_of(hub, ids, actor, message)
    begun = dispatch.start_operation(hub, actor, request)
    if isinstance(begun, asyncio.Future):
        return begun
    return await dispatch.wait_and_answer_in_turn(hub, actor, request, begun)


async def request_of(hub: Hub, ids: MessageIds, actor: Actor, message: WireMessage) -> Send:
    target = await _target_of(hub, actor, message)
    parent = message.parent_id or message.known_context.parent_message_id
    senders = tuple(bare_name(one) for one in target.to) or tuple(hub.state.in_room[target.room])
    reply_to = ids.number_of(parent, *senders, actor.name) if parent else None
    session = _session_tag(hub, target.room, message.known_context.session_id)
    return messages.send_request_for(message, Target(target.room, target.to, reply_to, session))


async def _target_of(hub: Hub, actor: Actor, message: WireMessage) -> Target:
    if message.to_agent is not None:
        name = name_mapping.require_member(hub.state, message.to_agent)
        return Target(await _room_for(hub, actor, name, message), (f"@{name}",))
    address = messages.address_by_type(message.known_context)
    room = await enter_channel(hub, actor, message.channel)
    return Target(room, () if address is None else (str(address),))


async def _room_for(hub: Hub, actor: Actor, name: str, message: WireMessage) -> str:
    """The room of the channel if the other one is in it and the sender may enter it, so that its monitors see the
    message; else another room that both share."""
    if name in hub.state.in_room.get(name_mapping.room_behind_channel(message.channel), set()):
        with contextlib.suppress(Forbidden):
            return await enter_channel(hub, actor, message.channel)
    room = common_room(hub.state, actor.name, name)
    if room is None:
        raise NotFound(f"You share no channel with the agent {message.to_agent!r}. Subscribe to one that it uses.")
    return room


def _session_tag(hub: Hub, room: str, wanted: str | None) -> str | None:
    """The session of the message. One of another room is only passed on, because a tag belongs to one room."""
    session = hub.state.sessions.get((wanted or "").lower())
    return wanted if session is None or session.room == room else None
