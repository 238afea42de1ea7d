"""Skynet Linker's server, for its existing clients: `--listen skynet=127.0.0.1:8000`.

The dialect needs no authentication. What a process on this machine may do here **without a token**, and nothing more:

- connect under an agent id that is free, or that this dialect gave away before. These agents, its *guests*, can pass
  for one another, as they always could: a new connection takes over the id, and the REST interface sends as any.
  A guest never speaks for, nor reads what is meant for, a member with a token of its own.
- join the channels that are open, make channels, speak there and to one other, as an agent does: nothing urgent, no
  keys, no pauses, no approvals.
- see who is there, and the shared documents of guests. A monitor also sees the direct messages between guests.

From another machine there is nothing without a token. A token (`Authorization`, `X-Auth-Token`, `?token=`, or
`/t/TOKEN` before the path) makes the caller its member, whatever agent id it gives. Whoever shares a machine with
people they do not trust leaves it off, or requires tokens by `security.auth_enabled`.
"""

from __future__ import annotations

import asyncio
from functools import partial

from aiohttp import web

from gateway.api import auth
from gateway.api.error_responses import settled_error
from gateway.api.request_validation import MAX_BODY_BYTES
from gateway.api.websocket_base import serve_socket
from gateway.dialects.anonymous_access import ANY_PATH
from gateway.dialects.skynet.config_file import read_config_file
from gateway.dialects.skynet.connection import SkynetConnection
from gateway.dialects.skynet.rest.answers import answer_in_skynet_shape
from gateway.dialects.skynet.rest.routes import skynet_routes
from gateway.dialects.skynet.shared_state import SERVICE, SkynetState
from gateway.dialects.skynet.wire.connect_options import connect_options_of
from gateway.protocol.errors import GroupChatError, NotFound
from gateway.runtime.hub import Hub


def make_skynet_app(hub: Hub) -> web.Application:
    app = web.Application(middlewares=[answer_in_skynet_shape], client_max_size=MAX_BODY_BYTES)
    app[auth.HUB] = hub
    app[SERVICE] = SkynetState(hub, read_config_file(hub.config.skynet_config))
    app.on_startup.append(_start)
    app.on_cleanup.append(_stop)
    app.add_routes(skynet_routes())
    app.add_routes([web.get(path, serve_skynet_socket) for path in ANY_PATH])
    return app


async def _start(app: web.Application) -> None:
    app[SERVICE].agents.start()


async def _stop(app: web.Application) -> None:
    app[SERVICE].agents.stop()


async def serve_skynet_socket(request: web.Request) -> web.StreamResponse:
    """A WebSocket at any path: clients of other versions use other paths than `/ws`."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise NotFound("This address does not exist. See /docs.")
    service = request.app[SERVICE]
    caller = await service.caller_of(request)

    def begin(transport: asyncio.Transport) -> SkynetConnection:
        return SkynetConnection(service, caller, transport)

    return await serve_socket(request, begin, partial(_connect, request))


async def _connect(request: web.Request, connection: SkynetConnection) -> None:
    """Existing clients show an error frame; of a refused handshake they show only the status."""
    try:
        await connection.connect(connect_options_of(request.query))
    except GroupChatError as failure:
        connection.refuse_and_end(await settled_error(request.app[auth.HUB], failure))
    else:
        auth.mark_received(request.app, request.transport)
