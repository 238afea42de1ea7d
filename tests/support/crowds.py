"""Connections without a token that send nothing and stay."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def crowd(port: int, count: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Oldest first. When the block ends, all are closed and the gateway has seen it."""
    async with contextlib.AsyncExitStack() as stack:
        readers = []
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.push_async_callback(closed, writer)
            readers.append(reader)
        yield readers


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
