"""The MCP proxy for the agent: a loopback address with a key for this run. It forwards requests to the gateway over the
sidecar's own connection, whatever certificate that needs, with a token that the agent never sees. What is sealed is
sent and read by `sealed_tools` instead."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import h11
import structlog

from gateway.client import Endpoint
from gateway.client.mcp_forwarding import WAIT_HEADER, forwarded_headers, returned_headers
from gateway.listening.acceptor import Acceptor, ConnectionLimiter, bind_sockets
from gateway.listening.unauthenticated_connections import ConnectionLimits
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.member_requests import CreateHands
from gateway.protocol.results import TokenMade
from sidecar.connection import http_exchange
from sidecar.connection.http_exchange import BodyTooLarge, HttpConnection, HttpRequest, HttpResponse
from sidecar.connection.mcp_sessions import INITIALIZED, SESSION_HEADER, ToolSessions, is_initialize
from sidecar.connection.room_reporter import RoomClient
from sidecar.connection.sealed_tools import SealedTools

MCP_PATH = "/mcp"
MAX_BODY_BYTES = 1 << 20
OPEN_TIMEOUT_S = 10.0
BODY_TIMEOUT_S = 60.0
CONNECTION_LIMITS = ConnectionLimits(strangers=32, strangers_of_one_peer=32, guests=8, members=128, of_one_member=128)
_NOT_REACHED = (GroupChatError, h11.RemoteProtocolError, OSError, TimeoutError)
log = structlog.get_logger("sidecar.connection.agent_mcp_proxy")


@dataclass(frozen=True)
class ToolsAddress:
    """The address and the key that the agent is given."""

    url: str
    key: str


class ToolsProxy:
    def __init__(
        self,
        room: RoomClient,
        endpoint: Callable[[], Endpoint],
        key: str,
        patience: int,
        sealed_tools: SealedTools | None = None,
    ) -> None:
        self._room, self._endpoint, self._key, self._patience = room, endpoint, key, patience
        self._sealed_tools = sealed_tools
        self._token = ""
        self.limiter = ConnectionLimiter(CONNECTION_LIMITS)
        self._asking = asyncio.Lock()
        self._sessions, self._beginning = ToolSessions(), asyncio.Lock()

    # The agent's side

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of the agent. Its client opens another connection for the next one."""
        try:
            with contextlib.suppress(OSError, h11.ProtocolError, TimeoutError):
                await self._serve_request(HttpConnection(h11.SERVER, reader, writer), reader, writer)
        finally:
            writer.close()

    async def _serve_request(
        self, agent: HttpConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            request = await self._read_request(agent, writer)
        except BodyTooLarge:
            await agent.send_text(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large.")
        except h11.RemoteProtocolError:
            await agent.send_text(HTTPStatus.BAD_REQUEST, "This is no request.")
        else:
            if request is None:
                await agent.send_text(HTTPStatus.UNAUTHORIZED, "This address is for one agent only.")
            else:
                await _until_hung_up(reader, self._forward(request, agent))

    async def _read_request(self, agent: HttpConnection, writer: asyncio.StreamWriter) -> HttpRequest | None:
        """None if it does not come from our agent. The limiter ends a connection that shows no key in time."""
        request = await agent.receive_request()
        given = request.headers.get("authorization", "").partition(" ")[2]
        if not hmac.compare_digest(given.encode(), self._key.encode()) or urlsplit(request.path).path != MCP_PATH:
            return None
        self.limiter.mark_proven(writer.transport, "agent")
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await agent.receive_body(MAX_BODY_BYTES)
        return HttpRequest(request.method, MCP_PATH, request.headers, body)

    async def _forward(self, request: HttpRequest, agent: HttpConnection) -> None:
        if self._sealed_tools is not None and request.method == "POST":
            own = await self._sealed_tools.answer(request.body)
            if own is not None:
                return await agent.send_body(HTTPStatus.OK, "application/json", own)
        try:
            answer = await self._ask_in_session(request)
        except _NOT_REACHED as error:
            log.warning("the agent's tools cannot reach the room", error=str(error) or type(error).__name__)
            text = "The group chat's gateway cannot be reached now."
            with contextlib.suppress(OSError):
                await agent.send_text(HTTPStatus.SERVICE_UNAVAILABLE, text)
            return None
        with contextlib.closing(answer), contextlib.suppress(OSError, h11.ProtocolError):
            await answer.forward_to(agent, returned_headers(answer.headers))
        return None

    # The gateway's side

    async def _ask_in_session(self, request: HttpRequest) -> HttpResponse:
        headers, name = forwarded_headers(request.headers), request.headers.get(SESSION_HEADER, "")
        now, body = self._sessions.name_now(name), request.body
        answer = await self._ask(request.method, body, headers | ({SESSION_HEADER: now} if name else {}))
        if request.method == "DELETE":
            self._sessions.forget(name)
        elif not name and answer.is_success and SESSION_HEADER in answer.headers and is_initialize(body):
            self._sessions.note_begun(answer.headers[SESSION_HEADER], body)
        elif answer.status == HTTPStatus.NOT_FOUND and await self._begin_again(name, now, headers):
            answer.close()
            answer = await self._ask(request.method, body, headers | {SESSION_HEADER: self._sessions.name_now(name)})
        return answer

    async def _begin_again(self, name: str, unknown: str, headers: dict[str, str]) -> bool:
        """Begin a session that the gateway knows no more. Of several calls that find it missing, the first does it."""
        begun = self._sessions.request_of(name)
        if begun is None:
            return False
        async with self._beginning:
            if self._sessions.name_now(name) != unknown:
                return True
            plain = {one: value for one, value in headers.items() if one not in (SESSION_HEADER, "last-event-id")}
            plain |= {"content-type": "application/json", "accept": "application/json, text/event-stream"}
            with contextlib.closing(await self._ask("POST", begun, plain)) as answer:
                async for _ in answer.body():
                    """Nobody wants it."""
                found = answer.headers.get(SESSION_HEADER, "") if answer.is_success else ""
            if found:
                with contextlib.closing(await self._ask("POST", INITIALIZED, plain | {SESSION_HEADER: found})):
                    self._sessions.note_begun_again(name, found)
                log.info("= began the agent's session with the tools again")
            return bool(found)

    async def _ask(self, method: str, body: bytes, headers: dict[str, str]) -> HttpResponse:
        token = await self._with_token()
        answer = await self._ask_as(token, method, body, headers)
        if answer.status == HTTPStatus.UNAUTHORIZED:  # another store, or a revoked token: request a new one
            answer.close()
            answer = await self._ask_as(await self._with_token(instead_of=token), method, body, headers)
        return answer

    async def _ask_as(self, token: str, method: str, body: bytes, headers: dict[str, str]) -> HttpResponse:
        own = {"authorization": f"Bearer {token}", WAIT_HEADER: str(self._patience)}
        return await http_exchange.ask_gateway(
            self._endpoint(), HttpRequest(method, MCP_PATH, headers | own, body), OPEN_TIMEOUT_S
        )

    async def _with_token(self, instead_of: str = "") -> str:
        """A new token replaces the one before. If several calls were refused together, only the first requests a new
        one."""
        async with self._asking:
            if self._token == instead_of:
                self._token = (await self._room.request(CreateHands(), TokenMade)).token
            return self._token


async def _until_hung_up(reader: asyncio.StreamReader, work: Coroutine[object, object, None]) -> None:
    """Run `work`, or give it up when the agent hangs up."""
    tasks = (spawn(_wait_for_hang_up(reader), "tools hung up"), spawn(work, "tools call"))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _wait_for_hang_up(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):  # a reset connection has hung up, too
        while await reader.read(http_exchange.READ_BYTES):
            """Nothing is asked on the same connection again."""


@contextlib.asynccontextmanager
async def open_tools_proxy(
    room: RoomClient,
    endpoint: Callable[[], Endpoint] | None,
    patience: int,
    sealed_tools: SealedTools | None = None,
) -> AsyncIterator[ToolsAddress | None]:
    """Open while the block runs; None if the sidecar has no gateway to forward to. `patience`: how many seconds the
    agent waits for a tool."""
    if endpoint is None:
        yield None
        return
    key = secrets.token_urlsafe(32)
    proxy = ToolsProxy(room, endpoint, key, patience, sealed_tools)

    def connection() -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), proxy.serve)

    sockets = await bind_sockets("127.0.0.1", 0)
    acceptor = Acceptor(sockets, connection, proxy.limiter)
    try:
        yield ToolsAddress(f"http://127.0.0.1:{sockets[0].getsockname()[1]}{MCP_PATH}", key)
    finally:
        acceptor.close()
        proxy.limiter.close()
