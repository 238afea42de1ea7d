"""A client of a Skynet server: single requests over HTTP, and its WebSocket, which it opens again when it breaks."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import NoReturn, Self, TypeVar

import aiohttp
import msgspec

from gateway.client.backoff import retry_delays
from gateway.client.transport_errors import MAX_FRAME_BYTES, PING_INTERVAL_S, untrusted_certificate_error
from gateway.dialect_commands.skynet_endpoint import SOCKET_PATH, SkynetServer
from gateway.dialect_commands.skynet_frames import (
    Json,
    ReceivedControl,
    ReceivedFrame,
    decode_server_frame,
    error_of_answer,
)
from gateway.protocol.errors import (
    BadJson,
    Conflict,
    Forbidden,
    GroupChatError,
    NotFound,
    TimedOut,
    Unauthorized,
    Unavailable,
)

T = TypeVar("T")
REPLACED_CODE, REFUSED_CODE = 4000, 1008  # after these a client does not come back by itself
STATUS_TO_RETRY = (429, 502, 503, 504)


class ConnectionBroken(Exception):
    """The connection could not be opened, or has ended; it may be opened again."""


class SkynetClient:
    def __init__(self, server: SkynetServer, chance: Callable[[], float] = random.random) -> None:
        self._server, self._chance = server, chance
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        tls = self._server.trust.context() if self._server.secure else True
        token = self._server.token
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls),
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=aiohttp.ClientTimeout(total=self._server.limits.answers, sock_connect=self._server.limits.opens),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    # single requests

    async def get(self, path: str, kind: type[T]) -> T:
        return await self._request("GET", path, None, kind)

    async def post(self, path: str, body: object, kind: type[T]) -> T:
        return await self._request("POST", path, msgspec.json.encode(body), kind)

    async def _request(self, method: str, path: str, body: bytes | None, kind: type[T]) -> T:
        headers = {"Content-Type": "application/json"} if body is not None else None
        try:
            async with self._session.request(method, self._server.at(path), data=body, headers=headers) as response:
                answer = await response.read()
        except (aiohttp.ClientError, OSError) as error:
            self._raise_unreachable(error)
        if response.status >= 400:
            raise error_of_answer(response.status, answer)
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.MsgspecError, UnicodeError):
            raise BadJson(f"{self._server.shown} did not answer as a Skynet server does.") from None

    def _raise_unreachable(self, error: Exception) -> NoReturn:
        match error:
            case TimeoutError():
                seconds = self._server.limits.answers
                raise TimedOut(
                    f"The Skynet server at {self._server.shown} did not answer within {seconds:g} s."
                ) from None
            case aiohttp.ClientConnectorCertificateError():
                raise untrusted_certificate_error(error.certificate_error) from None
        raise Unavailable(f"No Skynet server answers at {self._server.shown}. {self._server.remedy}") from None

    # the WebSocket

    async def frames(self, query: Mapping[str, str], tell: Callable[[str], None]) -> AsyncIterator[ReceivedFrame]:
        """All frames, also after a connection broke: it is opened again after growing pauses, without end. The first
        one must succeed in time."""
        delays = retry_delays(self._chance)
        until: float | None = time.monotonic() + self._server.limits.opens
        while True:
            try:
                async with self._socket(query) as socket:
                    async for frame in self._frames_of(socket):
                        if isinstance(frame, ReceivedControl) and frame.action == "connected":
                            delays, until = retry_delays(self._chance), None
                        yield frame
            except ConnectionBroken as broken:
                await self._pause(str(broken), delays, until, tell)

    async def _pause(self, why: str, delays: Iterator[float], until: float | None, tell: Callable[[str], None]) -> None:
        delay = next(delays)
        if until is not None and time.monotonic() + delay > until:
            raise Unavailable(
                f"No Skynet server answers at {self._server.shown} ({why}). {self._server.remedy}"
            ) from None
        tell(f"{self._server.shown}: {why}. Trying again in {delay:.1f} s.")
        await asyncio.sleep(delay)

    @asynccontextmanager
    async def _socket(self, query: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        try:
            async with self._session.ws_connect(
                self._server.at(SOCKET_PATH),
                params=query,
                heartbeat=PING_INTERVAL_S,
                max_msg_size=MAX_FRAME_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=self._server.limits.closes),
            ) as socket:
                yield socket
        except aiohttp.WSServerHandshakeError as error:
            if error.status in STATUS_TO_RETRY:
                raise ConnectionBroken(f"the server answered with HTTP {error.status}") from None
            raise refused_handshake(error.status, self._server) from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise untrusted_certificate_error(error.certificate_error) from None
        except TimeoutError:
            raise ConnectionBroken("the server did not answer") from None
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionBroken(_cause(error)) from None

    async def _frames_of(self, socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[ReceivedFrame]:
        """The frames of one connection. A ping is answered; after a refusal the connection is not tried again."""
        async for arrived in socket:
            if arrived.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                break
            frame = decode_server_frame(arrived.data)
            if isinstance(frame, ReceivedControl) and frame.action == "ping":
                await socket.send_str(pong_frame(frame.params))
            yield frame
        raise end_of_connection(socket.close_code, self._server)


def pong_frame(params: Json) -> str:
    return msgspec.json.encode({"type": "control", "data": {"action": "pong", "params": params}}).decode()


def refused_handshake(status: int, server: SkynetServer) -> GroupChatError:
    match status, bool(server.token):
        case 401, True:
            return Unauthorized(f"{server.shown} does not accept this token.")
        case 401, False:
            return Unauthorized(f"{server.shown} asks for a token. Set CSP_AUTH_TOKEN.")
        case 403, _:
            return Forbidden(f"{server.shown} refuses this connection (HTTP 403).")
        case 404, _:
            return NotFound(f"There is no Skynet server at {server.shown}: it has no {SOCKET_PATH}.")
    return GroupChatError(f"{server.shown} refuses this connection (HTTP {status}).")


def end_of_connection(code: int | None, server: SkynetServer) -> Exception:
    """What a client does after this close code. An error frame before it has said why."""
    if code == REPLACED_CODE:
        return Conflict(f"{server.shown} has given this agent id to another connection. This one is not opened again.")
    if code == REFUSED_CODE:
        return Forbidden(f"{server.shown} has refused this connection. It is not opened again.")
    return ConnectionBroken("the server has closed the connection")


def _cause(error: Exception) -> str:
    """The system's own words for a number; asyncio puts an address in their place."""
    cause = getattr(error, "os_error", error)
    number = getattr(cause, "errno", None)
    words = os.strerror(number) if isinstance(number, int) and number > 0 else str(cause) or type(cause).__name__
    return words.rstrip(".").lower()
