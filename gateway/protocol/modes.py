"""What a client may ask about modes: who speaks when in a room."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.protocol.requests import Request, ShortText
from gateway.protocol.types import DEFAULT_ROOM, Prose

Name = Annotated[str, Meta(max_length=64)]
Topic = Annotated[Prose, Meta(max_length=4000)]


class SetMode(Request, frozen=True, tag="mode.set"):
    """Begin a mode. Without `agents` all agents of the room take part, in the order in which they came; `cast` says
    who has which role; `turns` is the budget. A mode that runs is only replaced with `replace`. `freeform` ends it."""

    mode: Name
    room: str = DEFAULT_ROOM
    topic: Topic = ""
    agents: Annotated[tuple[Name, ...], Meta(max_length=100)] | None = None
    rounds: int | None = None
    turns: int | None = None
    cast: Annotated[dict[Name, Name], Meta(max_length=100)] = msgspec.field(default_factory=dict)
    replace: bool = False


class GetMode(Request, frozen=True, tag="mode.get"):
    """Which mode runs in a room, and who has the turn."""

    room: str = DEFAULT_ROOM


class NextTurn(Request, frozen=True, tag="mode.next"):
    """Pass the turn on."""

    room: str = DEFAULT_ROOM


class ExtendTurn(Request, frozen=True, tag="mode.extend"):
    """Give the speaker so many seconds more, from now."""

    room: str = DEFAULT_ROOM
    seconds: Annotated[float, Meta(gt=0, le=86400)] = 120


class EndMode(Request, frozen=True, tag="mode.end"):
    """End the mode; everybody speaks freely again."""

    room: str = DEFAULT_ROOM


class Working(Request, frozen=True, tag="mode.working"):
    """You have the turn and are still at work: its time begins anew."""

    room: str = DEFAULT_ROOM
    note: ShortText = ""


class Modes(Request, frozen=True, tag="modes"):
    """The modes that can be begun here."""
