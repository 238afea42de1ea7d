"""What several dialects say in the same way. Pure."""

from __future__ import annotations

from datetime import datetime

from gateway.protocol.events import Message


def milliseconds(stamp: str) -> int:
    return round(datetime.fromisoformat(stamp).timestamp() * 1000) if stamp else 0


def plain_text(message: Message) -> str:
    """What was said, for clients that know nothing of parts: the content, or else what the parts hold."""
    if message.content.strip():
        return message.content
    return "\n".join(one.text or one.path or one.url or "" for one in message.parts)
