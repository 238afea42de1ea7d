"""A request is read as it may be framed, nothing else is taken for one, and a response is forwarded as it comes."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import h11
import pytest

from sidecar.connection.http_exchange import BodyTooLarge, HttpConnection, HttpRequest, HttpResponse

HEAD = b"POST /mcp HTTP/1.1\r\nHost: here\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: Chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


class Written(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.data += bytes(data)

    def is_closing(self) -> bool:
        return True  # so that nothing is to be closed


def connection(role: type[h11.CLIENT] | type[h11.SERVER], *received: bytes) -> tuple[HttpConnection, Written]:
    """It has received these bytes, and then its end."""
    reader, written = asyncio.StreamReader(), Written()
    for data in received:
        reader.feed_data(data)
    reader.feed_eof()
    protocol = asyncio.StreamReaderProtocol(reader)
    writer = asyncio.StreamWriter(written, protocol, reader, asyncio.get_running_loop())
    return HttpConnection(role, reader, writer), written


async def read(data: bytes) -> HttpRequest:
    agent, _ = connection(h11.SERVER, data)
    head = await agent.receive_request()
    return HttpRequest(head.method, head.path, head.headers, await agent.receive_body(3))


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (HEAD + b"\r\n", b""),
        (HEAD + b"Content-Length: 3\r\n\r\nabcd", b"abc"),
        (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (CHUNKED + b"2;x=1\r\nab\r\n01\r\nc\r\n0\r\nTrailer: 1\r\n\r\n", b"abc"),
    ],
)
async def test_a_request_is_read_whole(data: bytes, body: bytes) -> None:
    request = await read(data)
    assert (request.method, request.path, request.headers["host"], request.body) == ("POST", "/mcp", "here", body)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (HEAD + b"Content-Length: 4\r\n\r\nabcd", BodyTooLarge),
        (CHUNKED + b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", BodyTooLarge),
        (HEAD + b"Content-Length: -1\r\n\r\n", h11.RemoteProtocolError),
        (HEAD + b"Content-Length: 1_0\r\n\r\n", h11.RemoteProtocolError),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", h11.RemoteProtocolError),
        (CHUNKED + b"xyz\r\n", h11.RemoteProtocolError),
        (HEAD + b"Content-Length: 3\r\n\r\nab", h11.RemoteProtocolError),
        (CHUNKED + b"3\r\nabc\r\n", h11.RemoteProtocolError),
        (b"", h11.RemoteProtocolError),
        (b"GET /mcp\r\n\r\n", h11.RemoteProtocolError),
        (HEAD + b"X: y\r\n" * 10_000, h11.RemoteProtocolError),
    ],
)
async def test_what_is_no_whole_request_is_refused(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await read(data)


async def test_whoever_waits_for_leave_to_send_the_body_gets_it() -> None:
    agent, written = connection(h11.SERVER, HEAD + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\n")
    await agent.receive_request()
    with pytest.raises(h11.RemoteProtocolError):  # it never sends it
        await agent.receive_body(3)
    assert written.data.startswith(b"HTTP/1.1 100 ")


async def test_text_is_a_whole_response() -> None:
    agent, written = connection(h11.SERVER, HEAD + b"\r\n")
    await agent.receive_request()
    await agent.send_text(HTTPStatus.UNAUTHORIZED, "no")
    head, _, body = written.data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 401 ")
    assert (b"content-length: 2" in head, b"connection: close" in head.lower(), body) == (True, True, b"no")


async def forwarded(data: bytes) -> bytes:
    agent, written = connection(h11.SERVER, HEAD + b"\r\n")
    await agent.receive_request()
    gateway, _ = connection(h11.CLIENT, data)
    await gateway.send(h11.Request(method="GET", target="/mcp", headers=[("host", "here")]), h11.EndOfMessage())
    response = await gateway.receive()
    assert isinstance(response, h11.Response)
    headers = {name.decode(): value.decode() for name, value in response.headers}
    await HttpResponse(response.status_code, headers, gateway).forward_to(agent, {"content-type": "a"})
    return written.data


async def test_a_response_keeps_its_length_and_only_the_given_headers() -> None:
    head, _, body = (await forwarded(OK + b"Server: x\r\nContent-Length: 3\r\n\r\nabc")).partition(b"\r\n\r\n")
    assert (b"server" in head.lower(), b"content-type: a" in head, b"content-length: 3" in head) == (False, True, True)
    assert body == b"abc"


async def test_a_stream_without_a_length_is_forwarded_in_pieces() -> None:
    answer = await forwarded(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n")
    assert answer.endswith(b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n")


async def test_a_response_that_is_cut_off_has_no_end() -> None:
    with pytest.raises(h11.RemoteProtocolError):
        await forwarded(OK + b"Content-Length: 3\r\n\r\nab")
    with pytest.raises(h11.RemoteProtocolError):
        await forwarded(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab")
