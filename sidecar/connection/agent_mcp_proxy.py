"""The MCP proxy for the agent: a loopback address with a key for this run. It forwards requests to the gateway over the
sidecar's own connection, whatever certificate that needs, with a token that the agent never sees."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import aiohttp
import structlog
from aiohttp import web

from gateway.client import Endpoint
from gateway.client.http_connectors import connector_for
from gateway.client.mcp_forwarding import WAIT_HEADER, forward_response, forwarded_headers
from gateway.listening.acceptor import IDLE_TIMEOUT_S, ConnectionLimiter, LimitedSite
from gateway.listening.unauthenticated_connections import ConnectionLimits
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.member_requests import CreateHands
from gateway.protocol.results import TokenMade
from sidecar.connection.mcp_sessions import INITIALIZED, SESSION_HEADER, ToolSessions, is_initialize
from sidecar.connection.room_reporter import RoomClient

MCP_PATH = "/mcp"
MAX_BODY_BYTES = 1 << 20
OPEN_TIMEOUT_S = 10.0
CONNECTION_LIMITS = ConnectionLimits(strangers=32, strangers_of_one_peer=32, guests=8, members=128, of_one_member=128)
MAX_CALLS = 100
log = structlog.get_logger("sidecar.connection.agent_mcp_proxy")


@dataclass(frozen=True)
class ToolsAddress:
    """The address and the key that the agent is given."""

    url: str
    key: str


class ToolsProxy:
    def __init__(self, room: RoomClient, endpoint: Callable[[], Endpoint], key: str, patience: int) -> None:
        self._room, self._endpoint, self._key, self._patience = room, endpoint, key, patience
        self._token = ""
        self.limiter = ConnectionLimiter(CONNECTION_LIMITS)
        self._asking = asyncio.Lock()
        self._sessions, self._beginning = ToolSessions(), asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self._session_is_to: Endpoint | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").partition(" ")[2]
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            return web.Response(status=401, text="This address is for one agent only.")
        self.limiter.mark_proven(request.transport, "agent")
        body = await request.read() if request.can_read_body else None
        try:
            answer = await self._ask_in_session(request, body)
        except (GroupChatError, aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("the agent's tools cannot reach the room", error=str(error))
            return web.Response(status=503, text="The group chat's gateway cannot be reached now.")
        return await forward_response(request, answer)

    async def _ask_in_session(self, request: web.Request, body: bytes | None) -> aiohttp.ClientResponse:
        headers, name = forwarded_headers(request), request.headers.get(SESSION_HEADER, "")
        now = self._sessions.name_now(name)
        answer = await self._ask(request.method, body, headers | ({SESSION_HEADER: now} if name else {}))
        if request.method == "DELETE":
            self._sessions.forget(name)
        elif not name and answer.ok and SESSION_HEADER in answer.headers and is_initialize(body):
            self._sessions.note_begun(answer.headers[SESSION_HEADER], body or b"")
        elif answer.status == 404 and await self._begin_again(name, now, headers):
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
            async with await self._ask("POST", begun, plain) as answer:
                await answer.read()
                found = answer.headers.get(SESSION_HEADER, "") if answer.ok else ""
            if found:
                async with await self._ask("POST", INITIALIZED, plain | {SESSION_HEADER: found}):
                    self._sessions.note_begun_again(name, found)
                log.info("= began the agent's session with the tools again")
            return bool(found)

    async def _ask(self, method: str, body: bytes | None, headers: dict[str, str]) -> aiohttp.ClientResponse:
        token = await self._with_token()
        answer = await self._ask_as(token, method, body, headers)
        if answer.status == 401:  # another store, or the token was revoked: request a new one
            answer.close()
            answer = await self._ask_as(await self._with_token(instead_of=token), method, body, headers)
        return answer

    async def _ask_as(
        self, token: str, method: str, body: bytes | None, headers: dict[str, str]
    ) -> aiohttp.ClientResponse:
        own = {"Authorization": f"Bearer {token}", WAIT_HEADER: str(self._patience)}
        endpoint = self._endpoint()
        session = await self._session_to(endpoint)
        return await session.request(method, endpoint.at(MCP_PATH), data=body, headers=headers | own)

    async def _session_to(self, endpoint: Endpoint) -> aiohttp.ClientSession:
        """The session is kept while the gateway stays at the same address."""
        if self._session is None or self._session_is_to != endpoint:
            await self.close()
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=OPEN_TIMEOUT_S)
            connector = connector_for(endpoint, MAX_CALLS)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)
            self._session_is_to = endpoint
        return self._session

    async def _with_token(self, instead_of: str = "") -> str:
        """A new token replaces the one before. If several calls were refused together, only the first requests a new
        one."""
        async with self._asking:
            if self._token == instead_of:
                self._token = (await self._room.request(CreateHands(), TokenMade)).token
            return self._token

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


@contextlib.asynccontextmanager
async def open_tools_proxy(
    room: RoomClient, endpoint: Callable[[], Endpoint] | None, patience: int
) -> AsyncIterator[ToolsAddress | None]:
    """Open while the block runs; None if the sidecar has no gateway to forward to. `patience`: how many seconds the
    agent waits for a tool."""
    if endpoint is None:
        yield None
        return
    key = secrets.token_urlsafe(32)
    proxy = ToolsProxy(room, endpoint, key, patience)
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_route("*", MCP_PATH, proxy.handle)
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5, keepalive_timeout=IDLE_TIMEOUT_S
    )
    await runner.setup()
    await LimitedSite(runner, "127.0.0.1", 0, proxy.limiter).start()
    try:
        yield ToolsAddress(f"http://127.0.0.1:{runner.addresses[0][1]}{MCP_PATH}", key)
    finally:
        await runner.cleanup()
        proxy.limiter.close()
        await proxy.close()
