"""The only place that knows whether the sidecar was told to end and whether to start the agent again."""

from __future__ import annotations

import asyncio


class Shutdown:
    def __init__(self) -> None:
        self._told = asyncio.Event()
        self.again = False

    @property
    def told(self) -> bool:
        return self._told.is_set()

    def stop(self) -> None:
        self._told.set()

    def restart(self) -> None:
        """The agent ends, and the supervisor starts it again with its conversation."""
        self.again = True
        self.stop()

    async def wait(self) -> None:
        await self._told.wait()
