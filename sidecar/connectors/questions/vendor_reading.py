"""Decides whether a conversation may be sent to the vendor of a connector. Pure.

This is the only place that decides it, and the loop asks it before each request: where it gives a reason, nothing of
the room is sent, and the message ends as failed with this reason.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.protocol.events import Message
from gateway.protocol.types.core_types import Room

MAY_READ = ""
SEALED_TEXT = "what is sealed goes to no vendor"
UNKNOWN_TEXT = "it is not known whether a vendor may read this room"


def why_vendor_may_not_read(room: Room | None, messages: Iterable[Message]) -> str:
    """Empty if the vendor may read what is said in this room and these messages. `room`: None if it is not known."""
    if room is None:
        return UNKNOWN_TEXT
    return SEALED_TEXT if room.sealed or any(one.sealed is not None for one in messages) else MAY_READ
