"""A message as clients of other systems get it: its content as plain text, its time in milliseconds. Pure."""

from __future__ import annotations

from datetime import datetime

from gateway.protocol.events import Message


def milliseconds(stamp: str) -> int:
    return round(datetime.fromisoformat(stamp).timestamp() * 1000) if stamp else 0


def plain_text(message: Message) -> str:
    """A message as plain text, for clients that know no parts: the content, or else the text of the parts."""
    if message.content.strip():
        return message.content
    return "\n".join(one.text or one.path or one.url or "" for one in message.parts)
