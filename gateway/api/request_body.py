"""Reads a request's body within a time limit, and decodes it by its declared encoding."""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway.protocol.errors import BadRequest, TimedOut

READ_TIMEOUT_S = 60.0


async def read_body(request: web.Request, within: float = READ_TIMEOUT_S) -> bytes:
    """Read the whole body, or fail after `within` seconds: a client that sends drop by drop is not waited for."""
    try:
        async with asyncio.timeout(within):
            return await request.read()
    except TimeoutError:
        raise TimedOut(f"The body did not arrive completely within {within:g} s.") from None
    except web.RequestPayloadError:
        encoding = request.headers.get("Content-Encoding", "")
        said = f"it is not {encoding[:40]!r}, as it says" if encoding else "it is broken"
        raise BadRequest(f"The body cannot be read: {said}.") from None
