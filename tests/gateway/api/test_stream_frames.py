"""Frames as they go over the wire, byte by byte; and read back by somebody else's parser."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from gateway.api import stream_frames
from gateway.protocol import codec
from gateway.protocol.events import Replayed
from gateway.push.event_broadcaster import OutgoingEvent
from gateway.store import StoredEvent

HEADS: dict[int, bytes] = {
    0: b"\x81\x00",
    1: b"\x81\x01",
    125: b"\x81\x7d",
    126: b"\x81\x7e\x00\x7e",
    127: b"\x81\x7e\x00\x7f",
    65535: b"\x81\x7e\xff\xff",
    65536: b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
    100_000: b"\x81\x7f\x00\x00\x00\x00\x00\x01\x86\xa0",
}


def parsed(data: bytes) -> Frame:
    """What a client's library makes of it, which must use up every byte."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    steps = Frame.parse(reader.read_exact, mask=False)
    try:
        while True:
            next(steps)
    except StopIteration as done:
        frame = done.value
    assert isinstance(frame, Frame)
    assert not reader.buffer
    return frame


@pytest.mark.parametrize("size", HEADS)
def test_a_text_frame(size: int) -> None:
    payload = b"x" * size
    data = stream_frames.encode_websocket_text(payload)
    assert data == HEADS[size] + payload
    assert parsed(data) == Frame(Opcode.TEXT, payload)


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=300))
def test_any_text_frame_is_read_back(payload: bytes) -> None:
    assert parsed(stream_frames.encode_websocket_text(payload)).data == payload


def test_a_ping() -> None:
    assert parsed(stream_frames.PING_FRAME) == Frame(Opcode.PING, b"")


CHUNKS = {b"x": b"1\r\nx\r\n", b"0123456789abcdef": b"10\r\n0123456789abcdef\r\n", b"\r\n": b"2\r\n\r\n\r\n"}


@pytest.mark.parametrize("payload", CHUNKS)
def test_a_chunk(payload: bytes) -> None:
    assert stream_frames.encode_http_chunk(payload) == CHUNKS[payload]


SSE: list[tuple[int | None, str | None, bytes]] = [
    (None, None, b"data: {}\n\n"),
    (7, None, b"id: 7\ndata: {}\n\n"),
    (None, "message", b"event: message\ndata: {}\n\n"),
    (7, "message", b"id: 7\nevent: message\ndata: {}\n\n"),
]


@pytest.mark.parametrize(("seq", "name", "expected"), SSE)
def test_a_server_sent_event(seq: int | None, name: str | None, expected: bytes) -> None:
    assert stream_frames.encode_sse_event(b"{}", seq=seq, name=name) == expected


@settings(deadline=None, derandomize=True)
@given(st.text())
def test_no_text_breaks_the_data_line(text: str) -> None:
    raw = codec.encode({"content": text})
    (line, *rest) = stream_frames.encode_sse_event(raw, seq=1).splitlines()[1:]
    assert rest == [b""]
    assert json.loads(line.removeprefix(b"data: ")) == {"content": text}


def test_an_event_and_a_snapshot_on_both_streams() -> None:
    sheet = OutgoingEvent(StoredEvent(7, "message", "general", "alice", None, b'{"seq":7}'))
    snapshot = codec.encode(Replayed(7))
    assert stream_frames.encode_event_for_websocket(sheet) == b'\x81\x09{"seq":7}'
    assert stream_frames.encode_event_for_stream(sheet) == b'17\r\nid: 7\ndata: {"seq":7}\n\n\r\n'
    assert stream_frames.encode_snapshot_for_stream(snapshot) == stream_frames.encode_http_chunk(
        b"data: " + snapshot + b"\n\n"
    )
    assert stream_frames.SSE_COMMENT == b"8\r\n: ping\n\n\r\n"
