"""Encodes what each kind of stream sends over the wire. Pure."""

from __future__ import annotations

from gateway.push.event_broadcaster import OutgoingEvent


def encode_websocket_text(payload: bytes) -> bytes:
    """A whole, unmasked text frame, as a server sends it. It is the same for every socket, so it is encoded once."""
    size = len(payload)
    if size < 126:
        return b"\x81" + size.to_bytes(1, "big") + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def encode_http_chunk(payload: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def encode_sse_event(payload: bytes, *, seq: int | None = None, name: str | None = None) -> bytes:
    """One server-sent event; JSON has no raw newlines, so one data line is enough."""
    head = b"" if seq is None else b"id: %d\n" % seq
    if name is not None:
        head += b"event: %b\n" % name.encode()
    return head + b"data: " + payload + b"\n\n"


def encode_event_for_websocket(outgoing: OutgoingEvent) -> bytes:
    return encode_websocket_text(outgoing.record.event)


def encode_event_for_stream(outgoing: OutgoingEvent) -> bytes:
    return encode_http_chunk(encode_sse_event(outgoing.record.event, seq=outgoing.record.seq))


def encode_snapshot_for_stream(payload: bytes) -> bytes:
    return encode_http_chunk(encode_sse_event(payload))


def encode_ping(payload: bytes) -> bytes:
    """A ping frame. The payload has at most 125 bytes, and the pong returns it."""
    return b"\x89" + len(payload).to_bytes(1, "big") + payload


def encode_close(code: int) -> bytes:
    return b"\x88\x02" + code.to_bytes(2, "big")


PING_FRAME = encode_ping(b"")
GOING_AWAY_FRAME = encode_close(1001)
REFUSED_FRAME = encode_close(1008)
SSE_COMMENT = encode_http_chunk(b": ping\n\n")
SSE_END = b"0\r\n\r\n"
