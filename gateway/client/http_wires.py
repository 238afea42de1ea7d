"""The wires for networks that let no WebSocket through: server-sent events with REST, and polling with REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from gateway.client.endpoint import Endpoint
from gateway.client.wires import OPEN_TIMEOUT, Broken, Unreachable, refusal_of
from gateway.protocol import codec
from gateway.protocol.events import Event, Welcome
from gateway.protocol.requests import Events, Hello, Request
from gateway.protocol.results import Answer, EventPage

POLL_WAIT = 20.0


class _HttpWire:
    """Requests over POST /v1/op; how events arrive is the subclass's matter."""

    name = "http"

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._session: aiohttp.ClientSession | None = None
        self._since = 0

    async def open(self, hello: Hello) -> Welcome:
        trust = self._endpoint.trust
        tls: Any = True
        if self._endpoint.secure:
            pinned = trust.fingerprint and bytes.fromhex(trust.fingerprint.replace(":", ""))
            tls = aiohttp.Fingerprint(pinned) if pinned else trust.context()
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._endpoint.token}"},
            connector=aiohttp.TCPConnector(ssl=tls),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=OPEN_TIMEOUT),
        )
        welcome = codec.result_of(await self.request(hello), Welcome)
        self._since = welcome.last_seq if hello.since is None else hello.since
        return welcome

    async def request(self, request: Request) -> Answer:
        assert self._session is not None
        try:
            async with self._session.post(self._endpoint.at("/v1/op"), data=codec.encode(request)) as response:
                body = await response.read()
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(str(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Broken(str(error) or type(error).__name__) from error
        if response.status != 200:
            return Answer(request.n, error=refusal_of(response.status, body).body())
        return codec.decode(Answer, body)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class EventStreamWire(_HttpWire):
    name = "events"

    async def events(self) -> AsyncIterator[Event]:
        assert self._session is not None
        url = self._endpoint.at("/v1/events")
        try:
            async with self._session.get(url, params={"since": str(self._since)}) as response:
                if response.status != 200:
                    raise refusal_of(response.status, await response.read())
                async for line in response.content:
                    if line.startswith(b"data: "):
                        arrived = codec.decode_incoming(line[6:])
                        if arrived is not None and not isinstance(arrived, Answer | Welcome):
                            yield arrived
        except (aiohttp.ClientError, OSError) as error:
            raise Broken(str(error) or type(error).__name__) from error
        raise Broken("the gateway closed the stream")


class PollWire(_HttpWire):
    name = "poll"

    async def events(self) -> AsyncIterator[Event]:
        while True:
            answer = await self.request(Events(since=self._since, wait=POLL_WAIT))
            page = codec.result_of(answer, EventPage)
            for event in page.events:
                yield codec.decode_durable(bytes(event))
            self._since = page.until
