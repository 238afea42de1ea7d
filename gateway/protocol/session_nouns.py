"""A named piece of work in a room."""

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
    """`number` is the event that opened it, `seq` the newest about it. Without participants it is everybody's in the
    room. `overdue`: its deadline has passed, and the room was told. `closing` is what was said at its end;
    `decisions` are the ids of what was asked in it."""

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
