"""What a client may ask about sessions: named pieces of work in a room. Messages and decisions carry its name."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.protocol.requests import MAX_DURATION_S, Address, Limit, Request, Seq
from gateway.protocol.types import Prose

Goal = Annotated[Prose, Meta(max_length=4000)]
Closing = Annotated[Prose, Meta(max_length=16000)]
Participants = Annotated[tuple[Address, ...], Meta(max_length=64)]
Deadline = Annotated[float, Meta(ge=0, le=MAX_DURATION_S)]


class OpenSession(Request, frozen=True, tag="session.open"):
    """Begin a piece of work. Without participants it is everybody's in the room. `deadline_in` counts seconds from now.
    While it is the only active one that you take part in, what you say in its room belongs to it."""

    session: str
    room: str | None = None
    goal: Goal = ""
    participants: Participants = ()
    deadline_in: Deadline | None = None


class UpdateSession(Request, frozen=True, tag="session.update"):
    """Change what a session is for, who takes part, or its deadline (0 takes it away). What is left out stays."""

    session: str
    goal: Goal | None = None
    participants: Participants | None = None
    deadline_in: Deadline | None = None


class PauseSession(Request, frozen=True, tag="session.pause"):
    """Let it rest: what is said meanwhile does not belong to it."""

    session: str


class ResumeSession(Request, frozen=True, tag="session.resume"):
    """Go on with it."""

    session: str


class CloseSession(Request, frozen=True, tag="session.close"):
    """It is done. `closing` are the words that stand at its end."""

    session: str
    closing: Closing = ""


class Sessions(Request, frozen=True, tag="session.list"):
    """The sessions of your rooms that are not completed, or with `all` every one. `after` is the `number` of
    the last one of the page before."""

    room: str | None = None
    all: bool = False
    after: Seq = 0
    limit: Limit = 1000


class ShowSession(Request, frozen=True, tag="session.show"):
    """One session with its decisions and shared contexts."""

    session: str


class SessionMessages(Request, frozen=True, tag="session.messages"):
    """What was said in a session and you may read, oldest first, after a seq."""

    session: str
    after: Seq | None = None
    limit: Limit = 500
