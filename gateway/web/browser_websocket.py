"""The socket of a browser: the gateway sends a challenge, the page proves its device, then the full protocol begins.

A proof belongs to one connection, so it is worth nothing to whoever records it. Nothing that a browser sends by itself
(a cookie, an address) opens this socket.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from aiohttp import web

from gateway.access.device_credentials import Challenged
from gateway.access.permissions import Actor
from gateway.api import auth, stream_frames
from gateway.api.error_responses import error_to_tell
from gateway.api.websocket import WebSocketConnection, serve_websocket
from gateway.api.websocket_base import serve_socket
from gateway.protocol import codec
from gateway.protocol.browser_frames import Prove
from gateway.protocol.errors import Forbidden, GroupChatError
from gateway.protocol.events import Challenge
from gateway.protocol.results import Done
from gateway.rooms import devices, share_links
from gateway.runtime.hub import Hub

PROOF_TIMEOUT_S = 10.0
MAX_ID_CHARS = 64
MAX_PROOF_BYTES = 1024

Prover = Callable[[Prove], Actor]


async def serve_full_protocol(request: web.Request) -> web.StreamResponse:
    """`/v1/ws` for everybody: with a token, or for a browser with the id of its device or its link."""
    if "device" in request.query or "link" in request.query:
        return await serve_browser_socket(request)
    return await serve_websocket(request)


async def serve_browser_socket(request: web.Request) -> web.StreamResponse:
    """`/v1/ws` for browsers alone."""
    if "device" in request.query:
        return await _serve_device(request)
    if "link" in request.query:
        return await _serve_link(request)
    auth.check_origin(request)
    raise Forbidden("Only paired browsers and read-only links are served at this address; no token works here.")


async def _serve_device(request: web.Request) -> web.StreamResponse:
    hub, origin = request.app[auth.HUB], auth.own_page_origin(request)
    challenged = Challenged(hub.state.id, origin, secrets.token_urlsafe(32))
    device = request.query["device"][:MAX_ID_CHARS]

    def prove(proof: Prove) -> Actor:
        actor = devices.identify_device(hub.state, device, proof.signature, challenged, hub.now)
        auth.mark_proven(request, actor)
        hub.state.devices_seen[device] = hub.now
        return actor

    return await serve_socket(request, lambda transport: BrowserWebSocket(hub, transport, challenged, prove))


async def _serve_link(request: web.Request) -> web.StreamResponse:
    """Whoever reads by a link counts among those without a token when connections are scarce."""
    hub, origin = request.app[auth.HUB], auth.own_page_origin(request)
    challenged = Challenged(hub.state.id, origin, secrets.token_urlsafe(32))
    link = request.query["link"][:MAX_ID_CHARS]

    def prove(proof: Prove) -> Actor:
        actor = share_links.identify_link(hub.state, link, proof.secret, hub.now)
        auth.mark_received(request.app, request.transport)
        return actor

    return await serve_socket(request, lambda transport: BrowserWebSocket(hub, transport, challenged, prove))


class BrowserWebSocket:
    """One browser: until its proof, and then the connection that the proof has opened."""

    def __init__(
        self,
        hub: Hub,
        transport: asyncio.Transport,
        challenged: Challenged,
        prove: Prover,
        seconds: float = PROOF_TIMEOUT_S,
    ) -> None:
        self._hub, self._transport, self._prove = hub, transport, prove
        self._opened: WebSocketConnection | None = None
        hub.streams.strangers.add(transport)
        self._alarm = asyncio.get_running_loop().call_later(seconds, self._end)
        self._say(codec.encode(Challenge(challenged.nonce, challenged.house, seconds)))

    async def receive(self, data: str | bytes) -> None:
        if self._opened is not None:
            await self._opened.receive(data)
            return
        try:
            proof = codec.decode(Prove, data[:MAX_PROOF_BYTES])
            actor = self._prove(proof)
        except GroupChatError as error:
            self._say(codec.encode_error(codec.request_number_in(data[:MAX_PROOF_BYTES]), self._told(error).body()))
            self._end()
            return
        self._alarm.cancel()
        self._say(codec.encode_answer(proof.n, Done()))
        self._opened = WebSocketConnection(self._hub, actor, self._transport)

    def mark_alive(self, pong: bytes | None) -> None:
        if self._opened is not None:
            self._opened.mark_alive(pong)

    def close(self) -> None:
        self._alarm.cancel()
        self._hub.streams.strangers.discard(self._transport)
        if self._opened is not None:
            self._opened.close()

    def _told(self, error: GroupChatError) -> GroupChatError:
        return error_to_tell(self._hub, error)

    def _say(self, payload: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(stream_frames.encode_websocket_text(payload))

    def _end(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(stream_frames.REFUSED_FRAME)
            self._transport.close()
