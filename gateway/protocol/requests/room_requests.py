"""Requests about rooms: create, join, invite, leave, remove."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.protocol.requests.request import (
    Admission,
    KeyVersion,
    Limit,
    Notice,
    Request,
    Seq,
    ShortText,
)

MAX_KEYS_PER_PAGE = 100


class CreateRoom(Request, frozen=True, tag="room.create"):
    """Create a room and join it. What is said to everyone in a `sealed` room can be read only by the programs of its
    members. It is invite-only and sealed for ever, and has no topic."""

    room: str
    topic: ShortText = ""
    invite_only: bool = False
    sealed: bool = False


class SetTopic(Request, frozen=True, tag="room.topic"):
    """Set the topic of a room."""

    room: str
    topic: ShortText


class SetRetention(Request, frozen=True, tag="room.keep"):
    """Say how long a room keeps its messages: a time such as `90d` or `12h`, a number of messages, or `forever`. Older
    ones are removed, for good. Only the creator of the room and administrators may do this."""

    room: str
    keep: Annotated[str, Meta(max_length=40)]


class RoomRetention(Request, frozen=True, tag="room.retention"):
    """How long a room keeps its messages, and how far those were removed that it does not keep."""

    room: str


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


class SetRoomKey(Request, frozen=True, tag="room.key"):
    """Give a sealed room its next key: `version` is that of the current one + 1, and `notice` (base64) hands the key to
    the members. If somebody else was first, the error is `stale_key`."""

    room: str
    version: KeyVersion
    notice: Notice


class AdmitToRoomKey(Request, frozen=True, tag="room.admit"):
    """Say that a member may get the next key of a sealed room: `admission` (base64) is signed by you. It is kept until
    the room has that key."""

    room: str
    member: Annotated[str, Meta(max_length=64)]
    admission: Admission


class RoomKeys(Request, frozen=True, tag="room.keys"):
    """List the notices of a sealed room's keys after a version, oldest first, and the admissions that wait for the next
    key."""

    room: str
    after: Seq = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_KEYS_PER_PAGE)] = MAX_KEYS_PER_PAGE
