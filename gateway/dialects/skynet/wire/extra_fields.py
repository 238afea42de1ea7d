"""What Skynet's messages carry beyond ours, kept in the `context` of a message. Pure.

So a message of a Skynet client comes out as it came in, whichever interface it passes. What the protocol needs for
itself is under `wire`, which no reader sees. The sender's own fields are under `data` and `meta`, which all see.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from gateway.dialects.skynet.wire.frames import (
    DEFAULT_TTL_S,
    MAX_TTL_S,
    Channel,
    KnownContext,
    KnownMeta,
    MessageType,
    Payload,
    WireMessage,
    check_iso,
)
from gateway.protocol import codec
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Message
from gateway.protocol.text.attachments import WIRE_KEY

CONTEXT_KEY, META_KEY = "data", "meta"
WIRE_FIELDS = frozenset({*KnownContext.__struct_fields__, *KnownMeta.__struct_fields__, "trace_id"})
MAX_WIRE_FIELD_CHARS = 128
NOTHING_KEPT: dict[str, Any] = {}


class KeptFields(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="dialect", tag="skynet"):
    """`content` is set if it is not text. `parent_id` and `timestamp` are as the sender gave them."""

    type: MessageType
    channel: Channel
    timestamp: str = ""
    context: dict[str, Any] = NOTHING_KEPT
    meta: dict[str, Any] = NOTHING_KEPT
    content: Any | UnsetType = UNSET
    parent_id: str | None = None
    signature: str | None = None


def text_of_payload(payload: Payload) -> str:
    """The text that people see. Structured content is shown as JSON, and a context update as its context."""
    if _has_text(payload):
        return str(payload.content)
    if not _shows_context(payload):
        return codec.encode(payload.content).decode()
    return codec.encode(fields_for_readers(payload.context) or payload.context).decode()


def _has_text(payload: Payload) -> bool:
    return isinstance(payload.content, str) and bool(payload.content.strip())


def _shows_context(payload: Payload) -> bool:
    return payload.content is None or (isinstance(payload.content, str) and not payload.content.strip())


def fields_for_readers(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the protocol does not define, and the sender's tags."""
    return {key: value for key, value in fields.items() if not _is_of_wire(key, value)}


def _is_of_wire(key: str, value: object) -> bool:
    """Only short values: nothing that people should read can hide here."""
    if key not in WIRE_FIELDS:
        return False
    return (
        not value or isinstance(value, int | float) or (isinstance(value, str) and len(value) <= MAX_WIRE_FIELD_CHARS)
    )


def _fields_of_wire(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if _is_of_wire(key, value)}


def kept_fields_of(message: WireMessage) -> dict[str, Any]:
    """The `context` of the message that is stored."""
    payload = message.payload
    in_text = _shows_context(payload)
    kept = KeptFields(
        type=message.type,
        channel=message.channel,
        timestamp=message.timestamp,
        context=payload.context if in_text else _fields_of_wire(payload.context),
        meta=_fields_of_wire(payload.meta),
        content=UNSET if _has_text(payload) else payload.content,
        parent_id=message.parent_id or message.known_context.parent_message_id,
        signature=message.signature,
    )
    shown = {
        CONTEXT_KEY: {} if in_text else fields_for_readers(payload.context),
        META_KEY: fields_for_readers(payload.meta),
    }
    return {WIRE_KEY: msgspec.to_builtins(kept), **{key: fields for key, fields in shown.items() if fields}}


def read_kept_fields(message: Message) -> KeptFields | None:
    """The kept fields, whole again; None for a message that did not come from a Skynet client. Any member can write
    such a context, so it is validated, and it may say nothing that other readers do not see."""
    context = message.context or {}
    found = context.get(WIRE_KEY)
    if not isinstance(found, dict):
        return None
    try:
        kept = msgspec.convert(found, KeptFields)
        _check_hides_nothing(kept, message)
        kept = msgspec.structs.replace(
            kept,
            context={**kept.context, **msgspec.convert(context.get(CONTEXT_KEY, {}), dict[str, Any])},
            meta={**kept.meta, **msgspec.convert(context.get(META_KEY, {}), dict[str, Any])},
        )
        msgspec.convert(kept.context, KnownContext)
        stamp = msgspec.convert(kept.meta, KnownMeta).timestamp
        for one in (kept.timestamp, stamp):
            if one:
                check_iso(one, "timestamp")
    except (msgspec.ValidationError, BadRequest):
        return None
    return kept


def _check_hides_nothing(kept: KeptFields, message: Message) -> None:
    context_is_text = False
    if not isinstance(kept.content, UnsetType):
        payload = Payload(kept.content, kept.context, kept.meta)
        context_is_text = _shows_context(payload)
        if text_of_payload(payload) != message.content:
            raise BadRequest("The text is not that of the kept content.")
    if fields_for_readers(kept.meta) or (fields_for_readers(kept.context) and not context_is_text):
        raise BadRequest("`meta` or `context` has fields that no reader would see.")


def default_meta(message: Message) -> dict[str, Any]:
    """The `meta` of a message that came over another interface."""
    return {
        "timestamp": message.timestamp,
        "ttl": DEFAULT_TTL_S if message.ttl is None else min(MAX_TTL_S, math.ceil(message.ttl)),
        "requires_ack": message.ack_wanted,
    }
