"""Lines the gateway itself says in a room. They wake nobody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.model.log_events import Change, Clerk, Fact
from gateway.protocol.events import Message
from gateway.protocol.text.addressing import Everyone
from gateway.protocol.types import SYSTEM, Delivery, MessageKind

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


def brought(fact: Fact, members: Iterable[str]) -> Fact:
    """The same, waiting in the inboxes of these members as well, after those it has a delivery for already."""
    event = fact.event
    assert isinstance(event, Message)
    more = tuple(one for one in members if one not in event.deliveries)
    event = msgspec.structs.replace(event, deliveries=(*event.deliveries, *more))
    ladders = tuple(Delivery(event.seq, one, at=event.timestamp) for one in more)
    return msgspec.structs.replace(fact, event=event, deliveries=(*fact.deliveries, *ladders))


def direct_notice(room: str, member: str, text: str, clerk: Clerk) -> Fact:
    """For one member alone."""
    fact = notice(room, text, clerk)
    assert isinstance(fact.event, Message)
    event = msgspec.structs.replace(fact.event, to=(f"@{member}",), recipients=(member,))
    return Fact(event, ends=(SYSTEM, member))
