"""The frames of AI-Connect's bridge. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from gateway.api import stream_frames
from gateway.dialects.ai_connect import name_mapping
from gateway.dialects.message_conversion import plain_text
from gateway.model.state import GatewayState
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.text.attachments import context_for_readers
from gateway.protocol.types.core_types import SYSTEM_NAME, MessageKind
from gateway.push.event_broadcaster import OutgoingEvent, Renderer

# A client of the usual Python library ends its connection at a frame of 1 MiB, and would do so again each time.
MAX_FRAME_BYTES = 900_000
MAX_CONTEXT_BYTES = 64 * 1024
MAX_CONTENT_BYTES = 120_000
MAX_HISTORY_MESSAGES = 1000


class RegisterFrame(msgspec.Struct, tag_field="type", tag="register"):
    name: str
    project: str | None = None
    observer: bool | None = None


class PingFrame(msgspec.Struct, tag_field="type", tag="ping"):
    pass


class MessageFrame(msgspec.Struct, tag_field="type", tag="message"):
    """Fields may be missing: the handler, not the codec, tells the sender."""

    to: str = ""
    content: str = ""
    context: Any = None


class ListPeersFrame(msgspec.Struct, tag_field="type", tag="list_peers"):
    pass


class HistoryFrame(msgspec.Struct, tag_field="type", tag="history"):
    peer: str
    limit: int | None = None

    def most(self) -> int:
        return max(1, min(50 if self.limit is None else self.limit, MAX_HISTORY_MESSAGES))


AiConnectFrame = RegisterFrame | PingFrame | MessageFrame | ListPeersFrame | HistoryFrame
_decoder: msgspec.json.Decoder[AiConnectFrame] = msgspec.json.Decoder(AiConnectFrame)


def decode_frame(data: str | bytes) -> AiConnectFrame | None:
    """Decode a client's frame; None for other JSON or no JSON, which is ignored. One that would take long to decode is
    refused."""
    codec.check_decoding_cost(data)
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def encode_frame(body: dict[str, Any]) -> bytes:
    return stream_frames.encode_websocket_text(codec.encode(body))


# The existing clients come back at once from an end that looks like a fault (1012 is "service restart"), and only after
# their next ping from one that looks orderly: the latter is for who was replaced by another of its name.
RESTART_CLOSE_FRAME = stream_frames.encode_close(1012)
REPLACED_CLOSE_FRAME = stream_frames.encode_close(1000)
PONG_FRAME = encode_frame({"type": "pong"})
PING_FRAME = encode_frame({"type": "ping"})


def registered_frame(name: str, requested: str) -> bytes:
    return encode_frame({"type": "registered", "name": name, "requested": requested})


def unread_frame(entries: Sequence[dict[str, Any]]) -> bytes:
    return encode_frame({"type": "unread", "messages": entries})


def message_frame(entry: dict[str, Any]) -> bytes:
    return encode_frame({"type": "message", **entry})


def notice_frame(text: str, to: str, at: str) -> bytes:
    """A line of text from the gateway: this protocol has no other way to report that something was not done."""
    entry = {"id": "", "from": SYSTEM_NAME, "to": to, "content": text, "context": None, "timestamp": at}
    return message_frame(entry)


def peer_list_frame(peers: Sequence[dict[str, Any]]) -> bytes:
    return encode_frame({"type": "peer_list", "peers": peers})


def peer_joined_frame(name: str, ip: str, project: str | None) -> bytes:
    return encode_frame({"type": "peer_joined", "peer": {"name": name, "ip": ip, "project": project}})


def peer_left_frame(name: str) -> bytes:
    return encode_frame({"type": "peer_left", "peer": name})


def history_frame(peer: str, entries: Sequence[dict[str, Any]]) -> bytes:
    newest = fit_into_frame(reversed(entries))
    return encode_frame({"type": "history", "peer": peer, "messages": newest[::-1]})


def message_entry(state: GatewayState, message: Message) -> dict[str, Any]:
    """A message in the form that `unread`, `history` and `message` carry."""
    return {
        "id": f"msg-{message.seq}",
        "from": name_mapping.sender_text(state, message.from_),
        "to": name_mapping.recipients_text(state, message.recipients),
        "content": _content_text(message),
        "context": _context_fields(message),
        "timestamp": message.timestamp,
    }


def _content_text(message: Message) -> str:
    text = plain_text(message)
    if len(codec.encode(text)) > MAX_FRAME_BYTES - MAX_CONTEXT_BYTES - 4096:
        return f"{text[:MAX_CONTENT_BYTES]}\n[cut; #{message.seq} in the log has the whole text]"
    return text


def _context_fields(message: Message) -> dict[str, Any] | None:
    """The message's context, or its first part that names a file. If that is too large for this protocol, only the
    fields that AI-Connect knows."""
    file = next((one for one in message.parts if one.path), None)
    context = context_for_readers(message)
    if not context:
        return None if file is None else {"file": file.path, "lines": file.lines}
    if len(codec.encode(context)) <= MAX_CONTEXT_BYTES:
        return context
    known = {key: context.get(key) for key in ("file", "lines")}
    return known if len(codec.encode(known)) <= MAX_CONTEXT_BYTES else None


def fit_into_frame(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first entries that fit into one frame."""
    found: list[dict[str, Any]] = []
    size = 0
    for entry in entries:
        size += len(codec.encode(entry)) + 1
        if found and size > MAX_FRAME_BYTES:
            break
        found.append(entry)
    return found


def not_delivered_renderer(state: GatewayState, name: str) -> Renderer:
    """A renderer for messages that a peer sees but that are not delivered to it: replies to everyone, which must wake
    no agent. All others reach it by delivery."""

    def render(outgoing: OutgoingEvent) -> bytes | None:
        event = outgoing.event
        if not isinstance(event, Message) or event.kind is MessageKind.SYSTEM or name in event.deliveries:
            return None
        return message_frame(message_entry(state, event))

    return render


def viewer_renderer(state: GatewayState) -> Renderer:
    """A renderer of all messages, the gateway's own among them."""

    def render(outgoing: OutgoingEvent) -> bytes | None:
        return message_frame(message_entry(state, outgoing.event)) if isinstance(outgoing.event, Message) else None

    return render
