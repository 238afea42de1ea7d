"""The listener for browsers of the local network: the page, pairing and paired browsers over TLS, and nothing else.

It is opened and closed by requests of an administrator, at one address of a private network and the gateway's own port.
It ends with the gateway and is not opened again by itself.
"""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web

from gateway.api import auth
from gateway.api.error_responses import translate_errors
from gateway.api.origin_check import AllowedHosts
from gateway.listening.acceptor import IDLE_TIMEOUT_S, ConnectionLimiter
from gateway.listening.limited_site import LimitedSite
from gateway.listening.private_addresses import check_private_address
from gateway.protocol.errors import Conflict, Unavailable
from gateway.protocol.results import LanPage
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.runtime.hub import Hub
from gateway.server.listeners.lan_certificate import LanCertificate, certificate_for
from gateway.web.browser_websocket import serve_browser_socket
from gateway.web.routes import web_routes

CERTIFICATE_FOLDER = "lan"
CLOSE_TIMEOUT_S = 0.5
log = structlog.get_logger("gateway.server.listeners.lan_listener")


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class _Opened:
    runner: web.AppRunner
    address: str
    page: LanPage


class LanListener:
    """`port` is the one of the main listener: a browser's key belongs to an address with its port, so the page must be
    found where it was."""

    def __init__(
        self,
        hub: Hub,
        limiter: ConnectionLimiter,
        state: Path,
        port: int,
        now: Callable[[], datetime.datetime] = utc_now,
    ) -> None:
        self._hub, self._limiter, self._state, self._port, self._now = hub, limiter, state, port, now
        self._opened: _Opened | None = None
        self._changing = asyncio.Lock()

    async def open(self, address: str) -> LanPage:
        wanted = check_private_address(address)
        async with self._changing:
            if self._opened is None:
                self._opened = await self._listen(wanted)
                log.warning("= the page is open to a network", url=self._opened.page.url)
            elif self._opened.address != wanted:
                raise Conflict(
                    f"The page is open at {self._opened.page.url} already, and at one address only. Close it first: "
                    "`groupchat web --lan-stop`."
                )
            return self._opened.page

    async def close(self) -> LanPage | None:
        async with self._changing:
            opened, self._opened = self._opened, None
            if opened is None:
                return None
            await opened.runner.cleanup()
            log.warning("= the page is closed to the network", url=opened.page.url)
            return opened.page

    async def _listen(self, address: str) -> _Opened:
        certificate = certificate_for(self._state / CERTIFICATE_FOLDER, address, self._now())
        runner = web.AppRunner(
            make_lan_app(self._hub, self._limiter, address),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=CLOSE_TIMEOUT_S,
            keepalive_timeout=IDLE_TIMEOUT_S,
        )
        await runner.setup()
        try:
            site = LimitedSite(runner, address, self._port, self._limiter, tls=_tls_of(certificate))
            await site.start()
        except BaseException as error:
            await runner.cleanup()
            if not isinstance(error, OSError):
                raise
            raise Unavailable(
                f"Cannot listen on {address}:{self._port}: {error.strerror}. Name an address that this machine has, at "
                "which nothing listens on that port."
            ) from None
        url = f"https://{f'[{address}]' if ':' in address else address}:{self._port}"
        page = LanPage(url, certificate.fingerprint, iso_from_seconds(certificate.ends.timestamp()))
        return _Opened(runner, address, page)


def make_lan_app(hub: Hub, limiter: ConnectionLimiter, address: str) -> web.Application:
    """Only this address is a Host here, and only its own page an Origin."""
    app = web.Application(middlewares=[translate_errors])
    app[auth.HUB] = hub
    app[auth.HOSTS] = AllowedHosts(frozenset({address}))
    app[auth.LIMITER] = limiter
    app.add_routes(web_routes())
    app.add_routes([web.get("/v1/ws", serve_browser_socket)])
    return app


def _tls_of(certificate: LanCertificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.path)
    return context
