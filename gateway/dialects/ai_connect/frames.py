"""The frames of AI-Connect's bridge. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from gateway.api import frames
from gateway.dialects.ai_connect import names
from gateway.dialects.common_text import plain_text
from gateway.model.state import House
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.types import SYSTEM, MessageKind
from gateway.push.broadcaster import Renderer, Sheet

# A client of the usual Python library ends its connection at a frame of 1 MiB, and would do so again each time.
MOST_BYTES = 900_000
MOST_CONTEXT = 64 * 1024
CUT_CONTENT = 120_000
MOST_HISTORY = 1000


class Register(msgspec.Struct, tag_field="type", tag="register"):
    name: str
    project: str | None = None
    observer: bool | None = None


class Ping(msgspec.Struct, tag_field="type", tag="ping"):
    pass


class Said(msgspec.Struct, tag_field="type", tag="message"):
    """What is missing is not the codec's business: the sender is told."""

    to: str = ""
    content: str = ""
    context: Any = None


class ListPeers(msgspec.Struct, tag_field="type", tag="list_peers"):
    pass


class History(msgspec.Struct, tag_field="type", tag="history"):
    peer: str
    limit: int | None = None

    def most(self) -> int:
        return max(1, min(50 if self.limit is None else self.limit, MOST_HISTORY))


Frame = Register | Ping | Said | ListPeers | History
_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)


def frame_of(data: str | bytes) -> Frame | None:
    """What a client said; None for what is no JSON or no frame of this protocol, which is ignored."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def framed(body: dict[str, Any]) -> bytes:
    return frames.websocket_text(codec.encode(body))


# The existing clients come back at once from an end that looks like a fault (1012 is "service restart"), and only after
# their next ping from one that looks orderly: the latter is for who was replaced by another of its name.
COME_BACK = frames.closing(1012)
REPLACED = frames.closing(1000)
PONG = framed({"type": "pong"})
PING = framed({"type": "ping"})


def registered(name: str, requested: str) -> bytes:
    return framed({"type": "registered", "name": name, "requested": requested})


def unread(entries: Sequence[dict[str, Any]]) -> bytes:
    return framed({"type": "unread", "messages": entries})


def said(entry: dict[str, Any]) -> bytes:
    return framed({"type": "message", **entry})


def told(text: str, to: str, at: str) -> bytes:
    """A line from the gateway itself: this wire has no other way to say that something was not done."""
    entry = {"id": "", "from": SYSTEM, "to": to, "content": text, "context": None, "timestamp": at}
    return said(entry)


def peer_list(peers: Sequence[dict[str, Any]]) -> bytes:
    return framed({"type": "peer_list", "peers": peers})


def peer_joined(name: str, ip: str, project: str | None) -> bytes:
    return framed({"type": "peer_joined", "peer": {"name": name, "ip": ip, "project": project}})


def peer_left(name: str) -> bytes:
    return framed({"type": "peer_left", "peer": name})


def history(peer: str, entries: Sequence[dict[str, Any]]) -> bytes:
    newest = fitting(reversed(entries))
    return framed({"type": "history", "peer": peer, "messages": newest[::-1]})


def listed(house: House, message: Message) -> dict[str, Any]:
    """A message as `unread`, `history` and `message` carry it."""
    return {
        "id": f"msg-{message.seq}",
        "from": names.sender(house, message.from_),
        "to": names.recipients(house, message.recipients),
        "content": _content(message),
        "context": _context(message),
        "timestamp": message.timestamp,
    }


def _content(message: Message) -> str:
    text = plain_text(message)
    if len(codec.encode(text)) > MOST_BYTES - MOST_CONTEXT - 4096:
        return f"{text[:CUT_CONTENT]}\n[cut: the whole is #{message.seq} in the log]"
    return text


def _context(message: Message) -> dict[str, Any] | None:
    """The context as it was given, or the first part that names a file. Of one that is too large for this wire only
    what AI-Connect knows of."""
    file = next((one for one in message.parts if one.path), None)
    if message.context is None:
        return None if file is None else {"file": file.path, "lines": file.lines}
    if len(codec.encode(message.context)) <= MOST_CONTEXT:
        return message.context
    known = {key: message.context.get(key) for key in ("file", "lines")}
    return known if len(codec.encode(known)) <= MOST_CONTEXT else None


def fitting(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many, from the first, as go into one frame."""
    found: list[dict[str, Any]] = []
    size = 0
    for entry in entries:
        size += len(codec.encode(entry)) + 1
        if found and size > MOST_BYTES:
            break
        found.append(entry)
    return found


def beside_the_ladder(house: House, name: str) -> Renderer:
    """What a peer sees as it is said but is not brought to it: an answer to everyone, which must wake no agent. All
    else has a delivery, and comes by that."""

    def render(sheet: Sheet) -> bytes | None:
        event = sheet.event
        if not isinstance(event, Message) or event.kind is MessageKind.SYSTEM or name in event.deliveries:
            return None
        return said(listed(house, event))

    return render


def to_watchers(house: House) -> Renderer:
    """All that is said, the gateway's own lines as well."""

    def render(sheet: Sheet) -> bytes | None:
        return said(listed(house, sheet.event)) if isinstance(sheet.event, Message) else None

    return render
