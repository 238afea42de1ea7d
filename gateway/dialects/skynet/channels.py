"""Puts members into the rooms of the channels that they use. A channel that does not exist yet is made."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.dialects.skynet import name_mapping
from gateway.operations import dispatch
from gateway.protocol.errors import Forbidden, UnknownRoom
from gateway.protocol.requests.room_requests import CreateRoom, Join
from gateway.runtime.hub import Hub


async def enter_channel(hub: Hub, actor: Actor, channel: str) -> str:
    """The room of a channel, of which this member is now a member."""
    room = name_mapping.room_behind_channel(channel)
    if room in hub.state.rooms and actor.name in hub.state.in_room[room]:
        return room
    if room not in hub.state.rooms:
        await dispatch.run_operation(hub, actor, CreateRoom(room=room))
        return room
    try:
        await dispatch.run_operation(hub, actor, Join(room=room))
    except UnknownRoom:
        raise Forbidden(
            f"The channel {channel!r} is only for invited members, or was removed. "
            "Ask one of its members for an invitation."
        ) from None
    return room
