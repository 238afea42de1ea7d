"""Sessions: named pieces of work in a room."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class SessionStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"


class SessionAction(StrEnum):
    OPENED = "opened"
    UPDATED = "updated"
    PAUSED = "paused"
    RESUMED = "resumed"
    CLOSED = "closed"
    OVERDUE = "overdue"


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session. `number` is the seq of the event that opened it, `seq` the seq of its newest event. Without
    `participants` everyone in the room takes part. `overdue`: the deadline has passed and the room was told. `closing`
    is the closing text; `decisions` are the ids of its decisions."""

    name: str
    number: int
    seq: int
    room: str
    by: str
    at: str
    goal: str = ""
    participants: tuple[str, ...] = ()
    deadline: str = ""
    status: SessionStatus = SessionStatus.ACTIVE
    overdue: bool = False
    closed: str = ""
    closing: str = ""
    decisions: tuple[str, ...] = ()
