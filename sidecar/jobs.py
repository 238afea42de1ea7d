"""Work that goes on beside the terminal and must not take it down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

RESTART = 1.0
log = structlog.get_logger("sidecar")


async def guarded(name: str, job: Callable[[], Awaitable[None]]) -> None:
    """Whatever fails here, the person's terminal goes on."""
    while True:
        try:
            return await job()
        except Exception:
            log.exception("a part of the sidecar failed", part=name)
            await asyncio.sleep(RESTART)
