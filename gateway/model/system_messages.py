"""The messages that the gateway writes itself: lines in a room, turns, questions of a decision, acknowledgements.

`message` here creates every one of them; `gateway.rooms.messages` creates the messages of members.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, StateChange
from gateway.protocol.events import Message
from gateway.protocol.text.addressing import Everyone
from gateway.protocol.types.core_types import SYSTEM_NAME, Delivery, MessageKind

EVERYONE_ADDRESS = (str(Everyone()),)


class MessageDraft(msgspec.Struct, frozen=True):
    """A message before it has a time and a number (`seq`, if a number was already reserved). A delivery begins for each
    member in `wakes`."""

    room: str
    content: str
    sender: str = SYSTEM_NAME
    kind: MessageKind = MessageKind.SYSTEM
    to: tuple[str, ...] = EVERYONE_ADDRESS
    recipients: tuple[str, ...] = ()
    wakes: tuple[str, ...] = ()
    context: dict[str, Any] | None = None
    reply_to: int | None = None
    session: str | None = None
    hops: int = 0
    seq: int | None = None


def message(
    draft: MessageDraft,
    rule_context: RuleContext,
    *,
    ends: tuple[str, ...] | None = None,
    changes: tuple[StateChange, ...] = (),
) -> EventToCommit:
    """`ends`: the only members who see it."""
    seq = rule_context.seq() if draft.seq is None else draft.seq
    event = Message(
        seq=seq,
        id=f"m-{seq}",
        room=draft.room,
        from_=draft.sender,
        to=draft.to,
        kind=draft.kind,
        content=draft.content,
        timestamp=rule_context.stamp,
        recipients=draft.recipients,
        deliveries=draft.wakes,
        context=draft.context,
        reply_to=draft.reply_to,
        session=draft.session,
        hops=draft.hops,
    )
    deliveries = tuple(Delivery(seq, one, at=rule_context.stamp) for one in draft.wakes)
    return EventToCommit(event, ends=ends, changes=changes, deliveries=deliveries)


def room_notice(
    room: str,
    text: str,
    rule_context: RuleContext,
    context: dict[str, Any] | None = None,
    changes: tuple[StateChange, ...] = (),
) -> EventToCommit:
    """A notice to the room, without deliveries: it wakes no agent."""
    return message(MessageDraft(room, text, context=context), rule_context, changes=changes)


def direct_notice(room: str, member: str, text: str, rule_context: RuleContext) -> EventToCommit:
    """A notice to one member alone, without a delivery."""
    draft = MessageDraft(room, text, to=(f"@{member}",), recipients=(member,))
    return message(draft, rule_context, ends=(SYSTEM_NAME, member))


def deliver_notice_to(fact: EventToCommit, members: Iterable[str]) -> EventToCommit:
    """The same message with further deliveries to these members."""
    event = fact.event
    assert isinstance(event, Message)
    more = tuple(one for one in members if one not in event.deliveries)
    event = msgspec.structs.replace(event, deliveries=(*event.deliveries, *more))
    deliveries = tuple(Delivery(event.seq, one, at=event.timestamp) for one in more)
    return msgspec.structs.replace(fact, event=event, deliveries=(*fact.deliveries, *deliveries))
