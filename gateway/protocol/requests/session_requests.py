"""Requests about sessions. A session is a named piece of work in a room; messages and decisions carry its name."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.protocol.requests.request import MAX_DURATION_S, Address, Limit, Request, Seq
from gateway.protocol.types.core_types import Prose

Goal = Annotated[Prose, Meta(max_length=4000)]
Closing = Annotated[Prose, Meta(max_length=16000)]
Participants = Annotated[tuple[Address, ...], Meta(max_length=64)]
Deadline = Annotated[float, Meta(ge=0, le=MAX_DURATION_S)]


class OpenSession(Request, frozen=True, tag="session.open"):
    """Open a session. Without `participants` everyone in the room takes part. `deadline_in` is in seconds from now.
    While it is the only active session you take part in, your messages in its room belong to it."""

    session: str
    room: str | None = None
    goal: Goal = ""
    participants: Participants = ()
    deadline_in: Deadline | None = None


class UpdateSession(Request, frozen=True, tag="session.update"):
    """Change the goal, the participants or the deadline of a session (0 removes the deadline). Omitted fields keep
    their values."""

    session: str
    goal: Goal | None = None
    participants: Participants | None = None
    deadline_in: Deadline | None = None


class PauseSession(Request, frozen=True, tag="session.pause"):
    """Pause a session. Messages sent while it is paused do not belong to it."""

    session: str


class ResumeSession(Request, frozen=True, tag="session.resume"):
    """Resume a paused session."""

    session: str


class CloseSession(Request, frozen=True, tag="session.close"):
    """Close a session. `closing` is its closing text."""

    session: str
    closing: Closing = ""


class Sessions(Request, frozen=True, tag="session.list"):
    """List the sessions of your rooms that are not completed; `all` includes completed ones. `after` is the `number` of
    the last one of the previous page."""

    room: str | None = None
    all: bool = False
    after: Seq = 0
    limit: Limit = 1000


class ShowSession(Request, frozen=True, tag="session.show"):
    """Get one session with its decisions and shared documents."""

    session: str


class SessionMessages(Request, frozen=True, tag="session.messages"):
    """List the messages of a session that you can read, oldest first, after a seq."""

    session: str
    after: Seq | None = None
    limit: Limit = 500
