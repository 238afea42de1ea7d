"""Requests about marks: reactions and pins on messages, muted rooms, and the thread that a message belongs to."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.protocol.requests.request import Limit, Request, Seq

MAX_SIGN_CHARS = 16
MAX_MESSAGES_ASKED = 200


class React(Request, frozen=True, tag="react"):
    """Put a sign on a message (an emoji or a short word), or remove it. A reaction wakes nobody."""

    message: Seq
    sign: Annotated[str, Meta(min_length=1, max_length=MAX_SIGN_CHARS)]
    remove: bool = False


class Reactions(Request, frozen=True, tag="reactions"):
    """The reactions to these messages. Messages that you may not read, or that have none, are left out."""

    messages: Annotated[tuple[Seq, ...], Meta(max_length=MAX_MESSAGES_ASKED)]


class Pin(Request, frozen=True, tag="pin"):
    """Pin a message to its room, or remove the pin."""

    message: Seq
    remove: bool = False


class Pins(Request, frozen=True, tag="pins"):
    """The pinned messages of a room, in the order in which they were pinned. `after` is the number of the last pinned
    message of the page before."""

    room: str | None = None
    after: Seq = 0
    limit: Limit = 1000


class Mute(Request, frozen=True, tag="room.mute"):
    """Mute a room for yourself, or unmute it. Clients then show no notification and no unread count for it; messages
    are delivered as before."""

    room: str
    on: bool = True


class MarkRead(Request, frozen=True, tag="room.read"):
    """Report how far you have been shown a room: the number of its last message. Only a higher one than before counts,
    and only that of a person: an agent that has worked is `done` until a person has been shown its answer."""

    room: str
    message: Seq


class Thread(Request, frozen=True, tag="thread"):
    """The thread of a message: the message that began it and all that answer it, oldest first; `after` is the last
    message of the page before."""

    message: Seq
    after: Seq = 0
    limit: Limit = 200
