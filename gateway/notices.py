"""Lines the gateway itself says in a room. They wake nobody."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.house import Change, Clerk, Fact
from gateway.protocol.addressing import Everyone
from gateway.protocol.events import Message
from gateway.protocol.nouns import SYSTEM, MessageKind

TO_EVERYONE = (str(Everyone()),)


def notice(
    room: str, text: str, clerk: Clerk, context: dict[str, Any] | None = None, changes: tuple[Change, ...] = ()
) -> Fact:
    seq = clerk.seq()
    message = Message(
        seq=seq,
        id=f"m-{seq}",
        room=room,
        from_=SYSTEM,
        to=(str(Everyone()),),
        kind=MessageKind.SYSTEM,
        content=text,
        timestamp=clerk.stamp,
        context=context,
    )
    return Fact(message, changes=changes)


def direct_notice(room: str, member: str, text: str, clerk: Clerk) -> Fact:
    """For one member alone."""
    fact = notice(room, text, clerk)
    assert isinstance(fact.event, Message)
    event = msgspec.structs.replace(fact.event, to=(f"@{member}",), recipients=(member,))
    return Fact(event, ends=(SYSTEM, member))
