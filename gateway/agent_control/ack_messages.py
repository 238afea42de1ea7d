"""`ack_wanted`: when a member's side has taken such a message over, its sender is told so, by a message of the kind
`ack` from that member. It wakes nobody. Pure."""

from __future__ import annotations

from gateway.model import system_messages
from gateway.model.delivery_states import HANDED_OVER
from gateway.model.log_events import Clerk, Fact
from gateway.model.state import House
from gateway.protocol.events import Message
from gateway.protocol.types import SYSTEM, Delivery, MemberKind, MessageKind, Rung

WORDS = "Acknowledged message {number}."


def acknowledged(house: House, message: Message, before: Delivery, rung: Rung, clerk: Clerk) -> tuple[Fact, ...]:
    """Once for each member: at the first step by which it has the message. An ack is never acknowledged."""
    sender, member = message.from_, before.member
    taken = rung in HANDED_OVER and before.rung not in HANDED_OVER
    if not (message.ack_wanted and taken) or message.kind is MessageKind.ACK or sender in (SYSTEM, member):
        return ()
    draft = system_messages.Draft(
        message.room,
        WORDS.format(number=message.seq),
        sender=member,
        kind=MessageKind.ACK,
        to=(f"@{sender}",),
        recipients=(sender,),
        wakes=(sender,) if _polls(house, message) else (),
        reply_to=message.seq,
    )
    return (system_messages.message(draft, clerk, ends=(member, sender)),)


def _polls(house: House, message: Message) -> bool:
    """A program that reads its inbox finds it there. An agent would begin a turn for it."""
    if message.from_ not in house.inboxes(message.room):
        return False
    return house.member(message.from_).kind is MemberKind.TOOL
