"""Requests about rooms: create, join, invite, leave, remove."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.protocol.requests.request import (
    Limit,
    Request,
    ShortText,
)


class CreateRoom(Request, frozen=True, tag="room.create"):
    """Create a room and join it."""

    room: str
    topic: ShortText = ""
    invite_only: bool = False


class SetTopic(Request, frozen=True, tag="room.topic"):
    """Set the topic of a room."""

    room: str
    topic: ShortText


class Invite(Request, frozen=True, tag="room.invite"):
    """Invite a member to a room. An agent or tool with an inbox that a person or an administrator invites is in the
    room at once; all others may then join."""

    room: str
    member: str


class Kick(Request, frozen=True, tag="room.kick"):
    """Remove a member from a room, or withdraw its invitation. Only the creator of the room and administrators may do
    this. The member can join again only after a new invitation."""

    room: str
    member: str


class RemoveRoom(Request, frozen=True, tag="room.remove"):
    """Remove a room permanently. Only its creator and administrators may do this. Members who could read its messages
    can still read them. The name cannot be used again."""

    room: str


class Join(Request, frozen=True, tag="room.join"):
    """Join a room."""

    room: str


class Leave(Request, frozen=True, tag="room.leave"):
    """Leave a room. You can still read the messages of a public room, but no longer those of an invite-only room."""

    room: str


class Rooms(Request, frozen=True, tag="rooms"):
    """List the rooms you can see, by name. `after` is the last name of the previous page. `removed` includes removed
    rooms that you can still read."""

    after: Annotated[str, Meta(max_length=64)] = ""
    limit: Limit = 1000
    removed: bool = False
