"""Requests about modes. A mode decides who speaks when in a room."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.protocol.requests.request import Request, ShortText
from gateway.protocol.types.core_types import DEFAULT_ROOM, Prose

Name = Annotated[str, Meta(max_length=64)]
Topic = Annotated[Prose, Meta(max_length=4000)]


class SetMode(Request, frozen=True, tag="mode.set"):
    """Start a mode. Without `agents` all agents of the room take part, in the order in which they joined. `cast`
    assigns the mode's roles to members. `turns` is the maximum number of turns. A running mode is replaced only if
    `replace` is set. The mode `freeform` ends the running mode."""

    mode: Name
    room: str = DEFAULT_ROOM
    topic: Topic = ""
    agents: Annotated[tuple[Name, ...], Meta(max_length=100)] | None = None
    rounds: int | None = None
    turns: int | None = None
    cast: Annotated[dict[Name, Name], Meta(max_length=100)] = msgspec.field(default_factory=dict)
    replace: bool = False


class GetMode(Request, frozen=True, tag="mode.get"):
    """Get the mode of a room, and who has the turn."""

    room: str = DEFAULT_ROOM


class NextTurn(Request, frozen=True, tag="mode.next"):
    """Pass the turn to the next speaker."""

    room: str = DEFAULT_ROOM


class ExtendTurn(Request, frozen=True, tag="mode.extend"):
    """Let the turn of the current speaker end this many seconds from now."""

    room: str = DEFAULT_ROOM
    seconds: Annotated[float, Meta(gt=0, le=86400)] = 120


class EndMode(Request, frozen=True, tag="mode.end"):
    """End the mode. Everyone may speak at any time again."""

    room: str = DEFAULT_ROOM


class Working(Request, frozen=True, tag="mode.working"):
    """Report that you have the turn and are still working. The timeout of the turn starts again."""

    room: str = DEFAULT_ROOM
    note: ShortText = ""


class Modes(Request, frozen=True, tag="modes"):
    """List the modes that can be started."""
