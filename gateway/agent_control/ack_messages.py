"""`ack_wanted`: when the recipient's sidecar or client has received such a message, the sender gets a message of the
kind `ack` from that member. An ack wakes nobody. Pure."""

from __future__ import annotations

from gateway.model import system_messages
from gateway.model.deliveries.delivery_states import HANDED_OVER_RUNGS
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit
from gateway.model.state import GatewayState
from gateway.protocol.events import Message
from gateway.protocol.types.core_types import SYSTEM_NAME, Delivery, MemberKind, MessageKind, Rung

ACK_TEXT = "Acknowledged message {number}."


def ack_events(
    state: GatewayState, message: Message, before: Delivery, rung: Rung, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    """One ack for each member, at the first step that says it has the message. An ack is never acknowledged."""
    sender, member = message.from_, before.member
    taken = rung in HANDED_OVER_RUNGS and before.rung not in HANDED_OVER_RUNGS
    if not (message.ack_wanted and taken) or message.kind is MessageKind.ACK or sender in (SYSTEM_NAME, member):
        return ()
    draft = system_messages.MessageDraft(
        message.room,
        ACK_TEXT.format(number=message.seq),
        sender=member,
        kind=MessageKind.ACK,
        to=(f"@{sender}",),
        recipients=(sender,),
        wakes=(sender,) if _is_polling_program(state, message) else (),
        reply_to=message.seq,
    )
    return (system_messages.message(draft, rule_context, ends=(member, sender)),)


def _is_polling_program(state: GatewayState, message: Message) -> bool:
    """A polling program finds the ack in its inbox. An agent would begin a turn for it."""
    if message.from_ not in state.inboxes(message.room):
        return False
    return state.member(message.from_).kind is MemberKind.TOOL
