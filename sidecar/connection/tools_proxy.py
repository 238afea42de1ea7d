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
from gateway.listening.unproven_connections import ConnectionLimits
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.member_requests import CreateHands
from gateway.protocol.results import TokenMade
from sidecar.connection.room_reporter import RoomClient

MCP_PATH = "/mcp"
MAX_BODY_BYTES = 1 << 20
OPEN_TIMEOUT_S = 10.0
CONNECTION_LIMITS = ConnectionLimits(strangers=32, strangers_of_one_peer=32, guests=8, members=128, of_one_member=128)
MAX_CALLS = 100
log = structlog.get_logger("sidecar.connection.tools_proxy")


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
        self._session: aiohttp.ClientSession | None = None
        self._session_is_to: Endpoint | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").partition(" ")[2]
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            return web.Response(status=401, text="This address is for one agent only.")
        self.limiter.mark_proven(request.transport, "agent")
        body = await request.read() if request.can_read_body else None
        try:
            token = await self._with_token()
            answer = await self._ask(request, body, token)
            if answer.status == 401:  # another store, or the token was revoked: request a new one
                answer.close()
                answer = await self._ask(request, body, await self._with_token(instead_of=token))
        except (GroupChatError, aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("the agent's tools cannot reach the room", error=str(error))
            return web.Response(status=503, text="The group chat's gateway cannot be reached now.")
        return await forward_response(request, answer)

    async def _ask(self, request: web.Request, body: bytes | None, token: str) -> aiohttp.ClientResponse:
        headers = forwarded_headers(request) | {"Authorization": f"Bearer {token}", WAIT_HEADER: str(self._patience)}
        endpoint = self._endpoint()
        session = await self._session_to(endpoint)
        return await session.request(request.method, endpoint.at(MCP_PATH), data=body, headers=headers)

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
