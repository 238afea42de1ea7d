"""A place where an application listens, with limited connections. A module of its own, because a sidecar accepts
connections, too, and `aiohttp` would cost each of many sidecars 10 MB."""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

from aiohttp import web

from gateway.listening.acceptor import LISTEN_BACKLOG, PROOF_TIMEOUT_S, Acceptor, ConnectionLimiter, bind_sockets


class LimitedSite(web.BaseSite):
    """A site of an application whose connections are limited."""

    def __init__(  # noqa: PLR0913 - what a place to listen is
        self,
        runner: web.BaseRunner,
        host: str,
        port: int,
        limiter: ConnectionLimiter,
        *,
        tls: ssl.SSLContext | None = None,
        seconds: float = PROOF_TIMEOUT_S,
    ) -> None:
        super().__init__(runner, ssl_context=tls, backlog=LISTEN_BACKLOG)
        self._place, self._limiter, self._tls, self._seconds = (host, port), limiter, tls, seconds

    @property
    def name(self) -> str:
        host, port = self._place
        return f"{'https' if self._tls else 'http'}://{host}:{port}"

    async def start(self) -> None:
        await super().start()
        factory = self._runner.server
        assert factory is not None
        acceptor = Acceptor(await bind_sockets(*self._place), factory, self._limiter, self._tls, self._seconds)
        self._server = cast(asyncio.AbstractServer, acceptor)  # a site uses only its `sockets` and `close`
