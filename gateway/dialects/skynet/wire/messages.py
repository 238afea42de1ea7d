"""Turns Skynet's messages into ours and back. Pure: values in, values out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import UnsetType

from gateway.agent_control.ack_messages import ACK_TEXT
from gateway.api import stream_frames
from gateway.dialects.message_conversion import plain_text
from gateway.dialects.skynet import name_mapping
from gateway.dialects.skynet.wire.extra_fields import (
    KeptFields,
    default_meta,
    kept_fields_of,
    read_kept_fields,
    text_of_payload,
)
from gateway.dialects.skynet.wire.frames import (
    DEFAULT_TTL_S,
    TYPES_WITH_TARGET,
    KnownContext,
    WireMessage,
)
from gateway.dialects.skynet.wire.message_ids import MessageIds, id_of_message
from gateway.model.state import GatewayState
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.text.addressing import Address, AnyWithRole, WithRole
from gateway.protocol.text.printable_text import readable_content
from gateway.protocol.types.core_types import MessageKind, Pick

SHORTEST_TTL_S = 1.0  # of a message with `ttl` 0: for whoever is connected now

KIND_BY_TYPE = {
    "task": MessageKind.TASK,
    "reply": MessageKind.REPLY,
    "context_update": MessageKind.CONTEXT,
    "broadcast": MessageKind.CHAT,
    "ack": MessageKind.ACK,
    "error": MessageKind.CHAT,
}
TYPE_BY_KIND = {
    MessageKind.CHAT: "task",
    MessageKind.TASK: "task",
    MessageKind.REPLY: "reply",
    MessageKind.CONTEXT: "context_update",
    MessageKind.ACK: "ack",
    MessageKind.SYSTEM: "broadcast",
}
PICK_BY_STRATEGY = {
    "round_robin": Pick.ROUND_ROBIN,
    "priority": Pick.PRIORITY,
    "load": Pick.LEAST_BUSY,
}


# in


@dataclass(frozen=True)
class Target:
    """Where a message goes: its room, its recipients (none: everyone there), and the message that it answers."""

    room: str
    to: tuple[str, ...] = ()
    reply_to: int | None = None
    session: str | None = None


def address_by_type(context: KnownContext) -> Address | None:
    """The address that a `strategy` stands for; None without one."""
    if context.strategy is None or context.agent_type is None:
        return None
    role = name_mapping.role_of(context.agent_type)
    return WithRole(role) if context.strategy == "all" else AnyWithRole(role, PICK_BY_STRATEGY[context.strategy])


def send_request_for(message: WireMessage, target: Target) -> Send:
    """The request that posts this message."""
    context, meta = message.known_context, message.known_meta
    ttl = DEFAULT_TTL_S if meta.ttl is None else meta.ttl
    return Send(
        content=text_of_payload(message.payload),
        id=message.id,
        room=target.room,
        to=target.to,
        kind=KIND_BY_TYPE[message.type],
        context=kept_fields_of(message),
        reply_to=target.reply_to,
        session=target.session,
        trace=message.trace_id,
        priority=context.priority or name_mapping.DEFAULT_PRIORITY,
        ttl=max(SHORTEST_TTL_S, float(ttl)),
        ack_wanted=bool(meta.requires_ack),
    )


# out


def encode_message_frame(data: dict[str, Any]) -> bytes:
    return stream_frames.encode_websocket_text(codec.encode({"type": "mcp_message", "data": data}))


def skynet_message_fields(
    state: GatewayState, ids: MessageIds, message: Message, channel: str, reader: str | None = None
) -> dict[str, Any]:
    """A message as Skynet's clients read it. `channel` is the reader's name of the room."""
    kept = read_kept_fields(message)
    to = _target_of(message, reader)
    return {
        "id": id_of_message(message),
        "from_agent": name_mapping.sender_id(state, message.from_),
        "to_agent": None if to is None else name_mapping.agent_id_of(state, to),
        "type": type_of_message(message, kept),
        "channel": kept.channel if kept is not None and to is not None else channel,
        "payload": _payload(message, kept, ids),
        "timestamp": (kept.timestamp if kept else "") or message.timestamp,
        "trace_id": ids.note(message).trace,
        "parent_id": _parent_of(message, kept, ids),
        "encrypted": False,
        "signature": kept.signature if kept else None,
    }


def _target_of(message: Message, reader: str | None) -> str | None:
    if not message.recipients:
        return None
    return reader if reader in message.recipients else message.recipients[0]


def type_of_message(message: Message, kept: KeptFields | None) -> str:
    """A type that agrees with the recipients: their schema wants a target for some types, and none for a broadcast."""
    if kept is not None and KIND_BY_TYPE.get(kept.type) is message.kind:
        wanted: str = kept.type
    else:
        wanted = TYPE_BY_KIND[message.kind]
    if not message.recipients:
        return "broadcast" if wanted in TYPES_WITH_TARGET else wanted
    return "task" if wanted == "broadcast" else wanted


def _payload(message: Message, kept: KeptFields | None, ids: MessageIds) -> dict[str, Any]:
    context: dict[str, Any]
    if kept is not None:
        context = {"priority": message.priority, **kept.context}
        meta = {**default_meta(message), **kept.meta}
        content = readable_content(message) if isinstance(kept.content, UnsetType) else kept.content
        return {"content": content, "context": context, "meta": meta}
    context = {"priority": message.priority}
    if message.session is not None:
        context["session_id"] = message.session
    return {"content": _content_of(message, ids), "context": context, "meta": default_meta(message)}


def _content_of(message: Message, ids: MessageIds) -> str:
    """Our own acknowledgements name the message by its number, which Skynet's clients do not know."""
    number = message.reply_to
    if message.kind is MessageKind.ACK and number is not None and message.content == ACK_TEXT.format(number=number):
        return f"Acknowledged message {ids.id_of(number)}"
    return plain_text(message)


def _parent_of(message: Message, kept: KeptFields | None, ids: MessageIds) -> str | None:
    if kept is not None and kept.parent_id:
        return kept.parent_id
    return ids.id_of(message.reply_to) if message.reply_to is not None else None
