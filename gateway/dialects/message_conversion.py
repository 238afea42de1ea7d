"""A message as clients of other systems get it: its content as plain text, its time in milliseconds. Pure."""

from __future__ import annotations

from datetime import datetime

from gateway.protocol.events import Message
from gateway.protocol.text.printable_text import readable_content


def milliseconds(stamp: str) -> int:
    return round(datetime.fromisoformat(stamp).timestamp() * 1000) if stamp else 0


def plain_text(message: Message) -> str:
    """A message as plain text, for clients that know no parts: the content, or else the text of the parts."""
    text = readable_content(message)
    if text.strip():
        return text
    return "\n".join(one.text or one.path or one.url or "" for one in message.parts)
