"""A hook server with its handler, in one block."""

import contextlib
from collections.abc import AsyncIterator

from sidecar.evidence_sources.hook_server import HookHandler, answering, reserved


@contextlib.asynccontextmanager
async def listening(handle: HookHandler) -> AsyncIterator[str]:
    async with reserved() as address:
        with answering(address, handle):
            yield address.url
