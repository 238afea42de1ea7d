"""Forwards an HTTP request of the Model Context Protocol to its server, and streams the response back.

Only the headers that the protocol needs are forwarded: no cookie, no token, no client address.
"""

from __future__ import annotations

import contextlib

import aiohttp
from aiohttp import web

WAIT_HEADER = "x-groupchat-patience"  # after how many seconds the client gives up on a tool
_FORWARDED_HEADERS = (
    WAIT_HEADER,
    *("content-type", "accept", "last-event-id"),
    *("mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name"),
)
_RETURNED_HEADERS = ("content-type", "mcp-session-id", "cache-control", "allow")


def forwarded_headers(request: web.Request) -> dict[str, str]:
    return {name: request.headers[name] for name in _FORWARDED_HEADERS if name in request.headers}


async def forward_response(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Forward the response piece by piece: it may be a long-lived stream."""
    kept = {name: answer.headers[name] for name in _RETURNED_HEADERS if name in answer.headers}
    response = web.StreamResponse(status=answer.status, headers=kept)
    try:
        await response.prepare(request)
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
    finally:
        answer.close()
    return response
