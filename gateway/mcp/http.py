"""Serves the tools over HTTP, on a unix socket behind the gateway: streamable HTTP at /mcp, the older event stream at
/sse.

The gateway checks origin, host and token before it forwards a request. Each call uses the token that came with it, and
a session belongs to the token that began it.
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

from gateway.client import Endpoint, HttpClient
from gateway.client.discovery.local_socket import listen_at_path
from gateway.client.mcp_forwarding import WAIT_HEADER
from gateway.mcp.server import RequestContext, progress_reporter, server_for
from gateway.mcp.tool_caller import Caller, parse_wait_limit
from gateway.process_basics.tasks import spawn

READY_LINE = "ready"
MESSAGES_PATH = "/messages/"
MAX_BODY_BYTES = 1 << 20
SESSION_LIFETIME_S = 24 * 3600.0
KEEP_ALIVE_INTERVAL_S = 50  # seconds; intermediaries end a stream that was silent for a minute


class ToolsApp:
    """One ASGI application for both transports."""

    def __init__(self, direct: HttpClient) -> None:
        self._direct = direct
        trusting = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # the gateway has checked the host
        self.server = server_for(self._caller_of)
        self.streamable = StreamableHTTPSessionManager(
            self.server,
            security_settings=trusting,
            session_idle_timeout=SESSION_LIFETIME_S,
            max_request_body_size=MAX_BODY_BYTES,
        )
        self.sse = SseServerTransport(MESSAGES_PATH, trusting, MAX_BODY_BYTES)

    def _caller_of(self, ctx: RequestContext) -> Caller:
        assert isinstance(ctx.request, Request)
        scope = ctx.request.scope
        patience = parse_wait_limit(header_of(scope, WAIT_HEADER.encode()))
        return Caller(self._direct, token_in_scope(scope), progress_reporter(ctx), patience=patience)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = token_in_scope(scope)
        scope["user"] = AuthenticatedUser(AccessToken(token=token, client_id=fingerprint(token), scopes=[]))
        path = scope["path"]
        if path == "/mcp":
            await self.streamable.handle_request(scope, receive, send)
        elif path == "/sse" and scope["method"] == "GET":
            await self._stream(scope, receive, send)
        elif path == MESSAGES_PATH:
            await self.sse.handle_post_message(scope, receive, send)
        else:
            await PlainTextResponse("Use /mcp or /sse.", 404)(scope, receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["root_path"] = header_of(scope, b"x-groupchat-prefix")
        async with self.sse.connect_sse(scope, receive, send) as (incoming, outgoing):
            await self.server.run(incoming, outgoing, self.server.create_initialization_options())


def token_in_scope(scope: Scope) -> str:
    return header_of(scope, b"authorization").partition(" ")[2]


def header_of(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def app_for(direct: HttpClient) -> ASGIApp:
    tools = ToolsApp(direct)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with tools.streamable.run():
            yield

    app = Starlette(lifespan=lifespan)
    app.mount("/", tools)
    return app


async def serve_http(endpoint: Endpoint, path: Path) -> None:
    """Serve until standard input ends, which happens when the parent process ends."""
    EventSourceResponse.DEFAULT_PING_INTERVAL = KEEP_ALIVE_INTERVAL_S  # the SDK offers no other way to set it
    async with HttpClient(endpoint) as direct:
        config = uvicorn.Config(
            app_for(direct), uds=str(path), log_level="warning", access_log=False, timeout_graceful_shutdown=1
        )
        server = _Server(config)
        watching = spawn(_wait_for_parent_exit(server), "watch")
        try:
            await server.serve([listen_at_path(path)])
        finally:
            watching.cancel()


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(READY_LINE, flush=True)  # noqa: T201 - to the gateway, which waits for it


async def _wait_for_parent_exit(server: uvicorn.Server) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    server.should_exit = True
