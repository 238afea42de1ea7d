"""Further listeners of a gateway, each for the clients of one other system: `--listen ai-connect=127.0.0.1:9999`.

They share the event loop and the hub of the main listener, are off by default, and stop with it. A new dialect is a
line in the table, and a name in `gateway.runtime.listen_option`.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from gateway.api import auth
from gateway.api.mcp_proxy import McpProcess
from gateway.api.origin_check import AllowedHosts
from gateway.cluster.cluster import Cluster
from gateway.dialects import mcp_listener
from gateway.dialects.agentchat import protocol
from gateway.dialects.ai_connect import bridge
from gateway.dialects.skynet import listener
from gateway.listening.acceptor import IDLE_TIMEOUT_S, ConnectionLimiter
from gateway.listening.limited_site import LimitedSite
from gateway.listening.unauthenticated_connections import ConnectionLimits
from gateway.protocol.errors import Unavailable
from gateway.runtime.hub import Hub
from gateway.runtime.listen_option import Listen

log = structlog.get_logger("gateway.server.listeners.dialect_listeners")

CLOSE_TIMEOUT_S = 1.0
REGISTER_TIMEOUT_S = 75.0  # clients of other systems may be slow to register


@dataclass(frozen=True)
class ListenerSetup:
    """The settings that all further listeners share."""

    hub: Hub
    mcp: McpProcess
    limiter: ConnectionLimiter = field(default_factory=lambda: ConnectionLimiter(ConnectionLimits()))
    allow_hosts: tuple[str, ...] = ()
    tls: ssl.SSLContext | None = None
    cluster: Cluster | None = None


AppFactory = Callable[[ListenerSetup], web.Application]

MAKERS: dict[str, AppFactory] = {
    "agentchat": lambda setup: protocol.make_agentchat_app(setup.hub),
    "ai-connect": lambda setup: bridge.make_ai_connect_app(setup.hub),
    "mcp": lambda setup: mcp_listener.make_mcp_app(setup.hub, setup.mcp),
    "skynet": lambda setup: listener.make_skynet_app(setup.hub),
}


@contextlib.asynccontextmanager
async def open_listeners(
    setup: ListenerSetup, listen: Iterable[Listen], dialects: Mapping[str, AppFactory] = MAKERS
) -> AsyncIterator[dict[str, str]]:
    """Open all listeners, by dialect and address; or none, with an error that says why."""
    async with contextlib.AsyncExitStack() as stack:
        yield {
            one.dialect: await stack.enter_async_context(_open_listener(setup, one, dialects[one.dialect](setup)))
            for one in listen
        }


@contextlib.asynccontextmanager
async def open_listeners_when_deciding(setup: ListenerSetup, listen: Iterable[Listen]) -> AsyncIterator[dict[str, str]]:
    """Now, or when this gateway begins to decide: clients of other systems speak to the gateway that does."""
    async with contextlib.AsyncExitStack() as stack:
        opened: dict[str, str] = {}

        async def open_now() -> None:
            opened.update(await stack.enter_async_context(open_listeners(setup, listen)))
            for dialect, url in opened.items():
                log.info("= listening for another system", dialect=dialect, url=url)

        if setup.hub.follows:
            setup.hub.role.begins.append(open_now)
        else:
            opened.update(await stack.enter_async_context(open_listeners(setup, listen)))
        yield opened


@contextlib.asynccontextmanager
async def _open_listener(setup: ListenerSetup, listen: Listen, app: web.Application) -> AsyncIterator[str]:
    """TLS only for addresses that other machines reach, because clients of other systems rarely support it."""
    app[auth.HOSTS] = AllowedHosts.of(listen.host, setup.allow_hosts, socket.gethostname())
    app[auth.LIMITER] = setup.limiter
    tls = None if listen.local else setup.tls
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=CLOSE_TIMEOUT_S,
        keepalive_timeout=IDLE_TIMEOUT_S,
    )
    await runner.setup()
    try:
        site = LimitedSite(runner, listen.host, listen.port, setup.limiter, tls=tls, seconds=REGISTER_TIMEOUT_S)
        try:
            await site.start()
        except OSError as error:
            raise Unavailable(
                f"Cannot listen for {listen.dialect} on {listen.host}:{listen.port}: {error.strerror}. "
                f"Choose another port with --listen {listen.dialect}=HOST:PORT, or stop the program that uses it."
            ) from None
        yield listen.url(runner.addresses[0][1], secure=tls is not None)
    finally:
        await runner.cleanup()
