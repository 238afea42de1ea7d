"""A message as the sidecar types it."""

from __future__ import annotations

from typing import Any

from gateway.protocol.events import Message
from gateway.protocol.types.core_types import DEFAULT_ROOM, MessageKind
from sidecar.messages.envelope import envelope_message
from sidecar.rules_file.envelope_template import DEFAULT_ENVELOPE


def enveloped(  # noqa: PLR0917 - the parts of an envelope
    sender: str,
    me: str,
    number: int,
    content: str,
    template: str = DEFAULT_ENVELOPE,
    room: str = DEFAULT_ROOM,
    **fields: Any,
) -> str:
    message = Message(number, f"m-{number}", room, sender, (), MessageKind.CHAT, content, "", **fields)
    return envelope_message(message, me, content, template)
