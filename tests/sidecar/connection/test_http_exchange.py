"""Requests are read as they may be framed, and nothing else is taken for one."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.connection.http_exchange import (
    BodyTooLarge,
    NotHttp,
    head_of_forwarded,
    read_head,
    read_request_body,
)

CHUNKED = {"transfer-encoding": "Chunked"}


def received(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


async def test_a_head_is_its_first_line_and_its_headers() -> None:
    words, headers = await read_head(received(b"POST /mcp HTTP/1.1\r\nContent-Type: a\r\nX:  b : c \r\n\r\nrest"))
    assert (words, headers) == (["POST", "/mcp", "HTTP/1.1"], {"content-type": "a", "x": "b : c"})


@pytest.mark.parametrize(
    ("headers", "data", "body"),
    [
        ({}, b"more", b""),
        ({"content-length": "3"}, b"abcd", b"abc"),
        (CHUNKED, b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (CHUNKED, b"2;x=1\r\nab\r\n01\r\nc\r\n0\r\nTrailer: 1\r\n\r\n", b"abc"),
    ],
)
async def test_a_body_is_read_whole(headers: dict[str, str], data: bytes, body: bytes) -> None:
    assert await read_request_body(received(data), headers, 3) == body


@pytest.mark.parametrize(
    ("headers", "data", "error"),
    [
        ({"content-length": "4"}, b"abcd", BodyTooLarge),
        (CHUNKED, b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", BodyTooLarge),
        ({"content-length": "-1"}, b"", NotHttp),
        ({"content-length": "1_0"}, b"", NotHttp),
        ({"content-length": "²"}, b"", NotHttp),
        (CHUNKED, b"xyz\r\n", NotHttp),
        ({"content-length": "3"}, b"ab", asyncio.IncompleteReadError),
        (CHUNKED, b"3\r\nabc\r\n", asyncio.IncompleteReadError),
    ],
)
async def test_a_body_without_its_end_is_refused(headers: dict[str, str], data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await read_request_body(received(data), headers, 3)


async def test_a_head_without_an_end_is_refused() -> None:
    reader = asyncio.StreamReader(limit=100)
    reader.feed_data(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100)
    with pytest.raises(NotHttp):
        await read_head(reader)


def test_a_response_keeps_its_framing_and_only_the_given_headers() -> None:
    head = head_of_forwarded(200, {**CHUNKED, "server": "x", "content-type": "a"}, {"content-type": "a"}).decode()
    assert head == "HTTP/1.1 200 \r\ncontent-type: a\r\ntransfer-encoding: Chunked\r\nconnection: close\r\n\r\n"
