"""Transports for networks that block WebSocket: server-sent events with REST, and polling with REST."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import aiohttp
import msgspec

from gateway.client.discovery.endpoint import Endpoint
from gateway.client.http_connectors import connector_for
from gateway.client.transport_errors import (
    MAX_FRAME_BYTES,
    OPEN_TIMEOUT_S,
    GatewayUnreachable,
    TransportBroken,
    error_from_response,
    untrusted_certificate_error,
)
from gateway.protocol import codec
from gateway.protocol.events import Event, Message, Welcome
from gateway.protocol.requests.connection_requests import Events, Hello
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Answer, EventPage

POLL_WAIT_S = 20.0
STREAM_TIMEOUT_S = 60.0


class _HttpTransport:
    """Requests go over POST /v1/op; the subclass decides how events arrive."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._session: aiohttp.ClientSession | None = None
        self._since = 0
        self._echo = False
        self._me = ""

    async def open(self, hello: Hello) -> Welcome:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._endpoint.token}"},
            connector=connector_for(self._endpoint, 100),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=OPEN_TIMEOUT_S, sock_read=STREAM_TIMEOUT_S),
            read_bufsize=MAX_FRAME_BYTES,
        )
        welcome = codec.decode_result(await self.request(hello), Welcome)
        self._echo, self._me = hello.echo, welcome.you.name
        self._since = welcome.last_seq if hello.since is None else hello.since
        return welcome

    async def request(self, request: Request) -> Answer:
        assert self._session is not None
        if self._session.closed:
            raise TransportBroken("the connection ended")
        try:
            asked = io.BytesIO(codec.encode(request))
            async with self._session.post(self._endpoint.at("/v1/op"), data=asked) as response:
                body = await response.read()
        except aiohttp.ClientConnectorCertificateError as error:
            raise untrusted_certificate_error(error.certificate_error) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise GatewayUnreachable(str(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise TransportBroken(str(error) or type(error).__name__) from error
        if response.status != 200:
            return Answer(request.n, error=error_from_response(response.status, body).body())
        return codec.decode(Answer, body)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class EventStreamTransport(_HttpTransport):
    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._stream: aiohttp.ClientResponse | None = None

    async def open(self, hello: Hello) -> Welcome:
        """Open the transport, and wait for the stream: a proxy may pass requests and still block streams."""
        welcome = await super().open(hello)
        assert self._session is not None
        params = {"since": str(self._since), "echo": "true" if self._echo else "false"}
        try:
            self._stream = await self._session.get(self._endpoint.at("/v1/events"), params=params)
            if self._stream.status != 200:
                raise error_from_response(self._stream.status, await self._stream.read())
        except (aiohttp.ClientError, OSError) as error:
            raise TransportBroken(str(error) or type(error).__name__) from error
        return welcome

    async def events(self) -> AsyncIterator[Event]:
        assert self._stream is not None
        try:
            async for line in self._stream.content:
                if line.startswith(b"data: "):
                    arrived = codec.decode_incoming(line[6:])
                    if arrived is not None and not isinstance(arrived, Answer | Welcome):
                        yield arrived
        except (aiohttp.ClientError, OSError, msgspec.MsgspecError) as error:
            raise TransportBroken(str(error) or type(error).__name__) from error
        raise TransportBroken("the gateway closed the stream")

    async def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        await super().close()


class PollTransport(_HttpTransport):
    async def events(self) -> AsyncIterator[Event]:
        while True:
            answer = await self.request(Events(since=self._since, wait=POLL_WAIT_S))
            page = codec.decode_result(answer, EventPage)
            for event in page.events:
                arrived = codec.decode_durable(bytes(event))
                if self._echo or not (isinstance(arrived, Message) and arrived.from_ == self._me):
                    yield arrived
            self._since = page.until
