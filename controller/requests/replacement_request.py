"""The request that takes back a message which nobody has begun to read, and sends another one instead. Pure."""

from __future__ import annotations

from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.text.addressing import SlashCommand, parse_line
from gateway.protocol.types.core_types import EVERYONE_NAME


def replacement_request(old: Message, line: str, message_id: str) -> Send:
    """The new message goes where the old one went, unless the line names other recipients. Attachments stay."""
    said = parse_line(line)
    if isinstance(said, SlashCommand):
        raise BadRequest(f"/{said.word} is a command, not a message. Begin with a backslash to send it as text.")
    if not said.text.strip():
        raise BadRequest(f"There is no new text for #{old.seq}. `groupchat cancel {old.seq}` only takes it back.")
    to = tuple(str(one) for one in said.to) or old.to
    return Send(
        content=said.text,
        to=to,
        room=old.room,
        id=message_id,
        parts=old.parts,
        reply_to=old.reply_to,
        urgent=said.urgent or old.urgent,
        interrupt=said.interrupt or old.interrupt,
        wakes=old.wakes if to == old.to else (),
        replaces=old.seq,
    )


def line_of_message(message: Message) -> str:
    """The message as it could have been typed: its recipients, its marks and its text."""
    to = [one for one in message.to if one != f"@{EVERYONE_NAME}"]
    marks = "!!" if message.interrupt else "!" if message.urgent else ""
    plain = "\\" if not to and not marks and message.content[:1] in ("\\", "/", "@", "!") else ""
    return " ".join([*to, f"{plain}{marks}{message.content}"])
