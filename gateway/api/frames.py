"""Bytes as they go over the wire of each kind of stream. Pure."""

from __future__ import annotations

from gateway.push.broadcaster import Sheet


def websocket_text(payload: bytes) -> bytes:
    """A whole, unmasked text frame, as a server sends it: the same for every socket, so made once."""
    size = len(payload)
    if size < 126:
        return b"\x81" + size.to_bytes(1, "big") + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def http_chunk(payload: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def sse_event(payload: bytes, *, seq: int | None = None, name: str | None = None) -> bytes:
    """One server-sent event; JSON has no raw newlines, so one data line is enough."""
    head = b"" if seq is None else b"id: %d\n" % seq
    if name is not None:
        head += b"event: %b\n" % name.encode()
    return head + b"data: " + payload + b"\n\n"


def event_on_websocket(sheet: Sheet) -> bytes:
    return websocket_text(sheet.record.event)


def event_on_stream(sheet: Sheet) -> bytes:
    return http_chunk(sse_event(sheet.record.event, seq=sheet.record.seq))


def snapshot_on_stream(payload: bytes) -> bytes:
    return http_chunk(sse_event(payload))


def ping(payload: bytes) -> bytes:
    """At most 125 bytes, which come back in the answer."""
    return b"\x89" + len(payload).to_bytes(1, "big") + payload


def closing(code: int) -> bytes:
    return b"\x88\x02" + code.to_bytes(2, "big")


PING = ping(b"")
GOING_AWAY = closing(1001)
SSE_COMMENT = http_chunk(b": ping\n\n")
SSE_END = b"0\r\n\r\n"
