"""Passes requests of the simple interface on to the gateway that decides, while this one follows. It changes the room
in many small ways, so all of it is answered where that is decided."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable

import aiohttp
from aiohttp import web
from yarl import URL

from gateway.api import auth
from gateway.api.request_validation import read_body
from gateway.cluster.cluster import Cluster
from gateway.cluster.published_gateways import NO_DECIDER_TEXT, trust_in
from gateway.protocol.errors import Unavailable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HERE = ("/health", "/ws", "/events")  # of this gateway, whoever decides: its health, and streams of what is decided
PASSED_ON = ("authorization", "x-auth-token", "content-type", "accept", "last-event-id")
RETURNED = ("content-type", "cache-control", "retry-after", "www-authenticate")
CONNECT_TIMEOUT_S = 2.0


def pass_to_decider(routes: Iterable[web.RouteDef], cluster: Cluster | None) -> list[web.RouteDef]:
    if cluster is None:
        return list(routes)
    return [_passed_on(one, cluster) for one in routes]


def _passed_on(route: web.RouteDef, cluster: Cluster) -> web.RouteDef:
    if route.path in HERE:
        return route
    handler: Handler = route.handler

    async def handle(request: web.Request) -> web.StreamResponse:
        if not cluster.follows:
            return await handler(request)
        return await _pass_on(request, cluster)

    return web.RouteDef(route.method, route.path, handle, route.kwargs)


async def _pass_on(request: web.Request, cluster: Cluster) -> web.StreamResponse:
    """Piece by piece, because the answer may be a long-lived stream."""
    auth.check_origin(request)
    decider = cluster.decider
    if decider is None:
        raise Unavailable(NO_DECIDER_TEXT, retry_after=1)
    headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    body = await read_body(request) if request.can_read_body else None
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
        try:
            answer = await session.request(
                request.method,
                URL(decider.url + request.raw_path, encoded=True),
                data=body,
                headers=headers,
                ssl=trust_in(decider),
                allow_redirects=False,
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unavailable(NO_DECIDER_TEXT, retry_after=1) from error
        returned = {name: answer.headers[name] for name in RETURNED if name in answer.headers}
        response = web.StreamResponse(status=answer.status, headers=returned)
        await response.prepare(request)
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
        return response
