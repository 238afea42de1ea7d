"""The tools over HTTP, on a unix socket behind the gateway: streamable at /mcp, and the older event stream at /sse.

The gateway has looked at page, host and token before it hands a request on; each call is made with the token that came
with it, and a session belongs to the token that began it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.client import Direct, Endpoint
from gateway.client.discovery.local_socket import listening
from gateway.client.mcp_relay import PATIENCE_HEADER
from gateway.client.process.tasks import spawn
from gateway.mcp.caller import Caller, patience_of
from gateway.mcp.server import Context, progress_of, server_for

READY = "ready"
MESSAGES = "/messages/"
MAX_BODY = 1 << 20
SESSION_LASTS = 24 * 3600.0
SIGN_OF_LIFE = 50  # seconds; intermediaries end a stream that was silent for a minute


class Tools:
    """One ASGI application for both transports."""

    def __init__(self, direct: Direct) -> None:
        self._direct = direct
        trusting = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # the gateway has looked
        self.server = server_for(self._caller_of)
        self.streamable = StreamableHTTPSessionManager(
            self.server,
            security_settings=trusting,
            session_idle_timeout=SESSION_LASTS,
            max_request_body_size=MAX_BODY,
        )
        self.sse = SseServerTransport(MESSAGES, trusting, MAX_BODY)

    def _caller_of(self, ctx: Context) -> Caller:
        assert isinstance(ctx.request, Request)
        scope = ctx.request.scope
        patience = patience_of(header_of(scope, PATIENCE_HEADER.encode()))
        return Caller(self._direct, token_of(scope), progress_of(ctx), patience=patience)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = token_of(scope)
        scope["user"] = AuthenticatedUser(AccessToken(token=token, client_id=fingerprint(token), scopes=[]))
        path = scope["path"]
        if path == "/mcp":
            await self.streamable.handle_request(scope, receive, send)
        elif path == "/sse" and scope["method"] == "GET":
            await self._stream(scope, receive, send)
        elif path == MESSAGES:
            await self.sse.handle_post_message(scope, receive, send)
        else:
            await PlainTextResponse("There are /mcp and /sse.", 404)(scope, receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["root_path"] = header_of(scope, b"x-groupchat-prefix")
        async with self.sse.connect_sse(scope, receive, send) as (incoming, outgoing):
            await self.server.run(incoming, outgoing, self.server.create_initialization_options())


def token_of(scope: Scope) -> str:
    return header_of(scope, b"authorization").partition(" ")[2]


def header_of(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def app_for(direct: Direct) -> ASGIApp:
    tools = Tools(direct)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with tools.streamable.run():
            yield

    app = Starlette(lifespan=lifespan)
    app.mount("/", tools)
    return app


async def serve(endpoint: Endpoint, door: Path) -> None:
    """Until standard input ends: with whoever started this, it goes."""
    EventSourceResponse.DEFAULT_PING_INTERVAL = SIGN_OF_LIFE  # the SDK leaves no other way to say it
    async with Direct(endpoint) as direct:
        config = uvicorn.Config(
            app_for(direct), uds=str(door), log_level="warning", access_log=False, timeout_graceful_shutdown=1
        )
        server = _Server(config)
        watching = spawn(_until_left_alone(server), "watch")
        try:
            await server.serve([listening(door)])
        finally:
            watching.cancel()


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(READY, flush=True)  # noqa: T201 - to the gateway, which waits for it


async def _until_left_alone(server: uvicorn.Server) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    server.should_exit = True
